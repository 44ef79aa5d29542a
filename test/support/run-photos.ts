/** Photos for tests of the run: drawn ones, real ones, broken ones. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { cliJson, repositoryRoot } from "./run-cli.js";

/** A folder for one test file, removed by `dispose`. */
export function workFolder(name: string): { readonly folder: string; dispose(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), `verger-${name}-`));
  return { folder, dispose: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }) };
}

/** Draws a labelled set with `verger sample`; the same arguments draw the same bytes. */
export async function drawPhotos(folder: string, images: number, labels: number, size = 64, seed = 1): Promise<void> {
  const numbers = { images, labels, size, seed };
  await cliJson(["sample", folder, ...Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, `${value}`])]);
}

/** The real photos that a checkout has beside it, or undefined: VERGER_PHOTOS, else ../shared/data/fruits360. */
export function realPhotos(): string | undefined {
  const folder = process.env.VERGER_PHOTOS ?? path.resolve(repositoryRoot, "..", "shared", "data", "fruits360");
  return existsSync(path.join(folder, "Training")) ? folder : undefined;
}

/**
 * Copies the first photos of the first varieties of the real set, with their times.
 *
 * @returns how many were copied: 0 where the real set is absent
 */
export function copyRealPhotos(target: string, varieties: number, perVariety: number): number {
  const real = realPhotos();
  if (!real) return 0;
  const training = path.join(real, "Training");
  let copied = 0;
  for (const variety of readdirSync(training).sort().slice(0, varieties)) {
    mkdirSync(path.join(target, variety), { recursive: true });
    for (const name of readdirSync(path.join(training, variety)).sort().slice(0, perVariety)) {
      const copy = path.join(target, variety, name);
      copyFileSync(path.join(training, variety, name), copy);
      // The shared ones may be read-only, and a copy takes that over.
      chmodSync(copy, 0o644);
      copied += 1;
    }
  }
  return copied;
}

/** The images below a folder, relative and sorted. */
export function imagesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
    .map((name) => name.split(path.sep).join("/"))
    .sort();
}

/** Moves a file's time of change by whole seconds; its bytes stay. */
export function touch(file: string, seconds: number): void {
  const { atimeMs, mtimeMs } = statSync(file);
  utimesSync(file, atimeMs / 1000, mtimeMs / 1000 + seconds);
}
