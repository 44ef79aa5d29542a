import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Job } from "../../../src-main/api/channels.js";
import {
  JobTray,
  type TrayActions,
  type TrayParts,
  trayIcon,
  trayMenu,
  trayText,
} from "../../../src-main/electron/tray.js";
import { WORDS } from "../../../src-main/electron/words.js";
import { electronStandIn } from "../../support/electron-stand-in.js";

function job(out: string, state: Job["state"], done: number | null = null, secondsLeft: number | null = null): Job {
  const progress = done === null ? null : { done, total: 1000, secondsLeft };
  return { id: out, out, state, progress } as unknown as Job;
}

const silent: TrayActions = { pause: () => {}, resume: () => {}, showWindow: () => {}, quit: () => {} };

describe("the text of the icon", () => {
  it.each([
    ["en", "orchard · 43% · about 2 mins left"],
    ["fr", "orchard · 43 % · reste environ 2 min"],
  ] as const)("says in %s how far a job is", (language, text) => {
    // Intl writes spaces that do not break.
    expect(trayText([job("/runs/orchard", "running", 437, 118)], language).replace(/[\u00a0\u202f]/g, " ")).toBe(text);
  });

  it.each([
    ["at its start", job("/runs/a", "running"), "a"],
    ["that is soon done", job("/runs/a", "running", 980, 3.2), "a · 98% · about 5 secs left"],
    ["without a rate", job("/runs/a", "running", 290), "a · 29%"],
    ["that waits", job("/runs/a", "queued"), "a · waiting"],
    ["that stops", job("/runs/a", "stopping", 500, 10), "a · stopping"],
    ["that is paused", job("/runs/a", "paused", 999), "a · 99% · paused"],
    ["in a bucket", job("s3://orchard/runs/first", "running", 0), "first · 0%"],
  ])("of a job %s", (_what, of, text) => {
    expect(trayText([of], "en")).toBe(text);
  });

  it("has a line a job, and no more than Windows shows", () => {
    expect(trayText([job("/a", "running", 10), job("/b", "queued")], "en")).toBe("a · 1%\nb · waiting");
    const long = Array.from({ length: 6 }, (_, i) => job(`/${"long ".repeat(20)}${i}`, "running", 10, 60));
    expect(trayText(long, "en").length).toBeLessThanOrEqual(127);
    expect(trayText(long, "en")).toMatch(/^long .{20,30}… · 1%/);
  });
});

describe("the menu of the icon", () => {
  it("pauses and resumes each job, shows the window and quits", () => {
    const log: string[] = [];
    const jobs = [job("/runs/a & $&", "running", 1), job("/b", "stopping"), job("/c", "queued"), job("/d", "paused")];
    const menu = trayMenu(jobs, WORDS.en, {
      pause: (id) => log.push(`pause ${id}`),
      resume: (id) => log.push(`resume ${id}`),
      showWindow: () => log.push("show"),
      quit: () => log.push("quit"),
    });
    expect(menu.map(({ label }) => label)).toEqual([
      "Pause “a && $&&”",
      "Resume “d”",
      undefined,
      WORDS.en.showWindow,
      undefined,
      WORDS.en.quit,
    ]);
    for (const item of menu) (item.click as (() => void) | undefined)?.();
    expect(log).toEqual(["pause /runs/a & $&", "resume /d", "show", "quit"]);
  });
});

describe("the icon", () => {
  const start = (platform: NodeJS.Platform, actions: Partial<TrayActions> = {}) => {
    const { electron, trays } = electronStandIn();
    const { Tray, nativeImage, Menu } = electron;
    const parts: TrayParts = { Tray, nativeImage, Menu, platform };
    return { tray: new JobTray(parts, { ...silent, ...actions }), trays };
  };

  it.each(["win32", "darwin", "linux"] as const)("has its files on %s, also for dense screens", (platform) => {
    const file = trayIcon(platform);
    for (const name of [file, file.replace(".png", "@2x.png")]) expect(existsSync(name), name).toBe(true);
    // The name by which macOS knows a picture that it may colour.
    expect(/Template\.png$/.test(file)).toBe(platform === "darwin");
  });

  it("is there from the first job to the last, and again for the next", () => {
    const { tray, trays } = start("linux");
    tray.show([], "en");
    expect(trays).toEqual([]);
    tray.show([job("/a", "running", 10)], "en");
    tray.show([job("/a", "running", 20)], "en");
    expect(trays.map(({ tooltip, destroyed }) => [tooltip, destroyed])).toEqual([["a · 2%", false]]);
    tray.show([], "en");
    tray.close();
    expect(trays[0]?.destroyed).toBe(true);
    tray.show([job("/a", "running", 20)], "en");
    expect(trays[1]).toMatchObject({ tooltip: "a · 2%", destroyed: false });
    expect(trays[1]?.menus).toHaveLength(1);
  });

  it("keeps an open menu while only counts change", () => {
    const { tray, trays } = start("win32");
    for (let done = 0; done < 1000; done += 100) tray.show([job("/a", "running", done, 60)], "en");
    expect(trays[0]?.menus).toHaveLength(1);
    tray.show([job("/b", "running", 0)], "en");
    tray.show([job("/b", "paused", 0)], "en");
    tray.show([job("/b", "paused", 0)], "fr");
    expect(trays[0]?.menus).toHaveLength(4);
    expect(trays[0]?.items[0]?.label).toBe("Reprendre «\u00a0b\u00a0»");
  });

  it("shows the window at a click, on macOS its menu and a number beside it", () => {
    const log: string[] = [];
    for (const platform of ["win32", "linux", "darwin"] as const) {
      const { tray, trays } = start(platform, { showWindow: () => log.push(platform) });
      tray.show([job("/a", "running", 430), job("/b", "running", 10)], "en");
      trays[0]?.emit("click");
      expect(trays[0]?.title).toBe(platform === "darwin" ? "43%" : "");
    }
    expect(log).toEqual(["win32", "linux"]);
  });
});
