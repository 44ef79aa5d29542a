import { beforeEach, describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame } from "../../../src-main/api/binary.js";
import { type CallAnswer, IPC } from "../../../src-main/api/bridge.js";
import { channels } from "../../../src-main/api/channels.js";
import { cancelled, VergerError } from "../../../src-main/core/errors.js";
import { registerIpc, sendMessage, showFolderDialog } from "../../../src-main/electron/ipc.js";
import { MOST_BODY_BYTES } from "../../../src-main/server/body.js";
import { FakeContents, FakeIpcMain, settle } from "../../support/electron-stand-in.js";

const RUN = "0123456789abcdef";

let ipc: FakeIpcMain;
let page: FakeContents;
let seen: { channel: string; request: unknown; signal: AbortSignal | undefined }[];
let answer: (signal: AbortSignal | undefined) => Promise<unknown>;
let listening: unknown[];
let choices: unknown[];
let starts: number;

beforeEach(() => {
  ipc = new FakeIpcMain();
  page = new FakeContents();
  seen = [];
  listening = [];
  choices = [];
  starts = 0;
  answer = async () => ({ rows: new Uint32Array([1, 2]) });
  registerIpc({
    ipcMain: ipc as never,
    host: {
      call: async (channel, request, signal) => {
        seen.push({ channel, request, signal });
        return encodeFrame(await answer(signal));
      },
      start: () => {
        starts += 1;
      },
    },
    chooseFolder: async (_page, choice) => {
      choices.push(choice);
      return "/photos";
    },
    listening: (contents) => listening.push(contents),
  });
});

const call = (channel: string, request: unknown, id = "1"): Promise<CallAnswer> =>
  ipc.invoke(page, IPC.call, { id, channel, frame: encodeFrame(request) }) as Promise<CallAnswer>;

const STRANGERS = [
  null,
  { url: "https://evil.example/", parent: null },
  { url: "verger://evil/", parent: null },
  { url: "verger://app/", parent: {} },
];

describe("calls", () => {
  it("reach the engine with their defaults, and come back as a frame", async () => {
    const result = await call("jobs.probe", { probe: "p", sources: ["photos"], strange: 1 });
    expect(seen.map(({ channel, request }) => [channel, request])).toEqual([
      ["jobs.probe", channels["jobs.probe"].request.parse({ probe: "p", sources: ["photos"] })],
    ]);
    expect("frame" in result && decodeFrame(result.frame)).toEqual({ rows: new Uint32Array([1, 2]) });
  });

  it("carry typed arrays", async () => {
    await call("run.rows", { run: RUN, rows: new Uint32Array([5, 6]) });
    expect(seen[0]?.request).toEqual({ run: RUN, rows: new Uint32Array([5, 6]) });
  });

  it.each(STRANGERS)("of a stranger (%j) are refused", async (frame) => {
    page.frame = frame;
    expect(await call("app.info", {})).toMatchObject({ error: { code: "desktop/sender" } });
    expect(seen).toEqual([]);
  });

  it.each(["nothing.here", "__proto__", "constructor", ""])(
    "of an unknown channel (%j) are refused",
    async (channel) => {
      expect(await call(channel, {})).toMatchObject({ error: { code: "request/unknown-channel" } });
      expect(seen).toEqual([]);
    },
  );

  it.each([
    ["run.overview", { run: "../../etc" }],
    ["run.rows", { run: RUN, rows: [1, 2] }],
    ["settings.set", { theme: "pink" }],
    ["app.info", null],
  ])("of %s with a wrong request are refused here already", async (channel, request) => {
    expect(await call(channel, request)).toMatchObject({ error: { code: "request/invalid" } });
    expect(seen).toEqual([]);
  });

  it.each([
    undefined,
    null,
    "text",
    { channel: "app.info", frame: encodeFrame({}) },
    { id: "", channel: "app.info", frame: encodeFrame({}) },
    { id: "1", channel: 5, frame: encodeFrame({}) },
    { id: "1", channel: "app.info", frame: "frame" },
    { id: "1", channel: "app.info", frame: new Uint8Array([1, 2, 3]) },
    { id: "1", channel: "app.info" },
  ])("that are no message of the bridge (%j) are refused", async (payload) => {
    expect(await ipc.invoke(page, IPC.call, payload)).toMatchObject({ error: { code: "request/invalid" } });
    expect(seen).toEqual([]);
  });

  it("that are too large are refused", async () => {
    const frame = new Uint8Array(MOST_BODY_BYTES + 1);
    expect(await ipc.invoke(page, IPC.call, { id: "1", channel: "app.info", frame })).toMatchObject({
      error: { code: "request/too-large" },
    });
  });

  it("that fail keep their code, and of the unexpected tell nothing but its sentence", async () => {
    answer = async () => {
      throw new VergerError("run/unknown", "Expected a run.");
    };
    expect(await call("app.info", {})).toMatchObject({ error: { code: "run/unknown", message: "Expected a run." } });
    answer = async () => {
      throw new TypeError("x is undefined");
    };
    expect(await call("app.info", {})).toMatchObject({ error: { code: "internal" } });
  });

  const untilAborted = (signal: AbortSignal | undefined): Promise<unknown> =>
    new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(cancelled())));

  it("are stopped when the page abandons them, and only those of that page", async () => {
    answer = untilAborted;
    const first = call("jobs.probe", { probe: "p", sources: ["x"] }, "1");
    const second = call("jobs.probe", { probe: "q", sources: ["x"] }, "2");
    await settle();
    ipc.tell(new FakeContents(), IPC.abandon, { id: "1" });
    ipc.tell(page, IPC.abandon, { id: "1" });
    expect(await first).toMatchObject({ error: { code: "cancelled" } });
    expect(seen.map(({ signal }) => signal?.aborted)).toEqual([true, false]);
    ipc.tell(page, IPC.listen);
    expect(await second).toMatchObject({ error: { code: "cancelled" } });
  });
});

describe("messages without an answer", () => {
  it("begin to listen and start the engine", () => {
    ipc.tell(page, IPC.listen);
    expect(listening).toEqual([page]);
    ipc.tell(page, IPC.retry);
    expect(starts).toBe(1);
  });

  it("of strangers and of a wrong shape do nothing, and end nothing", () => {
    ipc.tell(page, IPC.listen, { strange: 1 });
    ipc.tell(page, IPC.abandon);
    ipc.tell(page, IPC.retry, "now");
    for (const frame of STRANGERS) {
      page.frame = frame;
      for (const channel of [IPC.listen, IPC.retry, IPC.abandon]) ipc.tell(page, channel);
    }
    expect(listening).toEqual([]);
    expect(starts).toBe(0);
  });
});

describe("the folder dialog", () => {
  it("is shown for the page alone", async () => {
    expect(await ipc.invoke(page, IPC.chooseFolder, { title: "Photos", start: "/home" })).toBe("/photos");
    expect(choices).toEqual([{ title: "Photos", start: "/home" }]);
    await expect(ipc.invoke(page, IPC.chooseFolder, { title: "x".repeat(201) })).rejects.toMatchObject({
      code: "request/invalid",
    });
    page.frame = { url: "https://evil.example/", parent: null };
    await expect(ipc.invoke(page, IPC.chooseFolder, { title: "Photos" })).rejects.toMatchObject({
      code: "desktop/sender",
    });
    expect(choices).toHaveLength(1);
  });

  it("chooses one folder, or none", async () => {
    const asked: unknown[] = [];
    const dialog = (result: { canceled: boolean; filePaths: string[] }) => ({
      showOpenDialog: async (...args: unknown[]) => {
        asked.push(...args);
        return result;
      },
    });
    const chosen = dialog({ canceled: false, filePaths: ["/a"] }) as never;
    expect(await showFolderDialog(chosen, undefined, { title: "T", start: "/home" })).toBe("/a");
    expect(asked).toEqual([{ title: "T", properties: ["openDirectory", "createDirectory"], defaultPath: "/home" }]);
    const dismissed = dialog({ canceled: true, filePaths: [] }) as never;
    expect(await showFolderDialog(dismissed, undefined, { title: "T" })).toBeNull();
  });
});

it("the main process hears no channel but those of the bridge", () => {
  expect([...ipc.handlers.keys(), ...ipc.eventNames()].sort()).toEqual(
    Object.values(IPC)
      .filter((name) => name !== IPC.message)
      .sort(),
  );
});

it("nothing is sent to a page that is gone", () => {
  page.destroyed = true;
  sendMessage(page as never, { type: "link", online: true });
  expect(page.sent).toEqual([]);
});
