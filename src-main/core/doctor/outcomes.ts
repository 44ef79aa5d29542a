/**
 * Every outcome that a check of this machine can have, with its stable code, its English sentences and what they are
 * about, so that the window can say it in the person's language (src-renderer/i18n/fr-doctor.ts). Of the details, a name
 * that ends in `Bytes` or `Seconds` is a number in that unit.
 */
import type { Problem } from "../errors.js";
import type { CheckState, Finding } from "./finding.js";

/** The checks, in the order in which they are made. */
export const CHECK_TITLES = {
  node: "Node",
  addon: "Native addon",
  processor: "Processor",
  memory: "Memory",
  libraries: "Libraries",
  models: "Model files",
  embedding: "Embedding",
  temporary: "Temporary",
  folder: "Folder",
} as const;
export type CheckId = keyof typeof CHECK_TITLES;

const MIN_NODE = "20.19.0";
const REINSTALL = 'Run "npm run build" in a checkout, or reinstall Verger.';
const SLOW = "No vector instructions of this processor can be used: image decoding will be several times slower.";

interface Sentences<D> {
  readonly state: CheckState;
  readonly found: (details: D) => string;
  /** What to do; absent where all is well. */
  readonly advice?: string;
  /** `found` is the sentence of an error, which has a code of its own. */
  readonly isError?: true;
}

type Processor = { name: string; usable: number; count: number; target: string; targets: string };
type Memory = { availableBytes: number; totalBytes: number };
type Room = { folder: string; freeBytes: number };
type Embedded = { model: string; provider: string; runtime: string; afterSeconds: number };
type Failed = { message: string };

const OUTCOMES = {
  "node.ok": ok(({ version }: { version: string }) => version),
  "node.old": fail(
    ({ version }: { version: string }) => `${version}, but Verger needs ${MIN_NODE} or newer`,
    `Install Node ${MIN_NODE} or newer.`,
  ),
  "addon.ok": ok(
    ({ threads, platform }: { threads: number; platform: string }) => `loaded, ${threads} threads, ${platform}`,
  ),
  "processor.ok": ok(processorText),
  "processor.slow": warn(processorText, SLOW),
  "memory.ok": ok(memoryText),
  "memory.little": warn(memoryText, "Close other programs, or run with --sessions 1 --batch 1 to take less."),
  "libraries.ok": ok(({ versions }: { versions: string }) => versions),
  "models.ok": ok(({ names }: { names: string }) => names),
  /** `names` of those that are not in order, `message` why each of them is not. */
  "models.bad": fail(
    ({ message }: { names: string; message: string }) => message,
    'Remove the model with "verger models remove" and add it again, or reinstall Verger.',
  ),
  "embedding.ok": ok(embeddedText),
  "embedding.without": ok(
    (details: Embedded & { without: string; library: string }) =>
      `${embeddedText(details)} (${details.without}: ${details.library} is not installed beside the runtime)`,
  ),
  "embedding.fallback": ok(
    (details: Embedded & { without: string; reason: string }) =>
      `${embeddedText(details)} (${details.without}: ${details.reason})`,
  ),
  "embedding.failed": fail(({ message }: Failed) => message, REINSTALL, true),
  "embedding.not-numbers": fail(() => "the features of a drawn fruit are not numbers, or all zero", REINSTALL),
  "folder.ok": ok(roomText),
  "folder.little": warn(roomText, "Free some space: features take about 0.5 GB per 100,000 images."),
  "folder.lossy": fail(
    ({ folder }: { folder: string }) => `${folder} does not return what was written to it`,
    "Use another disk: this one loses data.",
  ),
  "folder.refused": fail(
    ({ folder, message }: { folder: string; reason: string; message: string }) => `${folder}: ${message}`,
    "Choose a folder that you may write to, on a disk with file locks.",
  ),
  "broken.folder": fail(({ message }: Failed) => message, "Choose a folder that you may write to.", true),
  "broken.part": fail(({ message }: Failed) => message, REINSTALL, true),
} as const;

export type OutcomeCode = keyof typeof OUTCOMES;
/** Every code there is. */
export const OUTCOME_CODES = Object.keys(OUTCOMES) as OutcomeCode[];
/** What an outcome says of itself, whatever it is about: which sentences there are to translate. */
export const saysOf = (code: OutcomeCode): { readonly found: boolean; readonly advice: boolean } => ({
  found: OUTCOMES[code].isError !== true,
  advice: OUTCOMES[code].advice !== undefined,
});

type Details<C extends OutcomeCode> =
  Parameters<(typeof OUTCOMES)[C]["found"]> extends [infer D] ? D : Record<string, never>;

/** A check's result as people and programs get it. */
export interface Outcome extends Finding {
  readonly code: OutcomeCode;
  readonly details: Readonly<Record<string, string | number>>;
  /** The error that the check ended with. */
  readonly problem?: Problem;
}

/** The outcome of a code, with its English sentences. */
export function outcome<C extends OutcomeCode>(code: C, details: Details<C>, problem?: Problem): Outcome {
  const { state, found, advice } = OUTCOMES[code] as Sentences<Details<C>>;
  return {
    ...{ state, code, found: found(details) },
    ...(advice === undefined ? {} : { advice }),
    details: { ...(details as Outcome["details"]) },
    ...(problem === undefined ? {} : { problem }),
  };
}

function ok<D>(found: (details: D) => string): Sentences<D> {
  return { state: "ok", found };
}

function warn<D>(found: (details: D) => string, advice: string): Sentences<D> {
  return { state: "warn", found, advice };
}

function fail<D>(found: (details: D) => string, advice: string, isError = false): Sentences<D> {
  return { state: "fail", found, advice, ...(isError ? { isError } : {}) };
}

function processorText({ name, usable, count, target, targets }: Processor): string {
  return `${name}, ${usable} usable of ${count}; SIMD ${target} of ${targets}`;
}

function memoryText({ availableBytes, totalBytes }: Memory): string {
  return `${gigabytes(availableBytes)} available of ${gigabytes(totalBytes)}`;
}

function roomText({ folder, freeBytes }: Room): string {
  return `${folder}, writable, ${gigabytes(freeBytes)} free`;
}

function embeddedText({ model, provider, runtime, afterSeconds }: Embedded): string {
  return `${model} on ${provider}, ONNX Runtime ${runtime}, first image after ${afterSeconds.toFixed(1)} s`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** True for a version as in `process.versions.node` that Verger runs on. */
export function isNewEnough(version: string): boolean {
  const parts = (text: string): number[] => text.split(".").map((part) => Number.parseInt(part, 10));
  const [major = 0, minor = 0] = parts(version);
  const [minMajor = 0, minMinor = 0] = parts(MIN_NODE);
  return major > minMajor || (major === minMajor && minor >= minMinor);
}
