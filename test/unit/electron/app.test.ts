import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeFrame } from "../../../src-main/api/binary.js";
import { IPC } from "../../../src-main/api/bridge.js";
import type { ApiEvent, Job } from "../../../src-main/api/channels.js";
import { startApp } from "../../../src-main/electron/app.js";
import { HELP_LINKS, WEB_PREFERENCES } from "../../../src-main/electron/security.js";
import { WORDS } from "../../../src-main/electron/words.js";
import {
  electronStandIn,
  type FakeChild,
  type FakeTray,
  type FakeWindow,
  Refusable,
  settle,
} from "../../support/electron-stand-in.js";

const HELLO: ApiEvent = { type: "hello", instance: "i1", version: "1" };
const root = path.resolve(import.meta.dirname, "../../..");

let home: string;
let before: string | undefined;
let system: ReturnType<typeof electronStandIn>;
/** What the played engine answers, by channel. */
let answers: Record<string, unknown>;

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "verger-desktop-"));
  before = process.env.VERGER_HOME;
  process.env.VERGER_HOME = home;
  system = electronStandIn();
  answers = {
    "settings.get": { theme: "dark", language: "system", thumbnailBytes: 2 ** 30 },
    "jobs.list": { jobs: [] },
    "runs.recent": { runs: [] },
  };
});
afterEach(() => {
  if (before === undefined) delete process.env.VERGER_HOME;
  else process.env.VERGER_HOME = before;
  rmSync(home, { recursive: true, force: true });
});

interface Open {
  readonly window: FakeWindow;
  readonly child: FakeChild;
}

/** Starts the app up to a page that listens to an engine that answers. */
async function open(args: readonly string[] = [], platform: NodeJS.Platform = "linux"): Promise<Open> {
  startApp(system.electron, { argv: ["/opt/verger", ...args], versions: { electron: "45" } }, platform);
  system.app.ready();
  await settle();
  const [{ child } = { child: undefined }] = system.children;
  if (!child) throw new Error("no engine was started");
  child.on("received", (message) => {
    if (message.type === "call") {
      child.say({ type: "answer", id: message.id, frame: encodeFrame(answers[message.channel]) });
    } else if (message.type === "close") child.say({ type: "closed" });
  });
  child.say({ type: "ready", hello: HELLO });
  await settle();
  return { window: await pageOf(0), child };
}

async function pageOf(index: number): Promise<FakeWindow> {
  await settle();
  const window = system.windows[index];
  if (!window) throw new Error("no window was opened");
  window.emit("ready-to-show");
  system.ipcMain.tell(window.webContents, IPC.listen);
  await settle();
  return window;
}

const job = (state: Job["state"]): ApiEvent => ({
  type: "job",
  job: { id: "j", out: "/runs/orchard", state, progress: { done: 1, total: 4, secondsLeft: null } } as Job,
});

const french = { theme: "dark", language: "fr", thumbnailBytes: 2 ** 30 } as const;

const menuItem = (label: string) =>
  system.menus
    .at(-1)
    ?.flatMap(({ submenu = [] }) => submenu)
    .find((item) => item.label === label);

describe("the start", () => {
  it("is sandboxed, with the own scheme known and one lock a home, before Electron is ready", () => {
    startApp(system.electron, { argv: ["/opt/verger", "runs/first"], versions: { electron: "45" } }, "linux");
    expect(system.app.sandboxed).toBe(true);
    expect(system.schemes.map(({ scheme }) => scheme)).toEqual(["verger"]);
    expect(system.app.getPath("userData")).toBe(path.join(home, "desktop"));
    expect(system.app.handedOver).toEqual({ paths: [path.resolve("runs/first")] });
    expect(system.windows).toEqual([]);
    expect(system.children).toEqual([]);
  });

  it("without Chromium's sandbox asks for it no second time, and its pages have theirs", async () => {
    system.app.switches.add("no-sandbox");
    const { window } = await open();
    expect(system.app.sandboxed).toBe(false);
    expect(window.options.webPreferences).toMatchObject({ sandbox: true });
  });

  it("of a second one hands over and ends", async () => {
    system.app.first = false;
    startApp(system.electron, { argv: ["/opt/verger"], versions: { electron: "45" } }, "linux");
    system.app.ready();
    await settle();
    expect(system.app.quits).toBe(1);
    expect(system.windows).toEqual([]);
    expect(system.children).toEqual([]);
  });

  it("hardens the session and the page, and starts the engine in a process of its own", async () => {
    const { window } = await open();
    expect(window.loaded).toBe("verger://app/");
    expect(window.options.webPreferences).toEqual({
      ...WEB_PREFERENCES,
      preload: path.join(root, "dist", "electron", "preload.cjs"),
      devTools: false,
    });
    expect(system.children.map(({ entry, options }) => [entry, options])).toEqual([
      [path.join(root, "dist", "electron", "engine-entry.js"), { serviceName: "Verger engine" }],
    ]);
    expect(system.session.permissionCheck?.({}, "media", "verger://app/", { isMainFrame: true })).toBe(false);
    expect(system.session.scheme?.name).toBe("verger");
    const event = new Refusable("https://evil.example/");
    window.webContents.emit("will-navigate", event);
    expect(event.defaultPrevented).toBe(true);
    expect(window.webContents.windowOpen?.({ url: HELP_LINKS.licence })).toEqual({ action: "deny" });
    expect(system.opened).toEqual([HELP_LINKS.licence]);
  });

  it("of a checkout has developer tools", async () => {
    system.app.isPackaged = false;
    expect((await open()).window.options.webPreferences).toMatchObject({ devTools: true });
  });
});

describe("a page that listens", () => {
  it("is greeted, and told of events; a page that is loaded again as well", async () => {
    const { window, child } = await open();
    const greeting = [
      { type: "link", online: true },
      { type: "event", event: HELLO },
    ];
    expect(window.webContents.sent).toEqual(greeting);
    child.say({ type: "event", event: { type: "runs" } });
    system.ipcMain.tell(window.webContents, IPC.listen);
    expect(window.webContents.sent.slice(2)).toEqual([{ type: "event", event: { type: "runs" } }, ...greeting]);
  });

  it("learns that the engine has crashed and is back", async () => {
    const { window, child } = await open();
    child.emit("exit", 139);
    expect(window.webContents.sent.at(-1)).toEqual({ type: "link", online: false });
    system.ipcMain.tell(window.webContents, IPC.retry);
    system.children[1]?.child.say({ type: "ready", hello: { ...HELLO, instance: "i2" } });
    expect(window.webContents.sent.slice(-2)).toEqual([
      { type: "link", online: true },
      { type: "event", event: { ...HELLO, instance: "i2" } },
    ]);
  });

  it("whose process died is loaded again, but not for ever", async () => {
    const { window } = await open();
    const die = (reason: string) => window.webContents.emit("render-process-gone", {}, { reason });
    die("clean-exit");
    expect(window.webContents.reloads).toBe(0);
    die("crashed");
    expect(window.webContents.reloads).toBe(1);
    die("oom");
    expect(window.webContents.reloads).toBe(1);
    expect(system.said.errors).toEqual([[WORDS.en.pageGoneTitle, WORDS.en.pageGoneDetail]]);
  });
});

describe("folders", () => {
  it("of the command line are opened by the first page, once", async () => {
    const { window } = await open(["/runs/a", "/runs/b"]);
    const openings = () => window.webContents.sent.filter(({ type }) => type === "open");
    expect(openings()).toEqual([
      { type: "open", path: path.resolve("/runs/a") },
      { type: "open", path: path.resolve("/runs/b") },
    ]);
    system.ipcMain.tell(window.webContents, IPC.listen);
    expect(openings()).toHaveLength(2);
  });

  it("of a second start are opened here, and the window comes to the front", async () => {
    const { window } = await open();
    window.minimised = true;
    system.app.emit("second-instance", {}, ["--strange"], "/", { paths: ["/runs/c", 5] });
    await settle();
    expect(window.webContents.sent.at(-1)).toEqual({ type: "open", path: "/runs/c" });
    expect(window.minimised).toBe(false);
    expect(window.focused).toBeGreaterThan(0);
    for (const data of [undefined, null, {}, { paths: "x" }]) {
      system.app.emit("second-instance", {}, [], "/", data);
      await settle();
    }
    expect(window.webContents.sent.filter(({ type }) => type === "open")).toHaveLength(1);
  });

  it("of macOS may come before the app is ready", async () => {
    startApp(system.electron, { argv: ["/opt/verger"], versions: { electron: "45" } }, "darwin");
    const event = new Refusable();
    system.app.emit("open-file", event, "/runs/d");
    expect(event.defaultPrevented).toBe(true);
    system.app.ready();
    const window = await pageOf(0);
    expect(window.webContents.sent.at(-1)).toEqual({ type: "open", path: "/runs/d" });
  });

  it("are chosen by the system's dialog", async () => {
    const { window } = await open();
    menuItem(WORDS.en.openRun)?.click?.();
    await settle();
    expect(window.webContents.sent.some(({ type }) => type === "open")).toBe(false);
    system.answers.folder = "/runs/e";
    menuItem(WORDS.en.openRun)?.click?.();
    await settle();
    expect(window.webContents.sent.at(-1)).toEqual({ type: "open", path: "/runs/e" });
    expect(await system.ipcMain.invoke(window.webContents, IPC.chooseFolder, { title: "T" })).toBe("/runs/e");
  });
});

describe("menus", () => {
  it("follow the recent runs, and so do the system's recent documents", async () => {
    answers["runs.recent"] = { runs: [{ name: "first", path: "/runs/first" }] };
    const { window, child } = await open();
    expect(menuItem(WORDS.en.openRecent)).toMatchObject({ submenu: [{ label: "first" }] });
    answers["runs.recent"] = {
      runs: [
        { name: "second", path: "/runs/second" },
        { name: "first", path: "/runs/first" },
      ],
    };
    child.say({ type: "event", event: { type: "runs" } });
    child.say({ type: "event", event: { type: "runs" } });
    await settle();
    expect(system.app.recent).toEqual(["/runs/first", "/runs/second"]);
    const recent = menuItem(WORDS.en.openRecent) as { submenu?: { label: string; click(): void }[] } | undefined;
    expect(recent?.submenu?.map(({ label }) => label)).toEqual(["second", "first"]);
    recent?.submenu?.[1]?.click();
    expect(window.webContents.sent.at(-1)).toEqual({ type: "open", path: "/runs/first" });
  });

  it("and native dialogs speak and look as the settings say", async () => {
    system.app.languages = ["fr-CA", "en-US"];
    const { child } = await open();
    expect(system.nativeTheme.themeSource).toBe("dark");
    expect(menuItem(WORDS.fr.newRun)).toBeDefined();
    const settings = { theme: "light", language: "en", thumbnailBytes: 2 ** 30 } as const;
    child.say({ type: "event", event: { type: "settings", settings } });
    expect(menuItem(WORDS.fr.newRun)).toBeUndefined();
    expect(menuItem(WORDS.en.newRun)).toBeDefined();
    expect(system.nativeTheme.themeSource).toBe("light");
  });

  it("of the right mouse button are for text alone", async () => {
    const { window } = await open();
    const can = { canCut: true, canCopy: true, canPaste: false, canSelectAll: true };
    const click = (isEditable: boolean, selectionText: string) =>
      window.webContents.emit("context-menu", {}, { isEditable, selectionText, editFlags: can });
    click(false, "");
    click(false, " ");
    expect(system.popups).toEqual([]);
    click(false, "apple");
    click(true, "");
    const { copy, cut, paste, selectAll } = WORDS.en;
    expect(system.popups.map((items) => items.flatMap(({ label }) => label ?? []))).toEqual([
      [copy],
      [cut, copy, paste, selectAll],
    ]);
    expect(system.popups[1]).toContainEqual({ label: paste, role: "paste", enabled: false });
  });

  it("lead to views", async () => {
    const { window } = await open();
    menuItem(WORDS.en.jobs)?.click?.();
    await settle();
    expect(window.webContents.sent.at(-1)).toEqual({ type: "go", view: "jobs" });
    menuItem(WORDS.en.redo)?.click?.();
    expect(window.webContents.sent.at(-1)).toEqual({ type: "edit", edit: "redo" });
    menuItem(WORDS.en.licence)?.click?.();
    expect(system.opened).toEqual([HELP_LINKS.licence]);
  });
});

describe("while a job is under way", () => {
  it("the machine stays awake, and the taskbar shows how far it is", async () => {
    answers["jobs.list"] = { jobs: [] };
    const { window, child } = await open();
    expect([system.blocked.size, system.app.badge, window.progress]).toEqual([0, 0, -1]);
    child.say({ type: "event", event: job("running") });
    expect([system.blocked.size, system.app.badge, window.progress]).toEqual([1, 1, 0.25]);
    child.say({ type: "event", event: job("done") });
    expect([system.blocked.size, system.app.badge, window.progress]).toEqual([0, 0, -1]);
  });

  it("closing the window asks, and keeps it when the person says so", async () => {
    const { window, child } = await open();
    child.say({ type: "event", event: job("running") });
    expect(window.close()).toBe(false);
    await settle();
    expect(system.said.asked).toEqual([
      expect.objectContaining({ message: WORDS.en.quitTitle, defaultId: 1, cancelId: 1 }),
    ]);
    expect(child.received.some(({ type }) => type === "close")).toBe(false);
    expect(system.app.exits).toEqual([]);
  });

  it("quitting after a yes saves the job, ends the engine, then the app", async () => {
    const { window, child } = await open();
    child.say({ type: "event", event: job("running") });
    system.answers.button = 0;
    window.close();
    await settle();
    expect(child.received.at(-1)).toEqual({ type: "close" });
    expect(child.kills).toBe(1);
    expect(system.app.exits).toEqual([0]);
    expect(window.close()).toBe(true);
  });

  it.each([
    ["the machine", () => system.powerMonitor],
    ["the session on Windows", () => system.windows[0]],
  ] as const)("the end of %s saves the job without a question", async (_what, source) => {
    const { child } = await open();
    child.say({ type: "event", event: job("running") });
    const event = new Refusable();
    source()?.emit(_what === "the machine" ? "shutdown" : "query-session-end", event);
    await settle();
    expect(event.defaultPrevented).toBe(true);
    expect(system.said.asked).toEqual([]);
    expect(system.app.exits).toEqual([0]);
  });

  it("its icon tells how far it is, pauses and resumes it, and goes with it", async () => {
    const { child } = await open();
    expect(system.trays).toEqual([]);
    child.say({ type: "event", event: job("running") });
    const tray = system.trays[0] as FakeTray;
    expect(tray.tooltip).toBe("orchard · 25%");
    const choose = async (label: string): Promise<void> => {
      const item = tray.items.find((entry) => entry.label === label);
      if (!item?.click) throw new Error(`The menu has no ${label}.`);
      item.click();
      await settle();
    };
    answers["jobs.pause"] = {};
    await choose("Pause “orchard”");
    expect(child.received.at(-1)).toMatchObject({ type: "call", channel: "jobs.pause", request: { job: "j" } });
    child.say({ type: "event", event: job("stopping") });
    child.say({ type: "event", event: job("paused") });
    expect(tray.tooltip).toBe("orchard · 25% · paused");
    expect(system.blocked.size).toBe(0);
    answers["jobs.resume"] = {};
    await choose("Resume “orchard”");
    expect(child.received.at(-1)).toMatchObject({ type: "call", channel: "jobs.resume", request: { job: "j" } });
    child.say({ type: "event", event: job("running") });
    child.say({ type: "event", event: { type: "settings", settings: french } });
    expect(tray.items.map(({ label }) => label)).toEqual([
      "Mettre en pause «\u00a0orchard\u00a0»",
      WORDS.fr.showWindow,
      WORDS.fr.quit,
    ]);
    child.say({ type: "event", event: job("done") });
    expect(tray.destroyed).toBe(true);
    expect(system.app.quits).toBe(0);
  });

  it("says why its icon's menu did nothing", async () => {
    const { child } = await open();
    child.say({ type: "event", event: job("running") });
    child.removeAllListeners("received");
    const problem = { code: "job/state", message: "Expected a job that is running." };
    child.on("received", (message) => {
      if (message.type === "call") child.say({ type: "failed", id: message.id, problem });
    });
    system.trays[0]?.items[0]?.click?.();
    await settle();
    expect(system.said.errors).toEqual([[WORDS.en.jobUnchanged, problem.message]]);
  });

  it("pausing it in the window takes its icon away", async () => {
    const { child } = await open();
    child.say({ type: "event", event: job("running") });
    child.say({ type: "event", event: job("paused") });
    expect(system.trays[0]?.destroyed).toBe(true);
  });

  it("quitting by its icon asks, too, and takes the icon along", async () => {
    const { window, child } = await open();
    child.say({ type: "event", event: job("running") });
    const quit = system.trays[0]?.items.at(-1);
    quit?.click?.();
    await settle();
    expect(system.said.asked).toEqual([
      expect.objectContaining({ detail: WORDS.en.quitDetail, buttons: [WORDS.en.quitNow, WORDS.en.quitKeep] }),
    ]);
    expect([window.destroyed, system.app.exits]).toEqual([false, []]);
    system.answers.button = 0;
    quit?.click?.();
    await settle();
    expect(system.trays[0]?.destroyed).toBe(true);
    expect(system.app.exits).toEqual([0]);
  });

  it("a new engine's own list counts", async () => {
    const { child } = await open();
    child.say({ type: "event", event: job("running") });
    child.emit("exit", 1);
    system.ipcMain.tell(system.windows[0]?.webContents as never, IPC.retry);
    const next = system.children[1]?.child as FakeChild;
    next.on("received", (message) => {
      if (message.type === "call") {
        next.say({ type: "answer", id: message.id, frame: encodeFrame(answers[message.channel]) });
      }
    });
    next.say({ type: "ready", hello: { ...HELLO, instance: "i2" } });
    await settle();
    expect(system.blocked.size).toBe(0);
  });
});

describe("a job whose window was closed", () => {
  const close = async (): Promise<Open> => {
    const opened = await open();
    opened.child.say({ type: "event", event: job("running") });
    system.answers.button = 2;
    expect(opened.window.close()).toBe(false);
    await settle();
    expect(system.said.asked).toEqual([
      expect.objectContaining({
        detail: WORDS.en.closeDetail,
        buttons: [WORDS.en.quitNow, WORDS.en.quitKeep, WORDS.en.closeOnly],
      }),
    ]);
    expect(opened.window.destroyed).toBe(true);
    system.app.emit("window-all-closed");
    await settle();
    expect(system.app.exits).toEqual([]);
    return opened;
  };

  it("goes on, and takes the app along at its end", async () => {
    const { child } = await close();
    expect(child.received.some(({ type }) => type === "close")).toBe(false);
    expect(system.trays[0]?.tooltip).toBe("orchard · 25%");
    child.say({ type: "event", event: job("done") });
    await settle();
    expect(child.received.at(-1)).toEqual({ type: "close" });
    expect(system.app.exits).toEqual([0]);
  });

  it.each([
    ["its icon's menu", () => system.trays[0]?.items.find(({ label }) => label === WORDS.en.showWindow)?.click?.()],
    ["a click on its icon", () => system.trays[0]?.emit("click")],
    ["another start", () => system.app.emit("second-instance", {}, [], "/", { paths: [] })],
  ])("is seen again by %s", async (_what, act) => {
    const { child } = await close();
    act();
    const again = await pageOf(1);
    expect(again.progress).toBe(0.25);
    child.say({ type: "event", event: job("done") });
    await settle();
    expect([again.destroyed, system.app.exits]).toEqual([false, []]);
  });

  it("keeps the app while it is paused by its icon", async () => {
    const { child } = await close();
    answers["jobs.pause"] = {};
    system.trays[0]?.items[0]?.click?.();
    await settle();
    child.say({ type: "event", event: job("paused") });
    await settle();
    expect([system.trays[0]?.destroyed, system.app.exits]).toEqual([false, []]);
    child.say({ type: "event", event: { type: "job.removed", job: "j" } });
    await settle();
    expect(system.app.exits).toEqual([0]);
  });

  it("that ends while people are asked whether to quit lets the app end whatever they say", async () => {
    const { child } = await close();
    let answer: (value: { response: number }) => void = () => {};
    system.electron.dialog.showMessageBox = (() =>
      new Promise((resolve) => {
        answer = resolve;
      })) as never;
    system.trays[0]?.items.at(-1)?.click?.();
    child.say({ type: "event", event: job("done") });
    await settle();
    expect(system.app.exits).toEqual([]);
    answer({ response: 1 });
    await settle();
    expect(system.app.exits).toEqual([0]);
  });

  it("whose engine crashes is over: it can be resumed at the next start", async () => {
    const { child } = await close();
    child.emit("exit", 139);
    await expect.poll(() => system.children).toHaveLength(2);
    const next = system.children[1]?.child as FakeChild;
    next.on("received", (message) => {
      if (message.type === "call")
        next.say({ type: "answer", id: message.id, frame: encodeFrame(answers[message.channel]) });
      else if (message.type === "close") next.say({ type: "closed" });
    });
    next.say({ type: "ready", hello: { ...HELLO, instance: "i2" } });
    await settle();
    expect(system.app.exits).toEqual([0]);
  });
});

describe("windows", () => {
  it("are one, whoever asks for it meanwhile", async () => {
    startApp(system.electron, { argv: ["/opt/verger"], versions: { electron: "45" } }, "linux");
    system.app.ready();
    await Promise.resolve();
    system.app.emit("second-instance", {}, [], "/", { paths: [] });
    system.app.emit("second-instance", {}, [], "/", { paths: [] });
    await settle();
    expect(system.windows).toHaveLength(1);
  });

  it("quit without a question when no job is under way", async () => {
    const { window } = await open();
    expect(window.close()).toBe(false);
    await settle();
    expect(system.said.asked).toEqual([]);
    expect(system.app.exits).toEqual([0]);
  });

  it("on macOS close alone, and come back", async () => {
    const { window, child } = await open([], "darwin");
    child.say({ type: "event", event: job("running") });
    expect(window.close()).toBe(true);
    system.app.emit("window-all-closed");
    expect(system.app.quits).toBe(0);
    child.say({ type: "event", event: { type: "runs" } });
    system.app.emit("activate");
    const again = await pageOf(1);
    expect(again.webContents.sent[0]).toEqual({ type: "link", online: true });
    expect(again.progress).toBe(0.25);
  });

  it("open where they were", async () => {
    const bounds = { x: 100, y: 120, width: 1100, height: 800 };
    const { window } = await open();
    window.bounds = bounds;
    window.maximised = true;
    window.close();
    await settle();
    const first = system;
    system = electronStandIn();
    const { window: next } = await open();
    expect(first.windows[0]?.options).toMatchObject({ x: 240, width: 1440, height: 900, show: false });
    expect(next.options).toMatchObject(bounds);
    expect(next.maximised).toBe(true);
    expect(next.shown).toBe(true);
  });
});

describe("what only the system can do", () => {
  it.each([
    ["a picture", { file: "/photos/apple.JPG", format: "jpeg" }, ["/photos/apple.JPG"], []],
    ["a picture that is called a program", { file: "/photos/apple.desktop", format: "jpeg" }, [], []],
  ] as const)("opens %s as it should", async (_what, picture, files, errors) => {
    const { window, child } = await open();
    child.on("received", (message) => {
      if (message.type === "image") child.say({ type: "picture", id: message.id, picture });
    });
    window.webContents.windowOpen?.({ url: "verger://app/images/0123456789abcdef/ab12/7/full" });
    await settle();
    expect(system.openedFiles).toEqual(files);
    expect(system.said.errors).toEqual(errors);
  });

  it("says why a photo was not opened", async () => {
    const { window, child } = await open();
    const problem = { code: "photo/missing", message: "Expected a photo, but it is gone." };
    let gone = true;
    child.on("received", (message) => {
      if (message.type !== "image") return;
      if (gone) child.say({ type: "failed", id: message.id, problem });
      else child.say({ type: "picture", id: message.id, picture: { file: "/a.png", format: "png" } });
    });
    const click = () => window.webContents.windowOpen?.({ url: "verger://app/images/0123456789abcdef/ab12/7/full" });
    click();
    await settle();
    gone = false;
    system.answers.openFailure = "no viewer";
    click();
    await settle();
    expect(system.said.errors).toEqual([
      [WORDS.en.cannotOpen, problem.message],
      [WORDS.en.cannotOpen, "no viewer"],
    ]);
  });

  it("is done for the engine", async () => {
    const { child } = await open();
    child.say({ type: "wish", id: 1, wish: "trash", folder: "/runs/old" });
    child.say({ type: "wish", id: 2, wish: "reveal", folder: "/runs/new" });
    await settle();
    expect(system.trashed).toEqual(["/runs/old"]);
    expect(system.revealed).toEqual(["/runs/new"]);
    expect(child.received.slice(-2)).toEqual([
      { type: "done", id: 1, problem: null },
      { type: "done", id: 2, problem: null },
    ]);
  });
});
