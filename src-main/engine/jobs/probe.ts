/** Looks at sources before a job is started: how many images, and how long they will take on this machine. */

import path from "node:path";
import { type RunFile, type RunRequest, runRequestSchema } from "../../api/contract.js";
import { type Problem, problemIn, throwIfCancelled } from "../../core/errors.js";
import { type Manifest, scanSources } from "../../core/manifest/index.js";
import { isAddress, type RemoteSources } from "../../core/remote.js";
import { requireSameIdentity } from "../../core/run/identity.js";
import { listParts, readRunFile } from "../../core/run/index.js";
import { PreviousRows } from "../../core/run/previous.js";
import { identityOf, loadSessions, prepareSetup, type Setup } from "../../core/run/session.js";
import type { ProbeRequest, ProbeResult } from "./protocol.js";

const PROBE_MS = 2_000;

interface ProbeOptions {
  readonly signal: AbortSignal;
  readonly remote: RemoteSources | undefined;
  readonly onCount: (images: number) => void;
}

/** @throws VergerError `source/*`, `model/*`, `provider/*`, `cancelled` */
export async function probe(request: ProbeRequest, options: ProbeOptions): Promise<ProbeResult> {
  const { signal, remote, onCount } = options;
  const { sources, labelFrom, out, preset, model, provider } = request;
  const manifest = await scanSources(sources, { labelFrom, signal, remote, onProgress: onCount });
  let bytes = 0;
  for (const { size } of manifest.entries) bytes += size;
  const counted = {
    images: manifest.entries.length,
    labels: manifest.labels.length,
    bytes,
    notices: [...manifest.notices],
  };
  const begun = out === undefined || isAddress(out) ? undefined : readRunFile(path.resolve(out));
  if (!request.measure && !begun) return { ...counted, imagesPerSecond: null, seconds: null, existing: null };

  const job = runRequestSchema.parse({ sources, out: out ?? "probe", preset, model, provider, labelFrom });
  const setup = await prepareSetup(job, begun?.identity ?? undefined);
  const existing = begun && out !== undefined ? await describe(path.resolve(out), begun, setup, manifest) : null;
  const imagesPerSecond = request.measure ? await measure(setup, job, manifest, signal) : null;
  const left = manifest.entries.length - (existing?.reusable ?? 0);
  return { ...counted, imagesPerSecond, seconds: imagesPerSecond === null ? null : left / imagesPerSecond, existing };
}

async function describe(
  out: string,
  begun: RunFile,
  setup: Setup,
  manifest: Manifest,
): Promise<NonNullable<ProbeResult["existing"]>> {
  const images = begun.manifest?.images ?? begun.counts.images;
  const parts = listParts(path.join(out, "features")).length;
  const done = Math.min(images, parts * (begun.identity?.rowsPerPart ?? 0));
  let problem: Problem | null = null;
  try {
    if (begun.identity) requireSameIdentity(out, begun.identity, identityOf(setup.model, manifest.sources));
  } catch (error) {
    problem = problemIn(error);
  }
  const rowsPerPart = begun.identity?.rowsPerPart;
  const reusable =
    problem === null && rowsPerPart !== undefined
      ? (await PreviousRows.match([{ folder: out }], manifest.entries, rowsPerPart)).matched
      : 0;
  return { state: begun.state, done, images, reusable, problem };
}

/**
 * Images a second of reading, decoding and inference, over two seconds of images spread over the sources. The clock
 * starts when the first batch is back: what a session does once is not what an image costs.
 *
 * @returns null where nothing could be measured: no image could be read, or they stand in S3
 */
async function measure(
  setup: Setup,
  request: RunRequest,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<number | null> {
  const { entries } = manifest;
  if (entries.length === 0 || isAddress(entries.at(0).file)) return null;
  const { embedder, plan } = await loadSessions(setup, request, () => {});
  try {
    const batches = Math.ceil(entries.length / plan.chunk);
    let done = 0;
    let began: number | undefined;
    let last = 0;
    const underWay = new Set<Promise<void>>();
    for (let batch = 0; batch < batches; batch += 1) {
      throwIfCancelled(signal);
      if (began !== undefined && performance.now() - began > PROBE_MS) break;
      await embedder.whenFree();
      const images = chunkOf(entries, batch, batches, plan.chunk);
      const call = embedder.embed(images).then(({ failures }) => {
        const now = performance.now();
        if (began === undefined) {
          began = now;
          return;
        }
        done += images.length - failures.length;
        last = now;
      });
      underWay.add(call);
      void call.finally(() => underWay.delete(call)).catch(() => {});
    }
    await Promise.all(underWay);
    // Fewer images than fill a batch or two are over before a clock says anything.
    return began === undefined || done === 0 ? null : (done * 1_000) / (last - began);
  } finally {
    embedder.cancel();
    await embedder.close();
  }
}

/** Image `i` of batch `b` is one of every `batches`: large and small photos of all folders come in turn. */
function chunkOf(entries: Manifest["entries"], batch: number, batches: number, chunk: number): string[] {
  const files: string[] = [];
  for (let index = batch; index < entries.length && files.length < chunk; index += batches) {
    files.push(entries.at(index).file);
  }
  return files;
}
