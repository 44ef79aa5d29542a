/** What each channel does. Everything that takes thought stands elsewhere; here it is put together. */
import { cpus, homedir, totalmem } from "node:os";
import path from "node:path";
import type { ResponseOf } from "../api/channels.js";
import { examine } from "../core/doctor/index.js";
import { providerCandidates } from "../core/embed/provider.js";
import { endsOf, photoFacts, type RunData } from "../core/explore/index.js";
import { listParts, partName, readErrorsPart, type SetAsideImage } from "../core/run/index.js";
import { appVersion } from "../core/run/version.js";
import { defaultPreset, listModels } from "../models/index.js";
import { about } from "./about.js";
import { preview, probe } from "./beside.js";
import { browse } from "./browse.js";
import { agreementOf, compareRuns } from "./compare.js";
import type { Handlers } from "./dispatch.js";
import type { Events } from "./events.js";
import { exportSelection } from "./export.js";
import type { FeatureLooks } from "./features.js";
import type { JobQueue } from "./jobs/queue.js";
import type { SpawnJobThread } from "./jobs/spawn.js";
import { overviewOf } from "./overview.js";
import { cannotReveal, type Reveal } from "./reveal.js";
import type { RunRegistry } from "./runs.js";
import type { SettingsStore } from "./settings.js";

export interface HandlerParts {
  readonly instance: string;
  readonly carrier: "http" | "electron";
  readonly canTrash: boolean;
  readonly events: Events;
  readonly runs: RunRegistry;
  readonly jobs: JobQueue;
  readonly settings: SettingsStore;
  readonly looks: FeatureLooks;
  readonly spawn: SpawnJobThread;
  /** Absent where nobody would see the folder. */
  readonly reveal: Reveal | undefined;
  readonly folders: { readonly state: string; readonly cache: string };
}

export function createHandlers(parts: HandlerParts): Handlers {
  const { events, runs, jobs, settings } = parts;

  const labeling = (data: RunData): ResponseOf<"run.labels"> => ({
    revision: data.revision,
    labels: data.labelCounts(),
    ids: data.ids,
    edits: data.edits(),
  });
  const relabel = async (run: string, change: (data: RunData) => Promise<void>): Promise<ResponseOf<"run.labels">> => {
    const data = await runs.data(run);
    const before = data.revision;
    await change(data);
    if (data.revision !== before) runs.labelsChanged(run, data);
    return labeling(data);
  };

  return {
    "app.info": async () => ({
      version: appVersion(),
      instance: parts.instance,
      carrier: parts.carrier,
      platform: `${process.platform}-${process.arch}`,
      processors: cpus().length,
      memoryBytes: totalmem(),
      home: homedir(),
      models: (await listModels()).map(({ name, description, dimension, presets, problem, file }) => ({
        name,
        description,
        dimension,
        presets: [...presets],
        usable: problem === null && file !== null,
      })),
      preset: defaultPreset(providerCandidates("auto").find(({ unavailable }) => unavailable === undefined)?.provider),
      canTrash: parts.canTrash,
      canReveal: parts.reveal !== undefined,
    }),

    "app.about": () => about(parts.folders),
    "app.diagnose": async (_, { signal }) => {
      const { checks, ...diagnosis } = await examine({ folder: parts.folders.state, signal });
      return { ...diagnosis, checks: [...checks] };
    },

    "runs.recent": async () => ({ runs: await runs.cards() }),
    "runs.open": ({ path: folder }) => runs.open(folder),
    "runs.close": async ({ run }) => {
      runs.close(run);
      return {};
    },
    "runs.forget": async ({ run }) => {
      await runs.forget(run);
      return {};
    },
    "runs.trash": ({ run }) => runs.moveToTrash(run),
    "runs.restore": ({ run }) => runs.restore(run),
    "runs.reveal": async ({ run }) => {
      const folder = await runs.folderOf(run);
      if (!parts.reveal) throw cannotReveal(folder);
      await parts.reveal(folder);
      return {};
    },
    "runs.compare": async ({ a, b }) => compareRuns(await runs.data(a), await runs.data(b)),
    "runs.agreement": async ({ a, b, k, sample }, { signal }) =>
      agreementOf(await runs.data(a), await runs.data(b), { k, sample, signal }),

    "runs.locate": ({ run, folder, save }) => runs.locate(run, folder, save),

    "run.overview": async ({ run }) => {
      const data = await runs.data(run);
      return overviewOf(await runs.card(run), data);
    },
    "run.coordinates": async ({ run, components }) => {
      const data = await runs.data(run);
      const axes = await data.scores(components);
      return { rows: data.rows, axes, ranges: axes.map(rangeOf), labels: data.ids, revision: data.revision };
    },
    "run.columns": async ({ run, names }) => {
      const data = await runs.data(run);
      const columns: ResponseOf<"run.columns">["columns"] = {};
      for (const name of names) columns[name] = await data.column(name);
      return { columns };
    },
    "run.labels": async ({ run }) => labeling(await runs.data(run)),
    "run.rows": async ({ run, rows }) => {
      const data = await runs.data(run);
      return { rows: Array.from(rows, (row) => rowOf(data, row)) };
    },
    "run.search": async ({ run, text }) => ({ rows: (await runs.data(run)).search(text) }),
    "run.image": async ({ run, row }) => {
      const data = await runs.data(run);
      const known = rowOf(data, row);
      const facts = await photoFacts(data.root, known.path);
      const capturedAt = facts.capturedAt ?? data.capturedMsOf(row);
      return { ...known, originalLabel: data.originalLabelOf(row), ...facts, capturedAt };
    },
    "run.neighbours": async ({ run, row, k }, { signal }) => (await runs.data(run)).neighbours(row, k, signal),
    "run.outliers": async ({ run }) => {
      const data = await runs.data(run);
      const { revision } = data;
      return { scores: await data.outlierScores(), revision };
    },
    "run.ends": async ({ run, component, count }) => {
      const [axis] = await (await runs.data(run)).scores([component]);
      return endsOf(axis as Float32Array, count);
    },
    "run.loadings": async ({ run, components }) => {
      const data = await runs.data(run);
      data.requireComponents(components);
      const { loadings, dimension } = data.pca as NonNullable<RunData["pca"]>;
      return { loadings: components.map((at) => loadings.slice(at * dimension, (at + 1) * dimension)) };
    },
    "run.setAside": async ({ run, offset, limit }) => setAside((await runs.data(run)).folder, offset, limit),

    "labels.edit": async ({ run, version, rows, label }) => {
      await runs.requireVersion(run, version);
      return relabel(run, (data) => data.editLabels(rows, label));
    },
    "labels.undo": ({ run }) => relabel(run, (data) => data.undoLabels()),
    "labels.redo": ({ run }) => relabel(run, (data) => data.redoLabels()),

    "selection.export": async (request, { signal }) => {
      await runs.requireVersion(request.run, request.version);
      return exportSelection(await runs.data(request.run), request, events, signal);
    },

    "features.inspect": (request, { signal }) => parts.looks.inspect(request, signal),

    "transfers.preview": (request, { signal }) => preview(parts.spawn, events, request, signal),
    "transfers.openUploads": async ({ target, s3, olderThan, abort }, { signal }) => {
      // The AWS SDK is loaded only by those who reach S3.
      const { sweepUploads } = await import("../storage/sync/sweep.js");
      return sweepUploads(target, { s3, olderThan, dryRun: !abort, signal });
    },

    "jobs.list": async () => ({ jobs: await jobs.list() }),
    "jobs.start": (work) => jobs.start(work),
    "jobs.cancel": ({ job }) => jobs.stop(job, "cancel"),
    "jobs.pause": ({ job }) => jobs.stop(job, "pause"),
    "jobs.resume": ({ job }) => jobs.resume(job),
    "jobs.retry": ({ job }) => jobs.retry(job),
    "jobs.forget": async ({ job }) => {
      await jobs.forget(job);
      return {};
    },
    "jobs.probe": (request, { signal }) => probe(parts.spawn, events, request, signal),

    "files.browse": ({ path: folder }) => browse(folder),

    "settings.get": () => settings.get(),
    "settings.set": (changes) => settings.set(withoutUndefined(changes)),
  };
}

function rowOf(data: RunData, row: number): { row: number; path: string; label: string | null; edited: boolean } {
  return { row, path: data.pathOf(row), label: data.labelOf(row), edited: data.isEdited(row) };
}

function rangeOf(axis: Float32Array): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of axis) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return axis.length === 0 ? [0, 0] : [low, high];
}

async function setAside(folder: string, offset: number, limit: number): Promise<ResponseOf<"run.setAside">> {
  const reasons = new Map<string, { stage: string; code: string; images: number }>();
  const items: SetAsideImage[] = [];
  let total = 0;
  const errors = path.join(folder, "errors");
  for (const part of listParts(errors)) {
    for (const image of await readErrorsPart(path.join(errors, partName(part)))) {
      const key = `${image.stage}\n${image.code}`;
      const reason = reasons.get(key) ?? { stage: image.stage, code: image.code, images: 0 };
      reason.images += 1;
      reasons.set(key, reason);
      if (total >= offset && items.length < limit) items.push(image);
      total += 1;
    }
  }
  return { total, reasons: [...reasons.values()].sort((a, b) => b.images - a.images), items };
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
