/** The main job: sources to manifest, features and PCA in one run folder. */
import {
  type PcaParameters,
  RUN_SCHEMA_VERSION,
  type RunEvent,
  type RunFile,
  type RunIdentity,
  type RunRequest,
  type RunRequestInput,
  type RunSummary,
  runRequestSchema,
} from "../../api/contract.js";
import { PcaAccumulator } from "../../native/linalg.js";
import { throwIfCancelled, VergerError } from "../errors.js";
import { openFeatures } from "../features/index.js";
import { applied, type Corrections, readCorrections } from "../labels/corrections.js";
import { type Manifest, scanSources } from "../manifest/index.js";
import { notice } from "../notices.js";
import { GRAM_DIMENSION_LIMIT } from "../pca/fit.js";
import type { RemoteSources, RunMirror } from "../remote.js";
import { parseRequest } from "../request.js";
import type { ThumbnailKeeper } from "../thumbnails/keeper.js";
import { CaptureSpan } from "./capture-span.js";
import { embedStage } from "./embed-stage.js";
import { requireSameIdentity } from "./identity.js";
import { keepLabels } from "./keep-labels.js";
import { manifestStands, writeManifest } from "./manifest-file.js";
import { checkPcaParameters, type PcaStageResult, pcaFilesStand, pcaStage, relabelPca } from "./pca-stage.js";
import { photosOf } from "./photos.js";
import { PreviousRows, readErrorsPart, standsUndated } from "./previous.js";
import { peakRssBytes, Reporter } from "./reporter.js";
import {
  identityOf,
  type Loaded,
  loadSessions,
  prepareSetup,
  ROWS_PER_PART,
  runtimeFacts,
  type Setup,
} from "./session.js";
import { RunState } from "./state.js";
import { RunStore } from "./store.js";
import { appVersion } from "./version.js";

export interface JobOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
  /** Reads sources that are addresses (`s3://...`); without it they are refused. */
  readonly remote?: RemoteSources | undefined;
  /** Takes the run to where `out` says when that is an address. */
  readonly mirror?: RunMirror | undefined;
  /** Keeps thumbnails of the photos that are embedded, where the request asks for them. */
  readonly thumbnails?: ThumbnailKeeper | undefined;
}

/**
 * Embeds every image of the sources, fits and applies the PCA, and leaves a run folder behind. A run that was
 * interrupted is continued; one whose source has changed re-embeds only what changed; one that stands is left as it is.
 *
 * @throws VergerError `source/*`, `model/*`, `provider/*`, `run/*`, `pca/*`, `storage/*`, `cancelled`
 */
export async function runJob(input: RunRequestInput, options: JobOptions): Promise<RunSummary> {
  const request = parseRequest<RunRequest>(runRequestSchema, input);
  checkPcaParameters(request);
  throwIfCancelled(options.signal);
  const store = await RunStore.open(request.out, options.mirror, options.signal);
  try {
    return await new RunJob(request, store, options).run();
  } finally {
    await store.close();
  }
}

function pcaParameters(request: RunRequest): PcaParameters {
  return {
    ...(request.variance === undefined ? {} : { variance: request.variance }),
    ...(request.components === undefined ? {} : { components: request.components }),
    standardize: request.standardize,
    solver: request.solver,
  };
}

class RunJob {
  private readonly reporter: Reporter;
  private readonly signal: AbortSignal;
  private loading: Promise<Loaded> | undefined;
  private embedSeconds = 0;

  constructor(
    private readonly request: RunRequest,
    private readonly store: RunStore,
    private readonly options: JobOptions,
  ) {
    this.signal = options.signal;
    this.reporter = new Reporter(options.onEvent);
  }

  async run(): Promise<RunSummary> {
    const { store, request } = this;
    // With --fresh the earlier run is discarded only once sources and model are known to be good: see `work`.
    const begun = request.fresh ? undefined : store.read();
    if (begun && begun.kind !== "run") {
      throw new VergerError(
        "run/mismatch",
        `Expected ${store.shown} to hold a run made from images, but it holds a PCA of features that others wrote; ` +
          "choose another --out, or add --fresh to discard it.",
      );
    }
    // Corrections that cannot be read must not end a run of hours at its last stage.
    await readCorrections(store.folder);
    const setup = await prepareSetup(request, begun?.identity ?? undefined);
    // Sessions load while the sources are read, unless there may be nothing to embed.
    if (begun?.state !== "done") this.load(setup);
    try {
      const manifest = await this.scan();
      const identity = identityOf(setup.model, manifest.sources);
      if (begun?.identity) requireSameIdentity(store.shown, begun.identity, identity);
      if (begun && this.stands(begun, manifest)) {
        const corrections = await readCorrections(store.folder);
        if (!request.pca || (begun.pca?.corrections?.digest ?? null) === corrections.digest)
          return this.unchanged(begun);
        return await this.relabel(begun, begun.pca as NonNullable<RunFile["pca"]>, corrections);
      }
      return await this.work(setup, manifest, identity, begun);
    } finally {
      const loaded = await this.loading?.catch(() => undefined);
      await loaded?.embedder.close();
    }
  }

  private load(setup: Setup): Promise<Loaded> {
    this.loading ??= this.reporter.stage("load", undefined, () =>
      loadSessions(setup, this.request, (told) => this.reporter.notice(told)),
    );
    this.loading.catch(() => {});
    return this.loading;
  }

  private async scan(): Promise<Manifest> {
    const { reporter, request, signal } = this;
    const manifest = await reporter.stage("scan", undefined, () =>
      scanSources(request.sources, {
        labelFrom: request.labelFrom,
        signal,
        remote: this.options.remote,
        onProgress: (found) => reporter.progress("scan", found, 0, "images"),
      }),
    );
    for (const told of manifest.notices) reporter.notice(told);
    return manifest;
  }

  /** True when the run is finished, all of it is there, and nothing about it has been asked to change. */
  private stands(begun: RunFile, manifest: Manifest): boolean {
    const { store, request } = this;
    return (
      begun.state === "done" &&
      store.succeeded &&
      begun.manifest?.digest === manifest.digest &&
      store.parts("features").length === begun.manifest.parts &&
      manifestStands(store, manifest.entries) &&
      !this.retries(begun) &&
      (!request.pca || this.pcaStands(begun, manifest))
    );
  }

  /** Images set aside are tried again when asked, or when the rules that set them aside have changed. */
  private retries(begun: RunFile): boolean {
    // The counts are those of a finished run; one that was stopped has its errors in the parts that stand.
    if (begun.counts.setAside === 0 && !this.store.holdsErrors()) return false;
    const { request } = this;
    const samePolicy =
      begun.decode?.tolerateTruncated === request.tolerateTruncated &&
      begun.decode.pixelLimit === (request.pixelLimit ?? null);
    return request.retry || !samePolicy;
  }

  private pcaStands(begun: RunFile, manifest: Manifest): boolean {
    return (
      begun.pca !== null &&
      begun.pca.manifestDigest === manifest.digest &&
      pcaFilesStand(this.store, begun.counts.images - begun.counts.setAside) &&
      JSON.stringify(begun.pca.parameters) === JSON.stringify(pcaParameters(this.request))
    );
  }

  private unchanged(begun: RunFile): RunSummary {
    this.reporter.notice(notice("run/unchanged", {}));
    return this.summary(
      { ...begun, pca: this.request.pca ? begun.pca : null },
      0,
      begun.counts.images - begun.counts.setAside,
    );
  }

  /** Gives a finished run's PCA the labels that people have corrected since; nothing is computed anew. */
  private async relabel(
    begun: RunFile,
    pca: NonNullable<RunFile["pca"]>,
    corrections: Corrections,
  ): Promise<RunSummary> {
    const { store, signal, reporter } = this;
    await store.begin(signal, false);
    await store.clearSuccess();
    store.removeTemporaries();
    const state = new RunState(store, begun);
    return state.guard(reporter, async () => {
      await state.save({ state: "running" });
      const rows = begun.counts.images - begun.counts.setAside;
      const { corrected } = await reporter.stage("transform", rows, () => relabelPca(store, corrections, signal));
      this.tellCorrected(corrected);
      await this.settle();
      await state.save({
        state: "done",
        pca: { ...pca, corrections: applied(corrections, corrected) },
        timings: { ...begun.timings, ...reporter.seconds() },
        failure: null,
      });
      await store.markSuccess();
      return this.summary(state.file, 0, rows);
    });
  }

  private tellCorrected(count: number): void {
    if (count > 0) this.reporter.notice(notice("labels/applied", { count }));
  }

  private settle(): Promise<void> {
    const { store, reporter } = this;
    return store.settle(this.signal, (bytes) =>
      reporter.notice(notice("run/uploading", { run: store.shown, mebibytes: Math.ceil(bytes / 2 ** 20) })),
    );
  }

  private async work(
    setup: Setup,
    manifest: Manifest,
    identity: RunIdentity,
    begun: RunFile | undefined,
  ): Promise<RunSummary> {
    const { store, request, reporter } = this;
    const images = manifest.entries.length;
    const state = new RunState(store, {
      schemaVersion: RUN_SCHEMA_VERSION,
      kind: "run",
      app: { name: "verger", version: appVersion() },
      state: "running",
      createdAt: begun?.createdAt ?? new Date().toISOString(),
      updatedAt: new Date().toISOString(),
      identity,
      featuresFrom: null,
      featureColumns: null,
      photos: photosOf(manifest.root, this.options.mirror ? undefined : store.folder),
      labelFrom: request.labelFrom,
      decode: { tolerateTruncated: request.tolerateTruncated, pixelLimit: request.pixelLimit ?? null },
      manifest: {
        digest: manifest.digest,
        images,
        labels: manifest.labels.length,
        parts: Math.ceil(images / ROWS_PER_PART),
      },
      rebuilding: null,
      runtime: begun?.runtime ?? null,
      pca: begun?.pca ?? null,
      counts: { images, embedded: 0, reused: 0, setAside: 0, labels: manifest.labels.length },
      captured: null,
      timings: {},
      imagesPerSecond: 0,
      peakRssBytes: 0,
      failure: null,
    });

    await store.begin(this.signal, request.fresh);
    if (request.fresh) {
      await keepLabels(store, reporter, manifest.sources);
      await store.removeAll();
    }
    // Outside the guard below: run.json may name the new manifest only once the old parts are on their way out.
    await store.clearSuccess();
    store.removeTemporaries();
    return state.guard(reporter, async () => {
      await this.layOut(manifest, begun, (changes) => state.save(changes));
      const previous = await PreviousRows.match(store.generations(), manifest.entries, ROWS_PER_PART);
      const accumulator =
        request.pca && identity.dimension <= GRAM_DIMENSION_LIMIT ? new PcaAccumulator(identity.dimension) : undefined;
      const { embedded, captured } = await this.embed(setup, manifest, identity, previous, accumulator);
      const loaded = await this.loading;
      const setAside = await this.countSetAside();
      const counts = {
        images,
        embedded,
        reused: images - setAside - embedded,
        setAside,
        labels: manifest.labels.length,
      };
      // run.json never describes a PCA that is about to be replaced: a kill on the way must not leave it claimed.
      const pcaGoes = request.pca || embedded > 0 || state.file.pca?.manifestDigest !== manifest.digest;
      await state.save({
        counts,
        captured,
        ...(loaded ? { runtime: runtimeFacts(loaded) } : {}),
        ...(pcaGoes ? { pca: null } : {}),
      });
      // The sessions end beside the PCA; run() waits for them.
      void loaded?.embedder.close();
      await store.removeEarlier();

      let { pca } = state.file;
      if (request.pca) {
        const parameters = pcaParameters(request);
        const corrections = await readCorrections(store.folder);
        const result = await this.pca(parameters, corrections, accumulator, images - setAside);
        this.tellCorrected(result.corrected);
        pca = {
          parameters,
          summary: result.summary,
          manifestDigest: manifest.digest,
          corrections: applied(corrections, result.corrected),
        };
      } else if (!pca) {
        // Projections of other features, or half of them, must not stand beside these.
        store.remove("pca");
      }
      await this.settle();
      await state.save({
        state: "done",
        pca,
        timings: reporter.seconds(),
        imagesPerSecond: this.rate(embedded),
        peakRssBytes: peakRssBytes(),
        failure: null,
      });
      await store.markSuccess();
      return this.summary({ ...state.file, pca: request.pca ? pca : null }, embedded, counts.reused);
    });
  }

  /** Brings the folder into the state of the new manifest: old parts moved aside, the manifest written. */
  private async layOut(
    manifest: Manifest,
    begun: RunFile | undefined,
    save: (changes: Partial<RunFile>) => Promise<void>,
  ): Promise<void> {
    const { store } = this;
    const sameManifest = begun?.manifest?.digest === manifest.digest;
    const retry = begun !== undefined && this.retries(begun);
    // Beside parts of a version without times of capture, parts with them would give the folder two schemas.
    const unfinished = store.parts("features").length < Math.ceil(manifest.entries.length / ROWS_PER_PART);
    const undated = unfinished && (await standsUndated(store));
    if (begun && (begun.rebuilding || !sameManifest || retry || undated)) {
      const rebuilding = {
        generation: begun.rebuilding?.generation ?? store.nextGeneration(),
        retry: retry || begun.rebuilding?.retry === true,
      };
      await save({ state: "rebuilding", rebuilding });
      await store.moveAside(rebuilding.generation, rebuilding.retry);
    }
    await save({ state: "running", rebuilding: null });
    if (!sameManifest || begun.state !== "done" || !manifestStands(store, manifest.entries)) {
      await writeManifest(store, manifest.entries);
    }
    await store.ensure("features");
    await store.ensure("errors");
  }

  private async embed(
    setup: Setup,
    manifest: Manifest,
    identity: RunIdentity,
    previous: PreviousRows,
    accumulator: PcaAccumulator | undefined,
  ): Promise<{ embedded: number; captured: RunFile["captured"] }> {
    const { store, reporter, signal } = this;
    const span = new CaptureSpan();
    const images = manifest.entries.length;
    return reporter.stage("embed", images, async () => {
      const began = performance.now();
      const result = await embedStage({
        store,
        manifest,
        rowsPerPart: ROWS_PER_PART,
        dimension: identity.dimension,
        sessions: async () => {
          const { embedder, plan } = await this.load(setup);
          return { embedder, plan };
        },
        previous,
        remote: this.options.remote,
        thumbnails: this.request.thumbnails ? this.options.thumbnails : undefined,
        signal,
        onPart: async (part, written) => {
          // Errors first: a features part that stands says that its images are done, those set aside included.
          if (written) store.publish(store.part("errors", part), store.part("features", part));
          if (written) span.add(written.capturedAt);
          else await span.addPart(store.part("features", part));
          if (!accumulator) return;
          if (written) {
            await accumulator.add(written.features, written.rows, { threads: 1, signal });
            return;
          }
          const source = await openFeatures(store.part("features", part));
          for await (const block of source.blocks({ signal })) {
            await accumulator.add(block.features, block.rows, { signal });
          }
        },
        onProgress: (done, setAside) => reporter.progress("embed", done, images, "images", setAside),
      });
      this.embedSeconds = (performance.now() - began) / 1000;
      return { embedded: result.embedded, captured: span.result };
    });
  }

  private async pca(
    parameters: PcaParameters,
    corrections: Corrections,
    accumulator: PcaAccumulator | undefined,
    rows: number,
  ): Promise<PcaStageResult> {
    const { store, signal, reporter } = this;
    if (rows === 0) {
      throw new VergerError(
        "pca/too-few-rows",
        `Expected at least 2 embedded images for a PCA, but every image was set aside; see errors/ in ${store.shown} ` +
          'or run "verger inspect".',
      );
    }
    const source = await openFeatures(store.path("features"));
    return pcaStage({ store, source, parameters, corrections, accumulator, signal, reporter });
  }

  private async countSetAside(): Promise<number> {
    let count = 0;
    for (const part of this.store.parts("errors"))
      count += (await readErrorsPart(this.store.part("errors", part))).length;
    return count;
  }

  private rate(embedded: number): number {
    return this.embedSeconds > 0 ? embedded / this.embedSeconds : 0;
  }

  private summary(run: RunFile, embedded: number, reused: number): RunSummary {
    return {
      run: this.store.shown,
      images: run.counts.images,
      embedded,
      reused,
      setAside: run.counts.setAside,
      labels: run.counts.labels,
      corrected: run.pca?.corrections?.rows ?? 0,
      pca: run.pca?.summary ?? null,
      model: run.identity?.model ?? null,
      preset: run.identity?.preset ?? null,
      provider: run.runtime?.provider ?? null,
      timings: this.reporter.seconds(),
      imagesPerSecond: this.rate(embedded),
      peakRssBytes: peakRssBytes(),
    };
  }
}
