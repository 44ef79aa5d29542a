/** The photos that the figures are taken on. */
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ROOT } from "./process.mjs";

/** The shared set: 6,030 Fruits-360 photos of 100 x 100 pixels. */
export function photosFolder() {
  const folder = process.env.VERGER_PHOTOS ?? path.join(ROOT, "..", "shared", "data", "fruits360");
  if (!existsSync(folder)) {
    throw new Error(
      `Expected photos in ${folder} for the benchmarks; set VERGER_PHOTOS to a folder of labelled photos.`,
    );
  }
  return path.resolve(folder);
}

/** Every photo below `folder`, relative, in one order. */
export async function listPhotos(folder = photosFolder()) {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /\.jpe?g$/i.test(name)).sort();
}

/** A temporary folder that is removed after `work`, whatever happens. `VERGER_BENCH_DIR` says on which disk. */
export async function withTemporary(work) {
  const folder = await mkdtemp(path.join(process.env.VERGER_BENCH_DIR ?? tmpdir(), "verger-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const COPIES_AT_ONCE = 32;

/**
 * A source of exactly `count` files: the photos, again and again in numbered folders. Copies, not links: each is a file
 * of its own to the system, as in a real source.
 *
 * @param {string} target an empty folder
 */
export async function repeatPhotos(target, count) {
  const folder = photosFolder();
  const names = await listPhotos(folder);
  const folders = new Set();
  const files = [];
  for (let index = 0; index < count; index += 1) {
    const repeat = String(Math.floor(index / names.length)).padStart(3, "0");
    const name = names[index % names.length];
    const to = path.join(target, repeat, name);
    folders.add(path.dirname(to));
    files.push([path.join(folder, name), to]);
  }
  for (const name of folders) await mkdir(name, { recursive: true });
  let next = 0;
  const copy = async () => {
    while (next < files.length) {
      const [from, to] = files[next];
      next += 1;
      await copyFile(from, to);
    }
  };
  await Promise.all(Array.from({ length: COPIES_AT_ONCE }, copy));
  return target;
}
