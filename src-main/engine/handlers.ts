/** What each channel does. Everything that takes thought stands elsewhere; here it is put together. */
import { cpus, homedir, totalmem } from "node:os";
import path from "node:path";
import type { ResponseOf } from "../api/channels.js";
import { providerCandidates } from "../core/embed/provider.js";
import { cancelled, VergerError } from "../core/errors.js";
import {
  copySelection,
  endsOf,
  photoFacts,
  type RunData,
  selectionCsv,
  writeSelectionCsv,
  writeSelectionParquet,
} from "../core/explore/index.js";
import { listParts, partName, readErrorsPart, type SetAsideImage } from "../core/run/index.js";
import { appVersion } from "../core/run/version.js";
import { defaultPreset, listModels } from "../models/index.js";
import { browse } from "./browse.js";
import type { Handlers } from "./dispatch.js";
import type { Events } from "./events.js";
import type { ProbeRequest, ProbeResult } from "./jobs/protocol.js";
import type { JobQueue } from "./jobs/queue.js";
import type { SpawnJobThread } from "./jobs/spawn.js";
import { overviewOf } from "./overview.js";
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
  readonly spawn: SpawnJobThread;
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
    }),

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
    "runs.trash": async ({ run }) => {
      await runs.moveToTrash(run);
      return {};
    },

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
      return { ...known, originalLabel: data.originalLabelOf(row), ...(await photoFacts(data.root, known.path)) };
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
    "run.loadings": async ({ run, component }) => {
      const data = await runs.data(run);
      data.requireComponents([component]);
      const { loadings, dimension } = data.pca as NonNullable<RunData["pca"]>;
      return { loadings: loadings.slice(component * dimension, (component + 1) * dimension) };
    },
    "run.setAside": async ({ run, offset, limit }) => setAside((await runs.data(run)).folder, offset, limit),

    "labels.edit": ({ run, rows, label }) => relabel(run, (data) => data.editLabels(rows, label)),
    "labels.undo": ({ run }) => relabel(run, (data) => data.undoLabels()),
    "labels.redo": ({ run }) => relabel(run, (data) => data.redoLabels()),

    "selection.export": async ({ run, rows: wanted, format, to }, { signal }) => {
      const data = await runs.data(run);
      const rows = Uint32Array.from(new Set(wanted));
      for (const row of rows) data.requireRow(row);
      if (to === undefined) {
        if (format !== "csv") {
          throw new VergerError(
            "request/invalid",
            `Expected the place to write ${format} to, but received none; only CSV can be sent back.`,
          );
        }
        const bytes = new TextEncoder().encode(await selectionCsv(data, rows));
        return { path: null, bytes, rows: rows.length, missing: [] };
      }
      const target = path.resolve(to);
      let missing: string[] = [];
      if (format === "csv") await writeSelectionCsv(data, rows, target);
      else if (format === "parquet") await writeSelectionParquet(data, rows, target);
      else missing = await copySelection(data, rows, target, signal);
      return { path: target, bytes: null, rows: rows.length - missing.length, missing };
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

/** Runs beside the queue: people wait for it. */
function probe(
  spawn: SpawnJobThread,
  events: Events,
  request: ProbeRequest,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled());
      return;
    }
    const thread = spawn(
      { kind: "probe", request },
      {
        message: (message) => {
          if (message.type === "counted") events.emit({ type: "probe", probe: request.probe, images: message.images });
          else if (message.type === "probed") resolve(message.result);
          else if (message.type === "failed") {
            reject(message.code === "cancelled" ? cancelled() : new VergerError(message.code, message.message));
          }
        },
        end: (reason) => {
          signal.removeEventListener("abort", stop);
          if (reason === null) return;
          reject(
            new VergerError("job/crashed", `Expected the probe to end with a result, but ${reason}; try it again.`),
          );
        },
      },
    );
    const stop = (): void => thread.stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
