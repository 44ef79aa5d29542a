/**
 * Runs of any size, for measurements and pictures of the window: a real run of the shared photos, repeated. Every
 * repeat has photos of its own (hard links) and features of its own (noise on those of the photo), so that no two points
 * lie on each other; every second repeat has labels and cluster centres of its own. The PCA is `verger pca`'s.
 *
 *   node bench/lib/big-run.mjs <folder> [--rows 100000] [--photos n]
 *
 * makes <folder>/run and <folder>/photos. A row costs about 1.5 KB on disk; 100,000 rows take about 15 s.
 */
import { randomUUID } from "node:crypto";
import { copyFile, link, mkdir, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { nativeModules } from "./native.mjs";
import { photosFolder } from "./photos.mjs";
import { verger } from "./process.mjs";

const ROWS_PER_PART = 1024;
const ROWS_PER_MANIFEST_PART = 100_000;
/** Half-width of the noise on each feature, as a share of it: zeros stay zeros, as ReLU leaves them. */
const NOISE = 0.3;
/** How far the second set of labels lies from the first, as a share of each feature. */
const SHIFT = 0.6;
const LINKS_AT_ONCE = 16;

/**
 * Makes a finished run.
 *
 * @param {string} folder is made; gets `run` and `photos`
 * @param {number} rows
 * @param {{ log?: (line: string) => void, photos?: number }} [options] photos: how many of the first rows have a photo
 *   on disk; the others show the window's placeholder
 * @returns {Promise<{ run: string, photos: string, labels: number, components: number }>}
 */
export async function makeBigRun(folder, rows, { log = () => {}, photos = rows } = {}) {
  const out = path.join(folder, "run");
  const source = path.join(folder, "photos");
  await mkdir(source, { recursive: true });
  const seed = await readSeed(folder, log);
  log(`${rows} rows: photos`);
  const named = nameRows(seed, rows);
  await linkPhotos(seed, named, source, Math.min(photos, rows));
  log(`${rows} rows: manifest and features`);
  for (const name of ["manifest", "features", "errors"]) await mkdir(path.join(out, name), { recursive: true });
  await writeManifest(out, seed, named);
  await writeFeatures(out, seed, named);
  await writeRunFile(out, seed, named, source);
  log(`${rows} rows: PCA`);
  const { summary } = await verger(["pca", out, "--out", out]);
  return { run: out, photos: source, labels: summary.labels, components: summary.pca.components };
}

/** A real run of the shared photos, in memory. */
async function readSeed(folder, log) {
  const run = path.join(folder, `seed-${randomUUID()}`);
  log("seed: a real run of the shared photos");
  await verger(["run", photosFolder(), "--out", run, "--preset", "fast"]);
  const { openParquet } = await nativeModules();
  const seed = { paths: [], labels: [], sizes: [], mtimes: [], features: [], widths: [], heights: [], dimension: 0 };
  for (const part of (await readdir(path.join(run, "manifest"))).sort()) {
    const file = await openParquet(path.join(run, "manifest", part));
    for (let group = 0; group < file.rowGroups.length; group += 1) {
      const columns = await file.readRowGroup(group, ["path", "label", "size", "mtime"]);
      for (const [row, name] of columns.path.entries()) {
        seed.paths.push(name);
        seed.labels.push(columns.label[row]);
        seed.sizes.push(columns.size[row]);
        seed.mtimes.push(columns.mtime[row]);
      }
    }
    await file.close();
  }
  for (const part of (await readdir(path.join(run, "features"))).sort()) {
    const file = await openParquet(path.join(run, "features", part));
    for (let group = 0; group < file.rowGroups.length; group += 1) {
      const { features, width, height } = await file.readRowGroup(group, ["features", "width", "height"]);
      seed.dimension = features.length / width.length;
      for (let row = 0; row < width.length; row += 1) {
        seed.features.push(features.subarray(row * seed.dimension, (row + 1) * seed.dimension));
        seed.widths.push(width[row]);
        seed.heights.push(height[row]);
      }
    }
    await file.close();
  }
  seed.file = JSON.parse(await readFile(path.join(run, "run.json"), "utf8"));
  await rm(run, { recursive: true });
  if (seed.features.length !== seed.paths.length) throw new Error("expected every shared photo to have features");
  return seed;
}

/** Path, label and origin of each row, in the order of the paths. */
function nameRows(seed, rows) {
  return Array.from({ length: rows }, (_, row) => {
    const from = row % seed.paths.length;
    const repeat = Math.floor(row / seed.paths.length);
    const second = repeat % 2 === 1;
    const folder = path.posix.dirname(seed.paths[from]) + (second ? " bis" : "");
    return {
      from,
      second,
      path: `${String(repeat).padStart(3, "0")}/${folder}/${path.posix.basename(seed.paths[from])}`,
      label: seed.labels[from] + (second ? " bis" : ""),
    };
  });
}

/** Hard links where the disk allows, else copies. */
async function linkPhotos(seed, named, target, count) {
  const shared = photosFolder();
  const wanted = named.slice(0, count);
  for (const name of new Set(wanted.map((row) => path.dirname(row.path)))) {
    await mkdir(path.join(target, name), { recursive: true });
  }
  let next = 0;
  let place = link;
  const work = async () => {
    while (next < wanted.length) {
      const { from, path: name } = wanted[next++];
      const to = path.join(target, name);
      const file = path.join(shared, seed.paths[from]);
      await place(file, to).catch(async (error) => {
        if (!["EXDEV", "EPERM", "EMLINK"].includes(error.code)) throw error;
        place = copyFile;
        await copyFile(file, to);
      });
    }
  };
  await Promise.all(Array.from({ length: LINKS_AT_ONCE }, work));
}

async function writeManifest(out, seed, named) {
  const { writePart } = await nativeModules();
  for (let start = 0, part = 0; start < named.length; start += ROWS_PER_MANIFEST_PART, part += 1) {
    const rows = named.slice(start, start + ROWS_PER_MANIFEST_PART);
    await writePart(
      path.join(out, "manifest", partName(part)),
      [
        { name: "id", type: "int64", values: BigInt64Array.from(rows, (_, row) => BigInt(start + row)) },
        { name: "path", type: "string", values: rows.map((row) => row.path) },
        { name: "label", type: "string", nullable: true, values: rows.map((row) => row.label) },
        { name: "size", type: "int64", values: BigInt64Array.from(rows, ({ from }) => seed.sizes[from]) },
        { name: "mtime", type: "timestamp", values: BigInt64Array.from(rows, ({ from }) => seed.mtimes[from]) },
        { name: "etag", type: "string", nullable: true, values: rows.map(() => null) },
      ],
      rows.length,
      { rowGroupRows: 20_000 },
    );
  }
}

async function writeFeatures(out, seed, named) {
  const { writePart } = await nativeModules();
  const { dimension } = seed;
  const random = generator(1);
  const shift = Float32Array.from({ length: dimension }, () => 1 + SHIFT * random());
  // Two, so that one is filled while the other is written.
  const buffers = [0, 1].map(() => new Float32Array(ROWS_PER_PART * dimension));
  let writing = Promise.resolve();
  for (let start = 0, part = 0; start < named.length; start += ROWS_PER_PART, part += 1) {
    const rows = named.slice(start, start + ROWS_PER_PART);
    const values = buffers[part % 2];
    for (const [row, { from, second }] of rows.entries()) {
      fillRow(
        values.subarray(row * dimension, (row + 1) * dimension),
        seed.features[from],
        second ? shift : null,
        random,
      );
    }
    await writing;
    writing = writePart(
      path.join(out, "features", partName(part)),
      [
        { name: "path", type: "string", values: rows.map((row) => row.path) },
        { name: "label", type: "string", nullable: true, values: rows.map((row) => row.label) },
        { name: "width", type: "int32", values: Int32Array.from(rows, ({ from }) => seed.widths[from]) },
        { name: "height", type: "int32", values: Int32Array.from(rows, ({ from }) => seed.heights[from]) },
        { name: "features", type: "list<float32>", values, width: dimension },
      ],
      rows.length,
    );
  }
  await writing;
}

function fillRow(row, features, shift, random) {
  for (let column = 0; column < row.length; column += 1) {
    const value = features[column];
    row[column] = value === 0 ? 0 : value * (shift?.[column] ?? 1) * (1 + NOISE * random());
  }
}

async function writeRunFile(out, seed, named, source) {
  const { atomicWriteFile } = await nativeModules();
  const labels = new Set(named.map((row) => row.label)).size;
  const { file } = seed;
  const run = {
    ...file,
    identity: { ...file.identity, sources: [path.resolve(source)] },
    photos: { root: path.resolve(source), relative: path.relative(out, source) },
    // No scan has the digest of this manifest: `verger run` would take its source for a changed one.
    manifest: { digest: "0".repeat(64), images: named.length, labels, parts: Math.ceil(named.length / ROWS_PER_PART) },
    counts: { images: named.length, embedded: named.length, reused: 0, setAside: 0, labels },
    pca: null,
  };
  await atomicWriteFile(path.join(out, "run.json"), `${JSON.stringify(run, null, 2)}\n`);
}

const partName = (part) => `part-${String(part).padStart(5, "0")}.parquet`;

/** Uniform in [-1, 1), the same sequence for the same seed: G. Marsaglia, "Xorshift RNGs" (2003). */
function generator(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rows: { type: "string", default: "100000" }, photos: { type: "string" } },
  });
  const [folder] = positionals;
  if (folder === undefined) throw new Error("expected the folder to make the run in");
  const made = await makeBigRun(path.resolve(folder), Number(values.rows), {
    log: console.error,
    ...(values.photos === undefined ? {} : { photos: Number(values.photos) }),
  });
  console.log(JSON.stringify(made));
}
