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
import { throwIfCancelled, VergerError } from "../errors.js";
import { openFetched } from "../features/fetched.js";
import { openFeatures } from "../features/index.js";
import type { FeatureSource } from "../features/source.js";
import { applied, type Corrections, NO_CORRECTIONS, readCorrections, withCorrections } from "../labels/corrections.js";
import { notice } from "../notices.js";
import { isAddress, requireLocal } from "../remote.js";
import { parseRequest } from "../request.js";
import { keepLabels } from "./keep-labels.js";
import { checkPcaParameters, pcaStage } from "./pca-stage.js";
import { photoRoot, photosOf, runOfFeatures } from "./photos.js";
import { peakRssBytes, Reporter } from "./reporter.js";
import type { JobOptions } from "./run.js";
import { RunState } from "./state.js";
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
  const reporter = new Reporter(options.onEvent);
  // Before the output folder is made: a wrong input leaves nothing behind.
  const given = inPlace ? undefined : await openGiven(request, options, reporter);
  const store = await RunStore.open(request.out, options.mirror, options.signal);
  try {
    if (inPlace) await store.begin(options.signal, false);
    const source = given?.source ?? (await openFeatures(store.folder));
    const state = new RunState(store, await begin(store, request, source, reporter, options.signal));
    const sameRun = state.file.kind === "run";
    return await state.guard(reporter, async () => {
      await store.clearSuccess();
      store.removeTemporaries();
      await state.save({ state: "running", pca: null, failure: null });
      const corrections = await readCorrections(store.folder);
      const { summary, labels, corrected } = await pcaStage({
        store,
        // Another run's corrected labels are the labels that its features come with.
        source: given && !sameRun ? withCorrections(source, given.corrections) : source,
        parameters,
        corrections,
        threads: request.threads,
        signal: options.signal,
        reporter,
      });
      if (corrected > 0) reporter.notice(notice("labels/applied", { count: corrected }));
      await store.settle(options.signal, () => {});
      const seconds = reporter.seconds();
      const { manifest, timings, counts, identity, runtime } = state.file;
      await state.save({
        state: "done",
        pca: {
          parameters,
          summary,
          manifestDigest: manifest?.digest ?? null,
          corrections: applied(corrections, corrected),
        },
        timings: sameRun ? { ...timings, ...seconds } : seconds,
        ...(sameRun ? {} : { peakRssBytes: peakRssBytes(), counts: { ...counts, labels } }),
      });
      await store.markSuccess();
      return {
        run: store.shown,
        images: source.rows,
        embedded: 0,
        reused: source.rows,
        setAside: 0,
        labels,
        corrected,
        pca: summary,
        model: identity?.model ?? null,
        preset: identity?.preset ?? null,
        provider: runtime?.provider ?? null,
        timings: seconds,
        imagesPerSecond: 0,
        peakRssBytes: peakRssBytes(),
      };
    });
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

/** Features that stand outside of the output folder, and the labels that people corrected in their run. */
interface Given {
  readonly source: FeatureSource;
  readonly corrections: Corrections;
}

async function openGiven(
  { features, columns }: PcaRequest,
  { remote, signal }: JobOptions,
  reporter: Reporter,
): Promise<Given> {
  if (remote?.serves(features)) {
    const fetch = () =>
      remote.features(features, signal, (done, total) => reporter.progress("fetch", done, total, "bytes"));
    const copy = await reporter.stage("fetch", undefined, fetch);
    return {
      source: await openFetched({ copy, address: features }, columns),
      corrections: await readCorrections(copy),
    };
  }
  requireLocal(features, "the features");
  const source = await openFeatures(features, columns);
  const run = runOfFeatures(path.resolve(features));
  return { source, corrections: run ? await readCorrections(run.folder) : NO_CORRECTIONS };
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
  reporter: Reporter,
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
    await keepLabels(store, reporter, undefined);
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
    featureColumns: request.columns ?? null,
    photos: photosOfFeatures(from, store, isAddress(request.out)),
    labelFrom: null,
    decode: null,
    manifest: null,
    rebuilding: null,
    runtime: null,
    pca: null,
    counts: { images: source.rows, embedded: 0, reused: source.rows, setAside: 0, labels: 0 },
    captured: null,
    timings: {},
    imagesPerSecond: 0,
    peakRssBytes: 0,
    failure: null,
  };
}

/** The photos of a PCA are those of the run that its features stand in. */
function photosOfFeatures(from: string, store: RunStore, elsewhere: boolean): RunFile["photos"] {
  const source = runOfFeatures(from);
  const root = source ? photoRoot(source.run, source.folder) : null;
  return root === null ? null : photosOf(root, elsewhere ? undefined : store.folder);
}
