/** A synthetic labelled fruit set in the Fruits-360 layout: something to try Verger with, offline, on any machine. */
import { readdirSync, readFileSync } from "node:fs";
import { rename, rm, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { encodeJpeg } from "../../native/image.js";
import { errorCode, errorMessage, throwIfCancelled, VergerError } from "../errors.js";
import { makeFolder } from "../make-folder.js";
import { FRUITS } from "./catalogue.js";
import { type Mat3, multiply, rotation } from "./math.js";
import { buildModel, type Model, variant } from "./model.js";
import { Random } from "./random.js";
import { Renderer } from "./render.js";

export interface SampleRequest {
  readonly folder: string;
  /** Images in all, at least one a label. */
  readonly images: number;
  readonly labels: number;
  /** 32-bit. */
  readonly seed: number;
  /** Side of the square images in pixels. */
  readonly size: number;
  /** Write into a folder that holds something else. */
  readonly force: boolean;
}

/** The document that `sample --json` prints. */
export interface SampleSummary {
  readonly folder: string;
  readonly images: number;
  readonly training: number;
  readonly test: number;
  readonly labels: readonly string[];
  readonly seed: number;
  readonly size: number;
  readonly seconds: number;
}

/** Lists what a sample consists of, so that it alone is removed when another one takes its place. */
const MARKER = ".verger-sample.json";
/** Every fifth frame of a series is for testing. */
const TEST_EVERY = 5;
const QUALITY = 92;
/** Images being encoded and written while the next is drawn. */
const IN_FLIGHT = 8;

interface Marker {
  readonly files: readonly string[];
}

const ABOUT =
  "Drawn by verger sample: synthetic images, no photographs. The files below are removed when it is drawn anew.";

/** The name of the label at `index`: fruit and number, as in Fruits-360; numbers above 1 stray further from the kind. */
export function labelName(index: number): string {
  return `${fruitAt(index).name} ${Math.floor(index / FRUITS.length) + 1}`;
}

function fruitAt(index: number): (typeof FRUITS)[number] {
  return FRUITS[index % FRUITS.length] as (typeof FRUITS)[number];
}

/** The individual that stands for one label. */
export function labelModel(index: number, seed: number, size: number): Model {
  const random = new Random(seed, labelName(index));
  // One texel for each pixel around the fruit, and a little more.
  const detail = Math.max(96, Math.min(2048, Math.ceil(size * 0.96) * 4));
  return buildModel(variant(fruitAt(index), Math.floor(index / FRUITS.length)), random, detail);
}

/**
 * How the fruit stands in one frame. As in Fruits-360 it turns once about its own axis, once about an axis across, and
 * once lying on its side.
 */
function frameRotation(frame: number, frames: number, random: Random): Mat3 {
  const perTurn = Math.ceil(frames / 3);
  const turn = Math.floor(frame / perTurn);
  const angle = (frame % perTurn) / perTurn;
  const wobble = multiply(rotation("x", 0.012 * random.near()), rotation("z", 0.012 * random.near()));
  if (turn === 0) return multiply(wobble, multiply(rotation("x", 0.04), rotation("y", angle)));
  if (turn === 1) return multiply(wobble, rotation("x", angle + 0.02));
  return multiply(wobble, multiply(rotation("z", 0.25), rotation("y", angle)));
}

/**
 * Draws the set. The same request draws the same bytes on every machine.
 *
 * @throws VergerError `request/invalid`, `sample/not-empty`, `storage/write`, `cancelled`
 */
export async function drawSample(
  request: SampleRequest,
  options: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<SampleSummary> {
  const { images, labels, seed, size } = request;
  if (images < labels) {
    throw new VergerError(
      "request/invalid",
      `Expected at least one image a label, but received ${images} images for ${labels} labels; raise --images or lower --labels.`,
    );
  }
  const began = performance.now();
  const folder = path.resolve(request.folder);
  const plan = planFiles(images, labels, size);
  await makeRoom(folder, request.force);
  throwIfCancelled(options.signal);
  await write(
    folder,
    MARKER,
    `${JSON.stringify({ about: ABOUT, images, labels, seed, size, files: plan.map(({ file }) => file) }, null, 1)}\n`,
  );

  const renderer = new Renderer(size);
  const inFlight = new Set<Promise<void>>();
  let failure: unknown;
  let done = 0;
  let model: Model | undefined;
  let modelLabel = -1;
  try {
    for (const { file, label, frame, frames } of plan) {
      throwIfCancelled(options.signal);
      if (failure !== undefined) break;
      if (!model || modelLabel !== label) {
        model = labelModel(label, seed, size);
        modelLabel = label;
      }
      const random = new Random(seed, labelName(label), frame);
      const rgb = renderer.render(model, {
        rotation: frameRotation(frame, frames, random),
        exposure: 1 + 0.05 * random.near(),
        grain: random.bits(),
      });
      const job = encodeJpeg(rgb, size, size, QUALITY, { subsampling: "4:4:4" })
        .then((jpeg) => write(folder, file, jpeg))
        .then(() => {
          done += 1;
          options.onProgress?.(done, images);
        })
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => inFlight.delete(job));
      inFlight.add(job);
      if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
    }
  } finally {
    await Promise.all(inFlight);
  }
  if (failure !== undefined) throw failure;
  const test = plan.filter(({ test: forTest }) => forTest).length;
  return {
    folder,
    images,
    training: images - test,
    test,
    labels: Array.from({ length: labels }, (_, label) => labelName(label)),
    seed,
    size,
    seconds: (performance.now() - began) / 1000,
  };
}

interface PlannedImage {
  /** Relative to the sample's folder, `/` between folders. */
  readonly file: string;
  readonly label: number;
  readonly frame: number;
  readonly frames: number;
  readonly test: boolean;
}

function planFiles(images: number, labels: number, size: number): PlannedImage[] {
  const plan: PlannedImage[] = [];
  for (let label = 0; label < labels; label++) {
    const frames = Math.floor(images / labels) + (label < images % labels ? 1 : 0);
    for (let frame = 0; frame < frames; frame++) {
      const test = frame % TEST_EVERY === TEST_EVERY - 1;
      const file = `${test ? "Test" : "Training"}/${labelName(label)}/${frame}_${size}.jpg`;
      plan.push({ file, label, frame, frames, test });
    }
  }
  return plan;
}

/**
 * Makes sure that the folder is new, empty or an earlier sample, and removes the latter's images; whatever else stands
 * there stays.
 */
async function makeRoom(folder: string, force: boolean): Promise<void> {
  const names = list(folder);
  const earlier = names.includes(MARKER) ? readMarker(path.join(folder, MARKER)) : undefined;
  if (names.length > 0 && !earlier && !force) {
    throw new VergerError(
      "sample/not-empty",
      `Expected ${folder} to be new, empty or an earlier sample, but it holds ${names.length} other ` +
        `${names.length === 1 ? "entry" : "entries"}; choose another folder, or add --force to draw among them.`,
      { details: { folder } },
    );
  }
  if (!earlier) return;
  const folders = new Set<string>();
  for (const file of earlier.files) {
    const target = path.join(folder, file);
    if (!isInside(folder, target)) continue;
    await rm(target, { force: true });
    folders.add(path.dirname(target));
  }
  for (const label of folders) {
    // Stays when someone has put files of their own there.
    await rmdir(label).catch(() => {});
  }
}

/** A marker is a file that anyone can write: it must not lead out of the folder. */
function isInside(folder: string, target: string): boolean {
  const relative = path.relative(folder, target);
  return relative !== "" && !relative.startsWith("..") && !path.isAbsolute(relative);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw new VergerError("storage/write", `Expected a folder to draw into, but: ${errorMessage(error)}.`, {
      cause: error,
    });
  }
}

function readMarker(file: string): Marker | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof value !== "object" || value === null || !("files" in value) || !Array.isArray(value.files)) {
      return undefined;
    }
    return { files: value.files.filter((name) => typeof name === "string") };
  } catch {
    return undefined;
  }
}

/** Writes beside the final name and renames. */
async function write(folder: string, file: string, data: Uint8Array | string): Promise<void> {
  const target = path.join(folder, file);
  const temporary = path.join(path.dirname(target), `.${path.basename(target)}.tmp`);
  try {
    makeFolder(path.dirname(target));
    await writeFile(temporary, data);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new VergerError("storage/write", `Expected to write ${target}, but: ${errorMessage(error)}.`, {
      cause: error,
      details: { path: target },
    });
  }
}
