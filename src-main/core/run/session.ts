/** Loading the inference sessions: which model, on which provider, how many. */
import { cpus } from "node:os";
import type { Preset, RunFile, RunIdentity, RunRequest } from "../../api/contract.js";
import { type ResolvedModel, resolveModel } from "../../models/index.js";
import { imageLibraries } from "../../native/image.js";
import { hardwareThreads } from "../../native/system.js";
import { Embedder, type EmbedderOptions } from "../embed/embedder.js";
import { type ComputePlan, planCompute, usableProcessors } from "../embed/plan.js";
import { type ProviderCandidate, providerCandidates } from "../embed/provider.js";
import { errorMessage, VergerError } from "../errors.js";
import { type Notice, notice } from "../notices.js";

/** Rows of one features part: small enough to lose little, large enough for one good row group. */
export const ROWS_PER_PART = 1024;

/** The model and provider a job is going to use. */
export interface Setup {
  readonly model: ResolvedModel;
  /** Providers to try in this order. */
  readonly providers: readonly ProviderCandidate[];
}

/** Sessions that are up. */
export interface Loaded {
  readonly embedder: Embedder;
  readonly provider: string;
  readonly plan: ComputePlan;
}

/** What a run is asked for, where its run.json already answers what the request leaves open. */
function choice(
  request: RunRequest,
  begun: RunIdentity | undefined,
): { model?: string; preset?: Preset; size?: number } {
  if (request.model === undefined && request.preset === undefined && request.size === undefined && begun) {
    return begun.preset ? { preset: begun.preset } : { model: begun.model, size: begun.width };
  }
  return {
    ...(request.model === undefined ? {} : { model: request.model }),
    ...(request.preset === undefined ? {} : { preset: request.preset }),
    ...(request.size === undefined ? {} : { size: request.size }),
  };
}

/**
 * Decides model and provider. A request that names neither model, preset nor size continues an earlier run with its
 * own; otherwise the default preset is `exact` where a GPU works and `balanced` elsewhere.
 *
 * @throws VergerError `model/*`, `provider/unavailable`
 */
export async function prepareSetup(request: RunRequest, begun: RunIdentity | undefined): Promise<Setup> {
  const providers = providerCandidates(request.provider);
  const chosen = choice(request, begun);
  const first = providers.find((candidate) => candidate.unavailable === undefined)?.provider ?? "cpu";
  const model = await resolveModel({ ...chosen, provider: first });
  if (first === "cpu" || request.provider !== "auto" || Object.keys(chosen).length > 0) return { model, providers };
  // The default preset hangs on whether the GPU really works, and only loading a session tells.
  try {
    const trial = await Embedder.create(embedderOptions(model, first, { ...request, sessions: 1 }));
    await trial.close();
    return { model, providers };
  } catch (error) {
    const unavailable = errorMessage(error);
    return {
      model: await resolveModel({ provider: "cpu" }),
      providers: providers.map((candidate) =>
        candidate.provider === first ? { provider: first, unavailable } : candidate,
      ),
    };
  }
}

function embedderOptions(model: ResolvedModel, provider: string, request: RunRequest): EmbedderOptions {
  const { width, height, filter, fit, layout, channels, mean, std } = model;
  const { sessions, threads, batch } = request;
  return {
    model: {
      file: model.file,
      inputName: model.inputName,
      outputName: model.outputName,
      dimension: model.dimension,
      target: { width, height, filter, fit, layout, channels, mean, std },
    },
    provider,
    plan: planCompute({ provider, sessions, threads, batch, width, height }, usableProcessors(hardwareThreads())),
    policy: { tolerateTruncated: request.tolerateTruncated, pixelLimit: request.pixelLimit },
  };
}

export function identityOf(model: ResolvedModel, sources: readonly string[]): RunIdentity {
  return {
    model: model.id,
    modelSha256: model.sha256,
    output: model.outputName,
    dimension: model.dimension,
    width: model.width,
    height: model.height,
    filter: model.filter,
    fit: model.fit,
    layout: model.layout,
    channels: model.channels,
    mean: [...model.mean],
    std: [...model.std],
    preset: model.preset,
    sources: [...sources],
    rowsPerPart: ROWS_PER_PART,
  };
}

/**
 * Loads the sessions on the first provider that works and says which one runs and why another did not.
 *
 * @throws VergerError `provider/unavailable` when none works
 */
export async function loadSessions(
  setup: Setup,
  request: RunRequest,
  onNotice: (notice: Notice) => void,
): Promise<Loaded> {
  const { model } = setup;
  const reasons: string[] = [];
  let without: { without?: string; library?: string } = {};
  for (const candidate of setup.providers) {
    if (candidate.unavailable !== undefined) {
      reasons.push(`${candidate.provider}: ${candidate.unavailable}`);
      const { provider, library } = candidate;
      without = { without: provider, ...(library === undefined ? {} : { library }) };
      continue;
    }
    const options = embedderOptions(model, candidate.provider, request);
    try {
      const embedder = await Embedder.create(options);
      const { sessions, threadsPerSession: threads } = options.plan;
      const { provider } = candidate;
      onNotice(notice("run/provider", { provider, sessions, threads, reasons: reasons.join("; "), ...without }));
      return { embedder, provider: candidate.provider, plan: options.plan };
    } catch (error) {
      reasons.push(`${candidate.provider}: ${errorMessage(error)}`);
      without = { without: candidate.provider };
    }
  }
  const tried = setup.providers.map(({ provider }) => provider);
  const advice = tried.includes("cpu") ? "" : "try --provider cpu, or ";
  throw new VergerError(
    "provider/unavailable",
    `Expected to load model ${model.name} on one of ${tried.join(", ")}, but ${reasons.join("; ")}; ` +
      `${advice}check the model with "verger models verify".`,
  );
}

/** Facts of the machine and runtime for run.json. */
export function runtimeFacts(loaded: Loaded): NonNullable<RunFile["runtime"]> {
  return {
    provider: loaded.provider,
    sessions: loaded.plan.sessions,
    threadsPerSession: loaded.plan.threadsPerSession,
    batch: loaded.plan.batch,
    onnxruntime: loaded.embedder.onnxruntime,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    simdTarget: imageLibraries().simdTarget,
  };
}
