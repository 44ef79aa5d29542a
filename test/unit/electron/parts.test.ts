import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Job } from "../../../src-main/api/channels.js";
import { ActiveJobs, JobSigns } from "../../../src-main/electron/job-signs.js";
import { type MenuActions, type MenuState, menuTemplate } from "../../../src-main/electron/menu.js";
import { Quit, type Wanted } from "../../../src-main/electron/quit.js";
import { fitBounds, readWindowState, writeWindowState } from "../../../src-main/electron/window-state.js";
import { WORDS } from "../../../src-main/electron/words.js";
import { Refusable, settle } from "../../support/electron-stand-in.js";

const job = (id: string, state: Job["state"], progress: { done: number; total: number } | null = null): Job =>
  ({
    id,
    state,
    progress: progress && { ...progress, stage: "embed", unit: "images", setAside: 0, rate: null, secondsLeft: null },
  }) as Job;

describe("the window's place", () => {
  const laptop = { x: 0, y: 0, width: 1440, height: 900 };
  const left = { x: -1920, y: 0, width: 1920, height: 1080 };
  const saved = (x: number, y: number, width = 1000, height = 700) => ({ x, y, width, height });

  it("is the middle of the first display at first", () => {
    expect(fitBounds(undefined, [{ x: 0, y: 30, width: 1920, height: 1050 }])).toEqual({
      x: 240,
      y: 105,
      width: 1440,
      height: 900,
    });
    expect(fitBounds(undefined, [{ x: 0, y: 0, width: 1024, height: 700 }])).toEqual({
      x: 0,
      y: 0,
      width: 1024,
      height: 700,
    });
  });

  it("is the old one while its title bar can be reached", () => {
    expect(fitBounds(saved(-1800, 50), [laptop, left])).toEqual(saved(-1800, 50));
    expect(fitBounds(saved(1300, 800), [laptop])).toEqual(saved(1300, 800));
    expect(fitBounds(saved(-850, 0), [laptop])).toEqual(saved(-850, 0));
  });

  it.each([
    ["the display is gone", saved(-1800, 50)],
    ["too little is seen at the side", saved(1400, 50)],
    ["the title bar is above", saved(100, -20)],
    ["the title bar is below", saved(100, 880)],
  ])("is the middle again when %s", (_why, bounds) => {
    expect(fitBounds(bounds, [laptop])).toEqual({ x: 220, y: 100, width: 1000, height: 700 });
  });

  it("is never larger than its display", () => {
    expect(fitBounds(saved(0, 0, 4000, 3000), [laptop])).toEqual({ x: 0, y: 0, width: 1440, height: 900 });
  });
});

describe("the file of the window's place", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "verger-place-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const state = { bounds: { x: 1, y: 2, width: 300, height: 400 }, maximised: true, fullScreen: false };

  it("is read as it was written, and leaves nothing beside it", async () => {
    const file = path.join(folder, "new", "window.json");
    writeWindowState(file, state);
    expect(readWindowState(file)).toEqual(state);
    expect(readdirSync(path.dirname(file))).toEqual(["window.json"]);
  });

  it.each(["", "{", "null", '{"bounds":{"x":0,"y":0,"width":-5,"height":1},"maximised":true,"fullScreen":false}'])(
    "counts for nothing when it is damaged: %j",
    async (text) => {
      const file = path.join(folder, "window.json");
      writeFileSync(file, text);
      expect(readWindowState(file)).toBeUndefined();
    },
  );

  it("that cannot be written is no failure", async () => {
    writeFileSync(path.join(folder, "file"), "");
    writeWindowState(path.join(folder, "file", "window.json"), state);
    expect(readWindowState(path.join(folder, "file", "window.json"))).toBeUndefined();
  });
});

describe("jobs", () => {
  it("count while they wait, run or stop", () => {
    const jobs = new ActiveJobs();
    jobs.replace([job("a", "done"), job("b", "queued"), job("c", "running"), job("d", "paused"), job("e", "stopping")]);
    expect(jobs.count).toBe(3);
    expect(jobs.take({ type: "job", job: job("c", "failed") })).toBe(true);
    expect(jobs.take({ type: "job.removed", job: "b" })).toBe(true);
    expect(jobs.take({ type: "runs" })).toBe(false);
    expect(jobs.count).toBe(1);
    jobs.replace([]);
    expect(jobs.count).toBe(0);
  });

  it("are listed by urgency, and those held also while they are paused", () => {
    const jobs = new ActiveJobs();
    jobs.replace([job("a", "queued"), job("b", "paused"), job("c", "running"), job("d", "running")]);
    const listed = () => jobs.list.map(({ id }) => id);
    expect(listed()).toEqual(["c", "d", "a"]);
    jobs.hold("c");
    for (const [id, state] of [
      ["c", "stopping"],
      ["c", "paused"],
      ["d", "paused"],
    ] as const) {
      jobs.take({ type: "job", job: job(id, state) });
    }
    expect(listed()).toEqual(["a", "c"]);
    expect(jobs.count).toBe(1);
    jobs.replace([job("c", "paused"), job("d", "paused")]);
    expect(listed()).toEqual(["c"]);
    jobs.take({ type: "job", job: job("c", "cancelled") });
    jobs.take({ type: "job", job: job("c", "paused") });
    expect(listed()).toEqual([]);
  });

  it.each([
    ["no job", [], -1],
    ["one that waits", [job("a", "queued")], 2],
    ["one at its start", [job("a", "running")], 2],
    ["one whose end is unknown", [job("a", "running", { done: 5, total: 0 })], 2],
    [
      "one at a quarter, with one that waits before it",
      [job("a", "queued"), job("b", "running", { done: 1, total: 4 })],
      0.25,
    ],
    ["one beyond its end", [job("a", "running", { done: 5, total: 4 })], 1],
  ])("show as progress %s", (_what, list, progress) => {
    const jobs = new ActiveJobs();
    jobs.replace(list);
    expect(jobs.progress).toBe(progress);
  });

  it("of the same urgency keep their order while they go on: a menu of them stays as it is", () => {
    const jobs = new ActiveJobs();
    jobs.replace([job("a", "running"), job("b", "running")]);
    jobs.take({ type: "job", job: job("a", "running", { done: 1, total: 4 }) });
    expect(jobs.list.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("keep the machine awake from the first to the last", () => {
    const log: string[] = [];
    let window: { setProgressBar(value: number): void } | undefined;
    const signs = new JobSigns(
      {
        start: (kind) => {
          log.push(`start ${kind}`);
          return 7;
        },
        stop: (id) => log.push(`stop ${id}`) > 0,
      },
      { setBadgeCount: (count) => log.push(`badge ${count}`) > 0 },
      () => window,
    );
    signs.show({ count: 0, progress: -1 });
    signs.show({ count: 1, progress: 2 });
    window = { setProgressBar: (value) => log.push(`progress ${value}`) };
    signs.show({ count: 2, progress: 0.5 });
    signs.show({ count: 0, progress: -1 });
    signs.show({ count: 1, progress: 2 });
    expect(log).toEqual([
      "badge 0",
      "start prevent-app-suspension",
      "badge 1",
      "badge 2",
      "progress 0.5",
      "stop 7",
      "badge 0",
      "progress -1",
      "start prevent-app-suspension",
      "badge 1",
      "progress 2",
    ]);
  });
});

describe("quitting", () => {
  const start = (jobs: number, answer: () => Promise<Wanted> = async () => "quit") => {
    const log: string[] = [];
    const quit = new Quit({
      jobs: () => jobs,
      ask: (closing) => {
        log.push(closing ? "ask for the window" : "ask");
        return answer();
      },
      stay: (wanted) => log.push(wanted),
      close: async () => void log.push("close"),
      exit: () => log.push("exit"),
    });
    const request = (): boolean => {
      const event = new Refusable();
      quit.request(event);
      return event.defaultPrevented;
    };
    const closeWindow = (): boolean => {
      const event = new Refusable();
      quit.requestByWindow(event);
      return event.defaultPrevented;
    };
    return { quit, log, request, closeWindow };
  };

  it("saves first, and asks nobody while no job is under way", async () => {
    const { log, request } = start(0);
    expect(request()).toBe(true);
    await settle();
    expect(log).toEqual(["close", "exit"]);
  });

  it("asks once while a job is under way", async () => {
    const { log, request } = start(1);
    request();
    request();
    await settle();
    expect(log).toEqual(["ask", "close", "exit"]);
  });

  it("is off when the person says so, and can be asked for again", async () => {
    let answer: Wanted = "stay";
    const { quit, log, request } = start(1, async () => answer);
    request();
    await settle();
    expect(log).toEqual(["ask", "stay"]);
    expect(quit.closing).toBe(false);
    answer = "quit";
    request();
    await settle();
    expect(log).toEqual(["ask", "stay", "ask", "close", "exit"]);
  });

  it("is off when nobody could be asked", async () => {
    const { log, request } = start(1, () => Promise.reject(new Error("no window")));
    request();
    await settle();
    expect(log).toEqual(["ask", "stay"]);
  });

  it("by the window lets the job go on without it, or ends all as elsewhere", async () => {
    let answer: Wanted = "background";
    const { quit, log, closeWindow } = start(1, async () => answer);
    // Also while it is asked: the window has to stand.
    expect([closeWindow(), closeWindow()]).toEqual([true, true]);
    await settle();
    expect(log).toEqual(["ask for the window", "background"]);
    expect(quit.closing).toBe(false);
    answer = "quit";
    expect(closeWindow()).toBe(true);
    await settle();
    expect(log.slice(2)).toEqual(["ask for the window", "close", "exit"]);
    expect(closeWindow()).toBe(false);
  });

  it("with the system asks nobody, and saves once", async () => {
    let answer: (wanted: Wanted) => void = () => {};
    const { quit, log, request } = start(
      1,
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    request();
    await quit.now();
    answer("quit");
    await settle();
    expect(log).toEqual(["ask", "close", "exit"]);
  });

  it("ends the app also when the engine cannot be closed", async () => {
    const log: string[] = [];
    const quit = new Quit({
      jobs: () => 0,
      ask: async () => "quit",
      stay: () => {},
      close: () => Promise.reject(new Error("broken")),
      exit: () => log.push("exit"),
    });
    await expect(quit.now()).rejects.toThrow("broken");
    expect(log).toEqual(["exit"]);
  });
});

describe("the menu", () => {
  const log: string[] = [];
  const actions: MenuActions = {
    show: (view) => log.push(`show ${view}`),
    edit: (edit) => log.push(edit),
    chooseRun: () => log.push("choose"),
    open: (folder) => log.push(`open ${folder}`),
    showLicence: () => log.push("licence"),
    checkForUpdates: () => log.push("updates"),
  };
  const draw = (state: Partial<MenuState> = {}) =>
    menuTemplate({ words: WORDS.en, recent: [], platform: "linux", packaged: true, updates: true, ...state }, actions);
  type Items = ReturnType<typeof draw>;
  const flat = (items: Items): Items =>
    items.flatMap((item) => [item, ...(Array.isArray(item.submenu) ? flat(item.submenu) : [])]);

  it.each(["linux", "win32", "darwin"] as const)("on %s names everything in both languages", (platform) => {
    for (const words of Object.values(WORDS)) {
      const items = flat(draw({ words, platform, packaged: false })).filter(({ type }) => type !== "separator");
      const known = new Set<string | undefined>([...Object.values(words), "Verger"]);
      expect(items.filter(({ label }) => !known.has(label))).toEqual([]);
    }
  });

  it("says in French what it says in English", () => {
    expect(Object.keys(WORDS.fr)).toEqual(Object.keys(WORDS.en));
    const same = Object.entries(WORDS.fr).filter(([key, text]) => WORDS.en[key as keyof typeof WORDS.en] === text);
    // As French typography wants it: spaces that do not break, a real apostrophe.
    for (const text of Object.values(WORDS.fr)) expect(text).not.toMatch(/ [;:?!»]|« |\w[;?!]|'/);
    // Spelt alike in both.
    expect(same.map(([key]) => key)).toEqual(["licence", "services", "ok"]);
  });

  it("looks for updates only where the package says where", () => {
    const labels = (updates: boolean) => flat(draw({ updates })).map(({ label }) => label);
    expect(labels(true)).toContain(WORDS.en.checkForUpdates);
    expect(labels(false)).not.toContain(WORDS.en.checkForUpdates);
  });

  it("leads to views, runs and the licence", () => {
    log.length = 0;
    const recent = Array.from({ length: 12 }, (_, index) => ({ name: `run & ${index}`, path: `/runs/${index}` }));
    for (const item of flat(draw({ recent }))) (item.click as (() => void) | undefined)?.();
    expect(log).toEqual([
      "show new",
      "choose",
      ...recent.slice(0, 10).map(({ path: folder }) => `open ${folder}`),
      "undo",
      "redo",
      "show settings",
      "show runs",
      "show jobs",
      "licence",
      "updates",
    ]);
    expect(flat(draw({ recent })).some(({ label }) => label === "run && 0")).toBe(true);
  });

  it("says when there are no recent runs", () => {
    expect(flat(draw()).find(({ label }) => label === WORDS.en.noRecent)?.enabled).toBe(false);
  });

  it("of a packaged app has no developer tools", () => {
    const roles = (packaged: boolean) => flat(draw({ packaged })).map(({ role }) => role);
    expect(roles(true)).not.toContain("toggleDevTools");
    expect(roles(true)).not.toContain("reload");
    expect(roles(false)).toContain("toggleDevTools");
  });

  it("has quit and settings where each system has them", () => {
    const menusWith = (platform: NodeJS.Platform, label: string) =>
      draw({ platform })
        .filter(({ submenu }) => Array.isArray(submenu) && submenu.some((item) => item.label === label))
        .map((menu) => menu.label);
    expect(menusWith("darwin", WORDS.en.quit)).toEqual(["Verger"]);
    expect(menusWith("linux", WORDS.en.quit)).toEqual(["File"]);
    expect(menusWith("win32", WORDS.en.settings)).toEqual(["Edit"]);
  });

  it("uses no key twice", () => {
    const keys = flat(draw()).flatMap(({ accelerator }) => accelerator ?? []);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
