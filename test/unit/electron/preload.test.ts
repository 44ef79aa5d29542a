import path from "node:path";
import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { beforeAll, expect, it } from "vitest";
import { BRIDGE, type DesktopBridge, IPC } from "../../../src-main/api/bridge.js";

const root = path.resolve(import.meta.dirname, "../../..");

let code: string;
beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, "src-main/electron/preload.ts")],
    bundle: true,
    format: "cjs",
    platform: "browser",
    external: ["electron"],
    write: false,
  });
  code = outputFiles[0]?.text ?? "";
});

/** Runs the script as a sandboxed preload: no globals of Node, `require` for Electron's three modules alone. */
function preload() {
  const log: unknown[][] = [];
  const exposed: Record<string, unknown> = {};
  const required: string[] = [];
  let listener: ((event: unknown, message: unknown) => void) | undefined;
  const electron = {
    contextBridge: { exposeInMainWorld: (name: string, api: unknown) => Object.assign(exposed, { [name]: api }) },
    ipcRenderer: {
      invoke: async (...args: unknown[]) => {
        log.push(["invoke", ...args]);
        return "answer";
      },
      send: (...args: unknown[]) => log.push(["send", ...args]),
      on: (channel: string, heard: typeof listener) => {
        log.push(["on", channel]);
        listener = heard;
      },
      removeAllListeners: (channel: string) => log.push(["removeAllListeners", channel]),
    },
    webUtils: { getPathForFile: (file: { path: string }) => file.path },
  };
  const require = (name: string): unknown => {
    required.push(name);
    if (name !== "electron") throw new Error(`a sandboxed preload script cannot require ${name}`);
    return electron;
  };
  runInNewContext(code, { require, module: { exports: {} }, exports: {} });
  return {
    log,
    exposed,
    required,
    bridge: exposed[BRIDGE] as DesktopBridge,
    say: (...args: unknown[]) => listener?.(args[0], args[1]),
  };
}

it("needs nothing but Electron, and exposes one object of functions", () => {
  const { exposed, required, bridge } = preload();
  expect(required).toEqual(["electron"]);
  expect(Object.keys(exposed)).toEqual([BRIDGE]);
  expect(Object.keys(bridge).sort()).toEqual(["abandon", "call", "chooseFolder", "listen", "pathOf", "retry"]);
  expect(Object.values(bridge).every((member) => typeof member === "function")).toBe(true);
});

it("gives each function one message, whose channel the page cannot choose", async () => {
  const { bridge, log } = preload();
  const frame = new Uint8Array([1]);
  expect(await bridge.call("1", "app.info", frame)).toBe("answer");
  bridge.abandon("1");
  bridge.retry();
  await bridge.chooseFolder({ title: "T" });
  expect(bridge.pathOf({ path: "/photos" })).toBe("/photos");
  expect(log).toEqual([
    ["invoke", IPC.call, { id: "1", channel: "app.info", frame }],
    ["send", IPC.abandon, { id: "1" }],
    ["send", IPC.retry],
    ["invoke", IPC.chooseFolder, { title: "T" }],
  ]);
});

it("passes messages on without the event, to the last listener alone", () => {
  const { bridge, log, say } = preload();
  const heard: unknown[][] = [];
  bridge.listen((...args) => heard.push(args));
  expect(log).toEqual([
    ["removeAllListeners", IPC.message],
    ["on", IPC.message],
    ["send", IPC.listen],
  ]);
  say({ sender: "ipcRenderer" }, { type: "link", online: true });
  expect(heard).toEqual([[{ type: "link", online: true }]]);
});
