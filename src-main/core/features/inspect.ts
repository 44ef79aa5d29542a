/** A look at features that others wrote, before anything is computed from them. */
import type { FeatureColumnNames } from "../../api/contract.js";
import { openParquet } from "../../native/parquet.js";
import { errorCode, type Problem, problemIn, VergerError } from "../errors.js";
import { type ColumnRole, chooseColumns, columnRoles, type NamedColumn } from "./columns.js";
import { atItsAddress, type Fetched } from "./fetched.js";
import { findFeatureFiles } from "./files.js";
import { generalColumns } from "./general-file.js";
import { openFeatures } from "./index.js";

export interface FeaturesReport {
  readonly files: number;
  /** Of all files; null on this machine, where nothing has to be fetched. */
  readonly bytes: number | null;
  /** Null where only one of several files was looked at. */
  readonly rows: number | null;
  /** Null where the columns do not fit: see `problem`. */
  readonly dimension: number | null;
  /** Of the first file, and what each could serve as. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly fits: ColumnRole[] }[];
  readonly chosen: { readonly path: string; readonly label: string | null; readonly features: string } | null;
  /** Why the features cannot be read so. */
  readonly problem: Problem | null;
}

/**
 * Reads footers, and one row. That the columns do not fit is an answer, not a failure: it lists what there is.
 *
 * @param names as for `openFeatures`
 * @throws VergerError or Error `features/not-found`, `features/empty`, `parquet/*`, `storage/*`
 */
export async function inspectFeatures(input: string, names?: FeatureColumnNames): Promise<FeaturesReport> {
  const files = await findFeatureFiles(input);
  const first = files[0] as string;
  const { rows, columns } = await columnsOf(first);
  const report = { files: files.length, bytes: null, rows, columns: columnRoles(columns) };
  try {
    const { path, label, features } = chooseColumns(first, columns, names);
    const source = await openFeatures(input, names);
    return {
      ...report,
      rows: source.rows,
      dimension: source.dimension,
      chosen: { path, label, features },
      problem: null,
    };
  } catch (error) {
    if (!errorCode(error).startsWith("features/")) throw error;
    return { ...report, dimension: null, chosen: null, problem: problemIn(error) };
  }
}

/** The same of a file that was fetched; what it says names the file's address. */
export async function inspectFetched(fetched: Fetched, names?: FeatureColumnNames): Promise<FeaturesReport> {
  try {
    const report = await inspectFeatures(fetched.copy, names);
    const { problem } = report;
    if (problem === null) return report;
    const named = atItsAddress(
      new VergerError(problem.code, problem.message, { details: problem.details ?? {} }),
      fetched,
    );
    return { ...report, problem: problemIn(named) };
  } catch (error) {
    throw atItsAddress(error, fetched);
  }
}

async function columnsOf(file: string): Promise<{ rows: number; columns: readonly NamedColumn[] }> {
  try {
    const parquet = await openParquet(file);
    await parquet.close();
    return { rows: parquet.rows, columns: parquet.columns };
  } catch (error) {
    if (errorCode(error) !== "parquet/unsupported") throw error;
    return generalColumns(file);
  }
}
