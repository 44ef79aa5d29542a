/** The state of an open run, with a server whose answers come when the test says so. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ApiEvent, Channel, Overview, ResponseOf } from "../../../src-main/api/channels.js";

interface Call {
  readonly channel: Channel;
  readonly request: { readonly run: string };
  readonly answer: (value: unknown) => Promise<void>;
}

const calls: Call[] = [];
const address = vi.hoisted(() => ({ hash: "", href: "http://verger/" }));

vi.hoisted(() => {
  const quiet = { addEventListener: () => {}, matches: false };
  vi.stubGlobal("location", address);
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("matchMedia", () => quiet);
  vi.stubGlobal("navigator", { languages: ["en"] });
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => {} });
});
vi.mock("../../../src-renderer/api/client.js", () => ({
  client: {
    call: (channel: Channel, request: Call["request"], { signal }: { signal?: AbortSignal } = {}) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        const answer = async (value: unknown): Promise<void> => {
          resolve(value);
          // All that follows from it without another answer.
          await new Promise((settled) => setTimeout(settled));
        };
        calls.push({ channel, request, answer });
      }),
  },
  isAbort: (error: unknown) => error instanceof DOMException && error.name === "AbortError",
  problemOf: (error: unknown) => ({ code: "internal", message: String(error) }),
}));

const explore = await import("../../../src-renderer/state/explore.js");
const { runListeners, useApp } = await import("../../../src-renderer/state/app.js");
const { EMPTY_LINK } = await import("../../../src-renderer/app/link.js");
const state = explore.useExplore.getState;

const A = "aaaaaaaaaaaaaaaa";
const B = "bbbbbbbbbbbbbbbb";
const NO_EDITS = { rows: 0, canUndo: true, canRedo: false };

/** The next call of a channel that waits for its answer. */
async function asked(channel: Channel): Promise<Call> {
  await vi.waitFor(() => expect(calls.map((call) => call.channel)).toContain(channel));
  return calls.splice(
    calls.findIndex((call) => call.channel === channel),
    1,
  )[0] as Call;
}
/** Labels of three rows. */
function labeling(revision: number, names: readonly string[], ids: readonly number[]): ResponseOf<"run.labels"> {
  const labels = names.map((name, id) => ({ name, rows: ids.filter((other) => other === id).length }));
  return { revision, labels, ids: Uint32Array.from(ids), edits: NO_EDITS };
}

function overview(run: string, revision: number, names: readonly string[]): Overview {
  const labels = names.map((name) => ({ name, rows: 1 }));
  const pca = { components: 2 };
  return {
    card: { run, version: "1" },
    rows: 3,
    labels,
    revision,
    edits: NO_EDITS,
    columns: ["outlier", "size"],
    pca,
  } as Overview;
}

const coordinates = (revision: number, ids: readonly number[]): ResponseOf<"run.coordinates"> => ({
  rows: 3,
  axes: [new Float32Array(3), new Float32Array(3)],
  ranges: [
    [0, 0],
    [0, 0],
  ],
  labels: Uint32Array.from(ids),
  revision,
});

async function open(run: string, revision = 1): Promise<void> {
  void explore.openRun(run);
  await (await asked("run.overview")).answer(overview(run, revision, ["Apple", "Pear"]));
  await (await asked("run.coordinates")).answer(coordinates(revision, [0, 0, 1]));
}

const tellOfChange = (run: string, revision: number): void => {
  const event = { type: "run.changed", run, what: "labels", revision } satisfies ApiEvent;
  runListeners.tell(event);
};

const undoOffered = (): boolean => useApp.getState().notes.some(({ action }) => action !== undefined);

beforeEach(() => {
  explore.closeRun();
  calls.length = 0;
  useApp.setState({ notes: [] });
});

describe("labels that change", () => {
  it("of a run that was left do not reach the run that is open now", async () => {
    await open(A);
    explore.select(Uint32Array.of(2), "replace");
    void explore.relabel("Quince");
    const edit = await asked("labels.edit");
    await open(B);
    await edit.answer(labeling(9, ["Apple", "Pear", "Quince"], [0, 0, 2]));
    expect(state()).toMatchObject({ run: B, revision: 1, ids: Uint32Array.of(0, 0, 1) });
    expect(state().labels.map(({ name }) => name)).toEqual(["Apple", "Pear"]);
    expect(undoOffered()).toBe(false);
  });

  it("are those of the latest revision, whatever the order of answers", async () => {
    await open(A);
    tellOfChange(A, 2);
    const second = await asked("run.labels");
    tellOfChange(A, 3);
    const third = await asked("run.labels");
    await third.answer(labeling(3, ["Apple", "Pear"], [1, 1, 1]));
    await second.answer(labeling(2, ["Apple", "Pear"], [0, 1, 1]));
    expect(state()).toMatchObject({ revision: 3, ids: Uint32Array.of(1, 1, 1) });
  });

  it("between the names and the ids are asked for again", async () => {
    void explore.openRun(A);
    await (await asked("run.overview")).answer(overview(A, 1, ["Apple", "Pear"]));
    await (await asked("run.coordinates")).answer(coordinates(2, [0, 0, 2]));
    await (await asked("run.labels")).answer(labeling(2, ["Apple", "Pear", "Quince"], [0, 0, 2]));
    expect(state().labels).toHaveLength(3);
    expect(state()).toMatchObject({ revision: 2, ids: Uint32Array.of(0, 0, 2) });
    expect(state().points).not.toBeNull();
  });

  it("are searched again", async () => {
    await open(A);
    void explore.searchFor("quince");
    await (await asked("run.search")).answer({ rows: new Uint32Array() });
    expect(state().shown).toHaveLength(0);
    tellOfChange(A, 2);
    await (await asked("run.labels")).answer(labeling(2, ["Apple", "Pear", "Quince"], [0, 0, 2]));
    await (await asked("run.search")).answer({ rows: Uint32Array.of(2) });
    expect(state().shown).toEqual(Uint32Array.of(2));
  });

  it("take scores along that were those of the labels before", async () => {
    await open(A);
    void explore.sortBy("outlier");
    const before = await asked("run.outliers");
    tellOfChange(A, 2);
    await (await asked("run.labels")).answer(labeling(2, ["Apple", "Pear"], [0, 1, 1]));
    await before.answer({ scores: Float32Array.of(1, 2, 3), revision: 1 });
    expect(state().outliers).toBeNull();
  });
});

describe("a run that is made anew under the window", () => {
  it("is loaded again, and row numbers of before choose nothing in it", async () => {
    await open(A);
    explore.select(Uint32Array.of(2), "replace");
    explore.focusRow(1);
    void explore.relabel("Quince");
    const edit = await asked("labels.edit");
    expect(edit.request).toMatchObject({ version: "1", rows: Uint32Array.of(2) });
    await edit.answer(labeling(2, ["Apple", "Pear", "Quince"], [0, 0, 2]));
    runListeners.tell({ type: "run.changed", run: A, what: "content", revision: 0 });
    await (await asked("run.overview")).answer({ ...overview(A, 3, ["Apple", "Pear"]), rows: 4 });
    await (await asked("run.coordinates")).answer({ ...coordinates(3, [0, 0, 0, 1]), rows: 4 });
    expect(state()).toMatchObject({ focus: null, selection: null, selected: 0 });
    expect(state().shown).toHaveLength(4);
  });
});

describe("undo", () => {
  const relabelled = async (): Promise<void> => {
    explore.select(Uint32Array.of(2), "replace");
    void explore.relabel("Quince");
    await (await asked("labels.edit")).answer(labeling(2, ["Apple", "Pear", "Quince"], [0, 0, 2]));
  };

  it("is offered for what was just changed", async () => {
    await open(A);
    await relabelled();
    expect(undoOffered()).toBe(true);
    // The same change, told to every window.
    tellOfChange(A, 2);
    expect(undoOffered()).toBe(true);
  });

  it("is no longer offered once another run is open, or another window has changed labels", async () => {
    await open(A);
    await relabelled();
    tellOfChange(A, 3);
    expect(undoOffered()).toBe(false);
    await (await asked("run.labels")).answer(labeling(3, ["Apple", "Pear", "Quince"], [0, 1, 2]));
    explore.closeRun();
    await open(A);
    await relabelled();
    expect(undoOffered()).toBe(true);
    await open(B);
    expect(undoOffered()).toBe(false);
  });
});

describe("a slow server", () => {
  it("does not bring back a colour or an order that was chosen before the last one", async () => {
    await open(A);
    void explore.colourBy("size");
    void explore.colourBy("label");
    void explore.sortBy("outlier");
    void explore.sortBy("run");
    await (await asked("run.columns")).answer({ columns: { size: Float64Array.of(1, 2, 3) } });
    await (await asked("run.outliers")).answer({ scores: Float32Array.of(1, 2, 3), revision: 1 });
    expect(state()).toMatchObject({ colour: "label", sort: "run" });
  });
});

describe("an address", () => {
  it("that is entered while its run is open is followed; one that says what is seen changes nothing", async () => {
    await open(A);
    await explore.followLink(EMPTY_LINK);
    expect(calls).toEqual([]);
    void explore.followLink({ ...EMPTY_LINK, isolated: ["Pear"], row: 2 });
    await (await asked("run.overview")).answer(overview(A, 1, ["Apple", "Pear"]));
    await (await asked("run.coordinates")).answer(coordinates(1, [0, 0, 1]));
    expect(state()).toMatchObject({ focus: 2, isolated: new Set([1]), shown: Uint32Array.of(2) });
    void explore.followLink(EMPTY_LINK);
    await (await asked("run.overview")).answer(overview(A, 1, ["Apple", "Pear"]));
    await (await asked("run.coordinates")).answer(coordinates(1, [0, 0, 1]));
    expect(state()).toMatchObject({ focus: null, isolated: new Set() });
  });
});
