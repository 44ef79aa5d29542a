/** Which columns of a file hold paths, labels and features. */

import path from "node:path";
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
 * @throws VergerError `features/columns`, naming every column found
 */
export function chooseColumns(file: string, columns: readonly NamedColumn[]): FeatureColumns {
  const find = (name: string): NamedColumn | undefined => {
    const exact = columns.filter((column) => column.name === name);
    const answers = exact.length > 0 ? exact : columns.filter((column) => column.name.toLowerCase() === name);
    return answers.length === 1 ? answers[0] : undefined;
  };
  const pathColumn = find("path");
  const label = find("label");
  const list = find("features");
  const vector = columns
    .filter((column) => column.name.toLowerCase() === "features.values" && VECTOR_LIST.test(column.type))
    .map((column) => column.name.slice(0, -".values".length))
    .filter((name) => VECTOR_FIELDS.every((field) => columns.some((column) => column.name === `${name}.${field}`)));
  const refuse = (what: string): never => {
    const found = columns.map((column) => `${column.name} (${column.type})`).join(", ");
    throw new VergerError(
      "features/columns",
      `Expected columns path (string), label (string, may be missing) and features (list of float or double, or a ` +
        `Spark ML vector) in ${file}, but ${what}; the columns found are: ${found}.`,
      { details: { file, columns: columns.map((column) => column.name) } },
    );
  };
  if (!pathColumn) return refuse("path is missing");
  if (!TEXT.has(pathColumn.type)) return refuse(`path is ${pathColumn.type}`);
  if (label && !LABEL.has(label.type)) return refuse(`label is ${label.type}`);
  const named = { path: pathColumn.name, label: label?.name ?? null };
  const [prefix] = vector;
  if (prefix !== undefined && vector.length === 1) return { ...named, features: prefix, shape: "vector" };
  if (!list) return refuse("features is missing");
  if (!VECTOR_LIST.test(list.type)) return refuse(`features is ${list.type}`);
  return { ...named, features: list.name, shape: "list" };
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
