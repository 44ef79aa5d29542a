/** `verger pca`: a PCA of features that stand already, whoever wrote them. */
import path from "node:path";
import {
  type PcaRequest,
  type PcaRequestInput,
  pcaRequestSchema,
  RUN_SCHEMA_VERSION,
  type RunFile,
  type RunSummary,
} from "../../api/contract.js";
import { errorCode, errorMessage, isCancelled, throwIfCancelled, VergerError } from "../errors.js";
import { openFeatures } from "../features/index.js";
import type { FeatureSource } from "../features/source.js";
import { isAddress, requireLocal } from "../remote.js";
import { parseRequest } from "../request.js";
import { checkPcaParameters, pcaStage } from "./pca-stage.js";
import { peakRssBytes, Reporter } from "./reporter.js";
import type { JobOptions } from "./run.js";
import { RunStore } from "./store.js";
import { appVersion } from "./version.js";

/**
 * Fits and applies a PCA to a features file, folder, glob or run. `out` may be the run the features come from: its PCA
 * is then replaced and everything else stays.
 *
 * @throws VergerError `features/*`, `pca/*`, `run/*`, `storage/*`, `cancelled`
 */
export async function pcaJob(input: PcaRequestInput, options: JobOptions): Promise<RunSummary> {
  const request = parseRequest<PcaRequest>(pcaRequestSchema, input);
  const { variance, components, standardize, solver } = request;
  const parameters = checkPcaParameters({
    ...(variance === undefined ? {} : { variance }),
    ...(components === undefined ? {} : { components }),
    standardize,
    solver,
  });
  throwIfCancelled(options.signal);
  const inPlace = namesRun(request, options);
  // Before the output folder is made: a wrong input leaves nothing behind.
  const given = inPlace ? undefined : await openGiven(request.features, options);
  const store = await RunStore.open(request.out, options.mirror, options.signal);
  const reporter = new Reporter(options.onEvent);
  try {
    if (inPlace) await store.begin(options.signal, false);
    const source = given ?? (await openFeatures(store.folder));
    let run = await begin(store, request, source, options.signal);
    const save = async (changes: Partial<RunFile>): Promise<void> => {
      run = { ...run, ...changes, updatedAt: new Date().toISOString() };
      await store.write(run);
    };
    const sameRun = run.kind === "run";
    try {
      await store.clearSuccess();
      store.removeTemporaries();
      await save({ state: "running", pca: null, failure: null });
      const { summary, labels } = await pcaStage({
        store,
        source,
        parameters,
        threads: request.threads,
        signal: options.signal,
        reporter,
      });
      await store.settle(options.signal, () => {});
      const seconds = reporter.seconds();
      await save({
        state: "done",
        pca: { parameters, summary, manifestDigest: run.manifest?.digest ?? null },
        timings: sameRun ? { ...run.timings, ...seconds } : seconds,
        ...(sameRun ? {} : { peakRssBytes: peakRssBytes(), counts: { ...run.counts, labels } }),
      });
      await store.markSuccess();
      return {
        run: store.shown,
        images: source.rows,
        embedded: 0,
        reused: source.rows,
        setAside: 0,
        labels,
        pca: summary,
        model: run.identity?.model ?? null,
        preset: run.identity?.preset ?? null,
        provider: run.runtime?.provider ?? null,
        timings: seconds,
        imagesPerSecond: 0,
        peakRssBytes: peakRssBytes(),
      };
    } catch (error) {
      const failure = isCancelled(error) ? null : { code: errorCode(error), message: errorMessage(error) };
      await save({ state: failure ? "failed" : "interrupted", failure }).catch(() => {});
      throw error;
    }
  } finally {
    await store.close();
  }
}

/** True when a run that stands elsewhere gets another PCA of its own features: they are then fetched with the run. */
function namesRun(request: PcaRequest, { mirror }: JobOptions): boolean {
  if (!mirror) return false;
  const address = withoutSlash(request.features);
  return address === mirror.address || address === `${mirror.address}/features`;
}

async function openGiven(features: string, { remote, signal }: JobOptions): Promise<FeatureSource> {
  if (remote?.serves(features)) return openFeatures(await remote.features(features, signal));
  requireLocal(features, "the features");
  return openFeatures(features);
}

const withoutSlash = (address: string): string => address.replace(/\/+$/, "");

/**
 * The PCA of a run is that of all its images: one of the parts that an unfinished run has so far must not pass for it.
 *
 * @throws VergerError `run/incomplete`
 */
function requireAllParts(store: RunStore, run: RunFile, source: FeatureSource): void {
  const parts = run.manifest?.parts ?? 0;
  if (!run.rebuilding && source.files.length === parts) return;
  throw new VergerError(
    "run/incomplete",
    `Expected all ${parts} feature parts of the run in ${store.shown} to replace its PCA, but received ` +
      `${source.files.length}${run.rebuilding ? " of an earlier state" : ""}; finish it with "verger run" or "verger embed", ` +
      "or choose another --out.",
  );
}

/** The run.json to go on with: the run's own when its features are used in place, else a new one. */
async function begin(
  store: RunStore,
  request: PcaRequest,
  source: FeatureSource,
  signal: AbortSignal,
): Promise<RunFile> {
  const existing = store.read();
  const inPlace =
    source.files.length > 0 && source.files.every((file) => path.dirname(file) === store.path("features"));
  if (existing && inPlace) {
    requireAllParts(store, existing, source);
    return existing;
  }
  const from = isAddress(request.features) ? withoutSlash(request.features) : path.resolve(request.features);
  if (existing && (existing.kind !== "pca" || existing.featuresFrom !== from)) {
    if (!request.fresh) {
      throw new VergerError(
        "run/mismatch",
        `Expected ${store.shown} to hold a PCA of ${from}, but it holds ` +
          `${existing.kind === "run" ? "a run made from images" : `a PCA of ${existing.featuresFrom}`}; ` +
          "choose another --out, or add --fresh to discard it.",
      );
    }
    await store.begin(signal, true);
    await store.removeAll();
  } else {
    // Nothing that stands in a PCA's folder is needed to make it anew.
    await store.begin(signal, true);
  }
  const now = new Date().toISOString();
  return {
    schemaVersion: RUN_SCHEMA_VERSION,
    kind: "pca",
    app: { name: "verger", version: appVersion() },
    state: "running",
    createdAt: now,
    updatedAt: now,
    identity: null,
    featuresFrom: from,
    labelFrom: null,
    decode: null,
    manifest: null,
    rebuilding: null,
    runtime: null,
    pca: null,
    counts: { images: source.rows, embedded: 0, reused: source.rows, setAside: 0, labels: 0 },
    timings: {},
    imagesPerSecond: 0,
    peakRssBytes: 0,
    failure: null,
  };
}
