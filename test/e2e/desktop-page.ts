/**
 * The desktop app without Electron: its own main process on a stand-in, a real engine in a process of its own, and the
 * real page in Chromium, whose addresses the app's scheme answers and whose bridge ends in the app's own handlers. What
 * only Electron can show is in test/electron.
 */
import type { Page } from "@playwright/test";
import { type DesktopMessage, IPC } from "../../src-main/api/bridge.js";
import { type ElectronModule, startApp } from "../../src-main/electron/app.js";
import { electronStandIn, type FakeWindow } from "../support/electron-stand-in.js";
import { forkEngine } from "../support/fork-engine.js";

/** Chromium knows no scheme of ours: the page's origin stands for `verger://app`. */
const ORIGIN = "http://verger.localhost";

export interface Desktop {
  readonly system: ReturnType<typeof electronStandIn>;
  readonly window: FakeWindow;
  /** The engine that is there now. */
  engine(): ReturnType<typeof forkEngine>;
  /** The person quits. */
  quit(): Promise<void>;
}

/** Starts the app in a page. @param home where it keeps what people set */
export async function openDesktop(page: Page, home: string, paths: readonly string[]): Promise<Desktop> {
  const system = electronStandIn();
  const engines: ReturnType<typeof forkEngine>[] = [];
  const fork = (): unknown => {
    const engine = forkEngine(home);
    engines.push(engine);
    return engine;
  };
  const electron = { ...system.electron, utilityProcess: { fork } } as unknown as ElectronModule;
  const before = process.env.VERGER_HOME;
  process.env.VERGER_HOME = home;
  startApp(electron, { argv: ["verger", ...paths], versions: { electron: "45" } }, "linux");
  system.app.ready();
  await system.app.whenReady();
  await new Promise((resolve) => setImmediate(resolve));
  if (before === undefined) delete process.env.VERGER_HOME;
  else process.env.VERGER_HOME = before;
  const [window] = system.windows;
  if (!window) throw new Error("no window was opened");
  const { webContents } = window;

  await page.route(`${ORIGIN}/**`, async (route) => {
    const request = route.request();
    const response = await system.session.scheme?.answer({
      url: request.url().replace(ORIGIN, "verger://app"),
      method: request.method(),
      headers: new Headers(request.headers()),
      signal: new AbortController().signal,
    } as Request);
    if (!response) throw new Error("the scheme has no handler");
    const body = Buffer.from(await response.arrayBuffer());
    await route.fulfill({ status: response.status, headers: Object.fromEntries(response.headers), body });
  });
  // Playwright's bindings carry JSON: bytes go as base64.
  await page.exposeFunction("toMain", async (kind: "invoke" | "send", channel: string, payload: Wire) => {
    if (kind === "send") return system.ipcMain.tell(webContents, channel, fromWire(payload));
    return toWire(await system.ipcMain.invoke(webContents, channel, fromWire(payload)));
  });
  webContents.send = (channel: string, message: DesktopMessage) => {
    if (channel !== IPC.message) throw new Error(`unexpected channel ${channel}`);
    void page.evaluate((told) => (globalThis as unknown as Page_).fromMain(told), message).catch(() => {});
  };
  await page.addInitScript(installBridge, IPC);
  await page.goto(`${ORIGIN}/`);
  window.emit("ready-to-show");
  return {
    system,
    window,
    engine: () => engines.at(-1) as ReturnType<typeof forkEngine>,
    async quit() {
      if (system.app.exits.length === 0) window.close();
      while (system.app.exits.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    },
  };
}

/** Bytes as `{ base64 }`, anything else as it is. */
type Wire = unknown;

interface Page_ {
  toMain(kind: "invoke" | "send", channel: string, payload: Wire): Promise<Wire>;
  fromMain(message: DesktopMessage): void;
}

function toWire(value: unknown): Wire {
  if (typeof value !== "object" || value === null || !("frame" in value)) return value ?? null;
  return { ...value, frame: { base64: Buffer.from(value.frame as Uint8Array).toString("base64") } };
}

function fromWire(value: Wire): unknown {
  if (typeof value !== "object" || value === null || !("frame" in value)) return value ?? undefined;
  const { base64 } = value.frame as { base64: string };
  return { ...value, frame: new Uint8Array(Buffer.from(base64, "base64")) };
}

/** Runs in the page before its own scripts, in the place of the preload script. */
function installBridge(ipc: typeof IPC): void {
  const page = globalThis as unknown as Page_ & { verger: unknown };
  const encode = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const decode = (text: string): Uint8Array => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  page.verger = {
    async call(id: string, channel: string, frame: Uint8Array) {
      const answer = (await page.toMain("invoke", ipc.call, { id, channel, frame: { base64: encode(frame) } })) as {
        frame?: { base64: string };
      };
      return answer.frame ? { frame: decode(answer.frame.base64) } : answer;
    },
    abandon: (id: string) => void page.toMain("send", ipc.abandon, { id }),
    listen(listener: (message: DesktopMessage) => void) {
      page.fromMain = listener;
      void page.toMain("send", ipc.listen, null);
    },
    retry: () => void page.toMain("send", ipc.retry, null),
    chooseFolder: (choice: object) => page.toMain("invoke", ipc.chooseFolder, choice),
    // A dropped file's name stands for its path.
    pathOf: (file: File) => file.name,
  };
}
