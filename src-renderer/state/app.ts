/** What every view knows: the connection, the runs, the jobs, and what is told to the person. */
import { create } from "zustand";
import type { ApiEvent, Job, Problem, RunCard } from "../../src-main/api/channels.js";
import { type LinkState, Listeners } from "../api/carrier.js";
import { client, problemOf } from "../api/client.js";
import { takeSettings, useSettings } from "./settings.js";

export interface Note {
  readonly id: number;
  readonly kind: "done" | "error";
  readonly text: string;
  /** Of an error: said in the person's language instead of `text` where it can be. */
  readonly problem?: Problem;
  readonly action?: { readonly label: string; readonly run: () => void };
  /** A later note about the same takes this one's place: what it offers may be over. */
  readonly about?: string;
}

interface AppState {
  readonly link: LinkState | "ended";
  /** Differs from one start of the server to the next. */
  readonly instance: string | null;
  /** Null until they were fetched. */
  readonly runs: readonly RunCard[] | null;
  readonly jobs: readonly Job[] | null;
  readonly notes: readonly Note[];
}

export const useApp = create<AppState>(() => ({
  link: "connecting",
  instance: null,
  runs: null,
  jobs: null,
  notes: [],
}));

let lastNote = 0;

/** Tells the person something; it goes away by itself, errors later. */
export function tell(note: Omit<Note, "id">): void {
  const id = ++lastNote;
  useApp.setState(({ notes }) => {
    const others = notes.filter(({ about }) => about === undefined || about !== note.about);
    return { notes: [...others.slice(-2), { ...note, id }] };
  });
  setTimeout(() => dismiss(id), note.kind === "error" ? 12_000 : 7_000);
}

export function dismiss(id: number): void {
  useApp.setState(({ notes }) => ({ notes: notes.filter((note) => note.id !== id) }));
}

/** Takes a note away whose offer is over. */
export function dismissAbout(about: string): void {
  useApp.setState(({ notes }) => ({ notes: notes.filter((note) => note.about !== about) }));
}

/** Tells that a call failed. */
export function tellError(error: unknown): void {
  const problem = problemOf(error);
  tell({ kind: "error", text: problem.message, problem });
}

export async function loadRuns(): Promise<void> {
  const { runs } = await client.call("runs.recent", {});
  useApp.setState({ runs });
}

async function loadJobs(): Promise<void> {
  const { jobs } = await client.call("jobs.list", {});
  useApp.setState({ jobs: [...jobs].sort((a, b) => b.number - a.number) });
}

/** A job as it is now, in place of what was known of it; latest first. */
export function withJob(jobs: readonly Job[], job: Job): Job[] {
  return [...jobs.filter(({ id }) => id !== job.id), job].sort((a, b) => b.number - a.number);
}

/** Listeners of the events that concern one open run. */
export const runListeners = new Listeners<Extract<ApiEvent, { type: "run.changed" }>>();
export const probeListeners = new Listeners<Extract<ApiEvent, { type: "probe" }>>();
export const exportListeners = new Listeners<Extract<ApiEvent, { type: "export" }>>();
export const previewListeners = new Listeners<Extract<ApiEvent, { type: "preview" }>>();
export const lookListeners = new Listeners<Extract<ApiEvent, { type: "look" }>>();
/** Called when a server has come back: what is shown may be out of date. */
export const returnListeners = new Listeners<void>();

function onEvent(event: ApiEvent): void {
  switch (event.type) {
    case "hello": {
      const before = useApp.getState().instance;
      useApp.setState({ instance: event.instance });
      void refresh();
      if (before !== null) returnListeners.tell();
      return;
    }
    case "bye":
      useApp.setState({ link: "ended" });
      return;
    case "job":
      useApp.setState(({ jobs }) => ({ jobs: withJob(jobs ?? [], event.job) }));
      return;
    case "job.removed":
      useApp.setState(({ jobs }) => ({ jobs: jobs?.filter(({ id }) => id !== event.job) ?? null }));
      return;
    case "runs":
      void loadRuns().catch(tellError);
      return;
    case "run.changed":
      runListeners.tell(event);
      return;
    case "probe":
      probeListeners.tell(event);
      return;
    case "export":
      exportListeners.tell(event);
      return;
    case "preview":
      previewListeners.tell(event);
      return;
    case "look":
      lookListeners.tell(event);
      return;
    case "settings":
      takeSettings(event.settings);
  }
}

async function refresh(): Promise<void> {
  try {
    const [info, settings] = await Promise.all([
      client.call("app.info", {}),
      client.call("settings.get", {}),
      loadRuns(),
      loadJobs(),
    ]);
    useSettings.setState({ info });
    takeSettings(settings);
  } catch (error) {
    // A link that is gone has its banner; anything else is told.
    if (useApp.getState().link === "online") tellError(error);
  }
}

/** Connects the window to its server; once. */
export function start(): void {
  client.subscribe(onEvent);
  client.watchLink((link) => {
    // A server that said goodbye is not merely lost.
    if (link === "lost" && useApp.getState().link === "ended") return;
    useApp.setState({ link });
  });
}
