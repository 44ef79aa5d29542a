/** Which columns of a file hold paths, labels and features. */

import path from "node:path";
import type { FeatureColumnNames } from "../../api/contract.js";
import { VergerError } from "../errors.js";

/** A column of any file: its dotted name and a type such as `string`, `int64`, `list<float32>`. */
export interface NamedColumn {
  readonly name: string;
  readonly type: string;
}

/** The names to read. */
export interface FeatureColumns {
  readonly path: string;
  readonly label: string | null;
  /** Without a label column: `label=...` folders give the labels. */
  readonly folderLabels: boolean;
  readonly features: string;
  /** `vector`: Spark ML's struct of `type`, `size`, `indices` and `values`. */
  readonly shape: "list" | "vector";
}

/** The fields of Spark ML's VectorUDT, in the order of its schema. */
export const VECTOR_FIELDS = ["type", "size", "indices", "values"] as const;

const TEXT = new Set(["string", "binary"]);
const LABEL = new Set(["string", "binary", "int32", "int64"]);
const VECTOR_LIST = /^list<float(32|64)>$/;

/**
 * Chooses the columns `path` (text), `label` (text or whole numbers; may be missing) and `features` (list of float or
 * double, or a Spark ML vector). Names count as given, or in other case when only one column answers to them.
 *
 * @param names other names than these; a label that is named must be there, and null leaves the labels out
 * @throws VergerError `features/columns`, naming every column found
 */
export function chooseColumns(
  file: string,
  columns: readonly NamedColumn[],
  names: FeatureColumnNames = {},
): FeatureColumns {
  const find = (name: string): NamedColumn | undefined => {
    const exact = columns.filter((column) => column.name === name);
    const lower = name.toLowerCase();
    const answers = exact.length > 0 ? exact : columns.filter((column) => column.name.toLowerCase() === lower);
    return answers.length === 1 ? answers[0] : undefined;
  };
  const { path: pathName = "path", label: labelName = "label", features: featuresName = "features" } = names;
  const pathColumn = find(pathName);
  const label = labelName === null ? undefined : find(labelName);
  const list = find(featuresName);
  const vector = vectorColumns(columns).filter((name) => name.toLowerCase() === featuresName.toLowerCase());
  const refuse = (what: string): never => {
    const found = columns.map((column) => `${column.name} (${column.type})`).join(", ");
    throw new VergerError(
      "features/columns",
      `Expected columns ${pathName} (string), ${labelName ?? "no label"} (string, may be missing) and ${featuresName} ` +
        `(list of float or double, or a Spark ML vector) in ${file}, but ${what}; the columns found are: ${found}.`,
      { details: { file, columns: columns.map((column) => column.name) } },
    );
  };
  if (!pathColumn) return refuse(`${pathName} is missing`);
  if (!TEXT.has(pathColumn.type)) return refuse(`${pathName} is ${pathColumn.type}`);
  if (names.label && !label) return refuse(`${names.label} is missing`);
  if (label && !LABEL.has(label.type)) return refuse(`${labelName} is ${label.type}`);
  const named = { path: pathColumn.name, label: label?.name ?? null, folderLabels: labelName !== null };
  const [prefix] = vector;
  if (prefix !== undefined && vector.length === 1) return { ...named, features: prefix, shape: "vector" };
  if (!list) return refuse(`${featuresName} is missing`);
  if (!VECTOR_LIST.test(list.type)) return refuse(`${featuresName} is ${list.type}`);
  return { ...named, features: list.name, shape: "list" };
}

/** What columns can be read as. */
export type ColumnRole = "path" | "label" | "features";

/** The columns as people see them, a Spark ML vector as one, and what each could serve as. */
export function columnRoles(columns: readonly NamedColumn[]): { name: string; type: string; fits: ColumnRole[] }[] {
  const vectors = vectorColumns(columns);
  const fieldOf = (name: string): string | undefined => vectors.find((vector) => name.startsWith(`${vector}.`));
  const plain = columns
    .filter(({ name }) => fieldOf(name) === undefined)
    .map(({ name, type }) => {
      const fits: ColumnRole[] = [];
      if (TEXT.has(type)) fits.push("path");
      if (LABEL.has(type)) fits.push("label");
      if (VECTOR_LIST.test(type)) fits.push("features");
      return { name, type, fits };
    });
  return [...plain, ...vectors.map((name) => ({ name, type: "vector", fits: ["features" as const] }))];
}

/** The names of columns that are Spark ML vectors: structs of all its fields. */
function vectorColumns(columns: readonly NamedColumn[]): string[] {
  const names = new Set(columns.map(({ name }) => name));
  return columns
    .filter(({ name, type }) => name.toLowerCase().endsWith(".values") && VECTOR_LIST.test(type))
    .map(({ name }) => name.slice(0, -".values".length))
    .filter((name) => VECTOR_FIELDS.every((field) => names.has(`${name}.${field}`)));
}

/**
 * The label that a folder name carries in Hive's layout, `.../label=Apple%20Red/part-0.parquet`, as Spark's
 * `partitionBy("label")` writes it; `null` when there is none.
 */
export function partitionLabel(file: string): string | null {
  for (const folder of path.dirname(file).split(/[\\/]/).reverse()) {
    const text = /^label=(.*)$/i.exec(folder)?.[1];
    if (text === undefined) continue;
    if (text === "__HIVE_DEFAULT_PARTITION__") return null;
    return text.replace(/(%[0-9a-f]{2})+/gi, (escaped) => {
      try {
        return decodeURIComponent(escaped);
      } catch {
        return escaped;
      }
    });
  }
  return null;
}
