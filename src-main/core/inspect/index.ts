/** What a run folder holds, read from its files alone: finished, interrupted or under way. */
import path from "node:path";
import type { PcaSummary, RunFile } from "../../api/contract.js";
import { VergerError } from "../errors.js";
import { columnBlocks, originalColumn } from "../explore/columns.js";
import { correctedLabel, readCorrections } from "../labels/corrections.js";
import { requireLocal } from "../remote.js";
import { listParts, partName, readErrorsPart, readRunFile, type SetAsideImage } from "../run/index.js";

/** Images set aside for one reason. */
export interface Reason {
  readonly stage: string;
  readonly code: string;
  readonly images: number;
}

/** The document that `inspect --json` prints. */
export interface Inspection {
  readonly run: string;
  readonly kind: RunFile["kind"];
  readonly state: RunFile["state"];
  readonly version: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly failure: RunFile["failure"];
  readonly sources: readonly string[];
  readonly featuresFrom: string | null;
  readonly model: {
    readonly model: string;
    readonly sha256: string;
    readonly preset: string | null;
    readonly provider: string | null;
    readonly dimension: number;
    readonly width: number;
    readonly height: number;
  } | null;
  /** Processor, SIMD target, sessions and threads in one line. */
  readonly machine: string | null;
  readonly peakRssBytes: number;
  readonly counts: RunFile["counts"];
  /** How many photos say when they were taken, and the first and last time; null where the run does not know. */
  readonly captured: RunFile["captured"];
  readonly stages: readonly {
    readonly stage: string;
    readonly seconds: number;
    /** Null where the stage handles no rows. */
    readonly perSecond: number | null;
    readonly unit: "images" | "rows";
  }[];
  readonly pca: {
    readonly components: number;
    /** Length of a feature vector; null for features that others wrote. */
    readonly dimension: number | null;
    readonly explainedVarianceRatio: number;
    readonly solver: string;
    /** The fewest components that explain each share; null where the kept ones do not reach it. */
    readonly reached: readonly { readonly share: number; readonly components: number | null }[];
    readonly explainedVariance: readonly number[];
  } | null;
  /** With the corrections in effect. */
  readonly labels: {
    /** Distinct labels; images without one are no label. */
    readonly total: number;
    /** Images whose label people corrected. */
    readonly corrected: number;
    /** Most images first, then by name. `null` stands for images without a label. */
    readonly top: readonly { readonly label: string | null; readonly images: number }[];
    readonly restImages: number;
  };
  readonly setAside: {
    readonly images: number;
    readonly reasons: readonly Reason[];
    readonly listed: readonly SetAsideImage[];
    /** Where all of them stand. */
    readonly files: string;
  };
}

const SHARES = [0.5, 0.8, 0.9, 0.95, 0.99] as const;

/**
 * Reads a run's report.
 *
 * @param options.limit how many labels and images set aside to list
 * @param options.address where the run really stands when `folder` holds what was fetched of it
 * @throws VergerError `run/not-a-run` when the folder holds no run.json; `run/newer`, `run/corrupt`, `labels/*`
 */
export async function inspectRun(
  folder: string,
  options: { readonly limit: number; readonly address?: string | undefined },
): Promise<Inspection> {
  const { limit, address } = options;
  if (address === undefined) requireLocal(folder, "the run to inspect");
  const here = path.resolve(folder);
  const run = address ?? here;
  const file = readRunFile(here);
  if (!file) {
    throw new VergerError(
      "run/not-a-run",
      `Expected a run folder, but ${run} holds no run.json; give the folder that --out named.`,
      { details: { run } },
    );
  }
  const { identity, runtime } = file;
  return {
    run,
    kind: file.kind,
    state: file.state,
    version: file.app.version,
    createdAt: file.createdAt,
    updatedAt: file.updatedAt,
    failure: file.failure,
    sources: identity?.sources ?? [],
    featuresFrom: file.featuresFrom,
    model: identity && {
      model: identity.model,
      sha256: identity.modelSha256,
      preset: identity.preset,
      provider: runtime?.provider ?? null,
      dimension: identity.dimension,
      width: identity.width,
      height: identity.height,
    },
    machine: machineOf(runtime),
    peakRssBytes: file.peakRssBytes,
    counts: file.counts,
    captured: file.captured,
    stages: stagesOf(file),
    pca: file.pca && variance(file.pca.summary, identity?.dimension ?? null),
    labels: await readLabels(here, limit),
    setAside: {
      ...(await readSetAside(here, limit)),
      files: address === undefined ? path.join(run, "errors") : `${run}/errors`,
    },
  };
}

/** Processor, SIMD target, sessions and threads in one line; null for a run that did not embed. */
export function machineOf(runtime: RunFile["runtime"]): string | null {
  return (
    runtime &&
    `${runtime.cpu} (${runtime.simdTarget}), ${runtime.sessions} x ${runtime.threadsPerSession} threads, ` +
      `batches of ${runtime.batch}, ONNX Runtime ${runtime.onnxruntime}, Node ${runtime.node}, ${runtime.platform}`
  );
}

/** Stages in the order they ran, with what each got through per second. */
export function stagesOf(file: RunFile): Inspection["stages"] {
  const { counts } = file;
  const rows = counts.embedded + counts.reused;
  const handled: Readonly<Record<string, readonly [number, "images" | "rows"]>> = {
    scan: [counts.images, "images"],
    embed: [counts.embedded, "images"],
    fit: [rows, "rows"],
    transform: [rows, "rows"],
    total: [counts.images, "images"],
  };
  const { total, ...timings } = file.timings;
  const entries = Object.entries(timings);
  if (total !== undefined) entries.push(["total", total]);
  return entries.map(([stage, seconds]) => {
    const [amount, unit] = handled[stage] ?? [0, "rows"];
    return { stage, seconds, perSecond: amount > 0 && seconds > 0 ? amount / seconds : null, unit };
  });
}

/** How many components reach each share. The kept variances and their summed ratio give the total they are part of. */
function variance(summary: PcaSummary, dimension: number | null): NonNullable<Inspection["pca"]> {
  const kept = summary.explainedVariance.reduce((sum, value) => sum + value, 0);
  const total = summary.explainedVarianceRatio > 0 ? kept / summary.explainedVarianceRatio : 0;
  const cumulative: number[] = [];
  for (const value of summary.explainedVariance) {
    cumulative.push((cumulative.at(-1) ?? 0) + (total > 0 ? value / total : 0));
  }
  // A share is met within rounding: a fit to exactly 0.8 must not miss it by the last bit of a sum.
  const reached = SHARES.map((share) => {
    const at = cumulative.findIndex((value) => value >= share - 1e-9);
    return { share, components: at < 0 ? null : at + 1 };
  });
  return {
    components: summary.components,
    dimension,
    explainedVarianceRatio: summary.explainedVarianceRatio,
    solver: summary.solver,
    reached,
    explainedVariance: summary.explainedVariance,
  };
}

/** Reasons of the images set aside in a run, most frequent first; empty where none were. */
export async function readReasons(run: string): Promise<Reason[]> {
  return (await readSetAside(run, 0)).reasons;
}

async function readSetAside(
  run: string,
  limit: number,
): Promise<{ images: number; reasons: Reason[]; listed: SetAsideImage[] }> {
  const reasons = new Map<string, { stage: string; code: string; images: number }>();
  const listed: SetAsideImage[] = [];
  let images = 0;
  const folder = path.join(run, "errors");
  for (const part of listParts(folder)) {
    for (const image of await readErrorsPart(path.join(folder, partName(part)))) {
      const key = `${image.stage}\n${image.code}`;
      const reason = reasons.get(key) ?? { stage: image.stage, code: image.code, images: 0 };
      reason.images += 1;
      reasons.set(key, reason);
      images += 1;
      if (listed.length < limit) listed.push(image);
    }
  }
  const sorted = [...reasons.values()].sort((a, b) => b.images - a.images || (a.code < b.code ? -1 : 1));
  return { images, reasons: sorted, listed };
}

/** Images of each label, from the manifest, or from the projected rows of features that others wrote. */
async function readLabels(run: string, limit: number): Promise<Inspection["labels"]> {
  const counts = new Map<string | null, number>();
  const corrections = await readCorrections(run);
  let corrected = 0;
  const manifest = path.join(run, "manifest");
  const folder = listParts(manifest).length > 0 ? manifest : path.join(run, "pca");
  const column = folder === manifest ? "label" : await originalColumn(folder);
  const wanted = corrections.labels.size > 0 ? ["path", column] : [column];
  for await (const block of columnBlocks(folder, wanted)) {
    for (const [row, original] of (block[column] as (string | null)[]).entries()) {
      const name = (block.path as string[] | undefined)?.[row];
      const label = name === undefined ? original : correctedLabel(corrections, name, original);
      if (label !== original) corrected += 1;
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
  }
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || ((a ?? "") < (b ?? "") ? -1 : 1));
  return {
    total: counts.size - (counts.has(null) ? 1 : 0),
    corrected,
    top: sorted.slice(0, limit).map(([label, images]) => ({ label, images })),
    restImages: sorted.slice(limit).reduce((sum, [, images]) => sum + images, 0),
  };
}
