/** Run folders at the edges of what the window has to show, made by the product itself and then bent where needed. */
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { writePart } from "../../src-main/native/parquet.js";
import { correlatedRows } from "../support/features.js";
import { cli, cliJson } from "../support/run-cli.js";
import { breakPhoto } from "./fixtures.js";

export const MANY_LABELS = 5_000;
const DIMENSION = 24;

export interface OddRuns {
  /** Stopped before its PCA. */
  readonly incomplete: string;
  /** Another Verger will write it: see `bend`. */
  readonly newer: string;
  readonly onePhoto: string;
  readonly twins: string;
  /** A PCA of features that others wrote: no photos, no labels. */
  readonly unlabelled: string;
  /** The same with 5,000 labels, some of them long. */
  readonly manyLabels: string;
  /** One photo was set aside, and since then all have moved to `movedTo`. */
  readonly moved: string;
  readonly movedTo: string;
}

/** @param photos a folder of labels with at least two photos each */
export async function makeOddRuns(folder: string, photos: string): Promise<OddRuns> {
  const place = (name: string) => path.join(folder, name);
  const [label] = readdirSync(photos).sort() as [string];
  const [photo] = readdirSync(path.join(photos, label)).sort() as [string];
  const take = (name: string, ...copies: string[]) => {
    for (const copy of copies) {
      mkdirSync(path.join(place(name), label), { recursive: true });
      cpSync(path.join(photos, label, photo), path.join(place(name), label, copy));
    }
    return place(name);
  };
  // Without any variance a run ends with its features, and says that there is no PCA of them.
  await makeRunEnding(1, take("one photo", "a.jpg"), place("single"));
  await makeRunEnding(1, take("two photos", "a.jpg", "b.jpg"), place("twins"));
  const movable = place("before");
  cpSync(photos, movable, { recursive: true });
  breakPhoto(path.join(movable, label, "broken.jpg"));
  await makeRunEnding(3, movable, place("moved"));
  const movedTo = place("after");
  renameSync(movable, movedTo);

  cpSync(place("moved"), place("incomplete"), { recursive: true });
  rmSync(path.join(place("incomplete"), "_SUCCESS"));
  rmSync(path.join(place("incomplete"), "pca"), { recursive: true });
  bend(place("incomplete"), { state: "interrupted", pca: null });
  cpSync(place("twins"), place("newer"), { recursive: true });

  await madeElsewhere(place("unlabelled"), 200, () => null);
  const long = "a variety whose name goes on and on ".repeat(3);
  await madeElsewhere(place("many labels"), 2 * MANY_LABELS, (row) => {
    const number = row % MANY_LABELS;
    return number % 500 === 0 ? `${long}${number}` : `Variety ${number}`;
  });
  return {
    incomplete: place("incomplete"),
    newer: place("newer"),
    onePhoto: place("single"),
    twins: place("twins"),
    unlabelled: place("unlabelled"),
    manyLabels: place("many labels"),
    moved: place("moved"),
    movedTo,
  };
}

/** @param wanted the exit code */
async function makeRunEnding(wanted: number, photos: string, out: string): Promise<void> {
  const { code, stderr } = await cli(["run", photos, "--out", out, "--preset", "fast"]);
  if (code !== wanted) throw new Error(`Expected the run of ${photos} to end with ${wanted}, not ${code}: ${stderr}`);
}

/** Changes fields of run.json. */
export function bend(run: string, change: Record<string, unknown>): void {
  const file = path.join(run, "run.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...change }));
}

/** Features as another program would leave them, and their PCA. */
async function madeElsewhere(out: string, rows: number, labelOf: (row: number) => string | null): Promise<void> {
  const file = `${out}.parquet`;
  const numbers = Array.from({ length: rows }, (_, row) => row);
  await writePart(
    file,
    [
      { name: "path", type: "string", values: numbers.map((row) => `far/away/${row}.jpg`) },
      { name: "label", type: "string", nullable: true, values: numbers.map(labelOf) },
      { name: "features", type: "list<float32>", values: correlatedRows(rows, DIMENSION, 1), width: DIMENSION },
    ],
    rows,
  );
  await cliJson(["pca", file, "--out", out]);
}
