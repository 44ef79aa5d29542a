import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Output } from "../../src-main/cli/output.js";
import { openProgress, RateMeter, unicodeTerminal } from "../../src-main/cli/progress.js";
import { displayWidth } from "../../src-main/cli/table.js";
import { recorded } from "../support/streams.js";

beforeEach(() => vi.stubEnv("NO_COLOR", "1"));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

function open(options: { quiet?: boolean; columns?: number } = {}) {
  const stdout = recorded();
  const stderr = recorded(options.columns === undefined ? undefined : { columns: options.columns });
  const output = new Output(stdout.stream, stderr.stream, { json: false, quiet: options.quiet ?? false });
  let time = 100;
  const progress = openProgress(output, () => time);
  return {
    progress,
    stdout,
    stderr,
    /** Embeds `done` of 1,000 images at `at` seconds after the start. */
    embed: (at: number, done: number, setAside = 0) => {
      time = 100 + at;
      progress.onEvent({ type: "progress", stage: "embed", done, total: 1000, unit: "images", setAside });
    },
    stage: (at: number, stage: string, state: "start" | "done", seconds?: number) => {
      time = 100 + at;
      progress.onEvent({ type: "stage", stage, state, seconds });
    },
  };
}

describe("the rate", () => {
  it("is that of the last seconds, so that a reused part promises nothing", () => {
    const meter = new RateMeter(10);
    expect(meter.perSecond(0)).toBeUndefined();
    meter.add(0, 0);
    expect(meter.perSecond(0)).toBeUndefined();
    meter.add(0.5, 100_000);
    for (let second = 1; second <= 30; second++) meter.add(second, 100_000 + second * 50);
    expect(meter.perSecond(30)).toBeCloseTo(50, 0);
  });

  it("falls while nothing moves", () => {
    const meter = new RateMeter(10);
    meter.add(0, 0);
    meter.add(1, 100);
    expect(meter.perSecond(1)).toBeCloseTo(100);
    expect(meter.perSecond(4)).toBeCloseTo(25);
  });

  it("stays small however often it is fed", () => {
    const meter = new RateMeter(10);
    for (let i = 0; i < 100_000; i++) meter.add(i / 10_000, i);
    expect(meter.perSecond(10)).toBeCloseTo(10_000, -2);
  });
});

describe("without a terminal", () => {
  it("prints a line every few seconds a stage, and one at its end", () => {
    const { progress, stdout, stderr, embed, stage } = open();
    stage(0, "embed", "start");
    for (let tenth = 0; tenth <= 100; tenth++) embed(tenth / 10, tenth * 10, tenth > 50 ? 2 : 0);
    stage(10.5, "embed", "done", 10.4);
    progress.close();
    const lines = stderr.text().trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^verger: embed: 300 of 1,000 images \(30\.0 %\), 100 images\/s, [78] s left$/);
    expect(lines[1]).toMatch(/ 2 set aside$/);
    expect(lines[3]).toBe("verger: embed: done, 1,000 images in 10.4 s (96.2 images/s), 2 set aside");
    expect(stderr.text()).not.toContain("\u001b");
    expect(stderr.text()).not.toContain("\r");
    expect(stdout.text()).toBe("");
  });

  it("counts one image as one", () => {
    const one = open();
    one.progress.onEvent({ type: "progress", stage: "scan", done: 1, total: 0, unit: "images" });
    one.stage(1, "scan", "done", 1);
    expect(one.stderr.text()).toBe("verger: scan: done, 1 image in 1.00 s (1.00 images/s)\n");
  });

  it("counts bytes and files together, and takes the slower of both for what is left", () => {
    let time = 0;
    const stderr = recorded();
    const progress = openProgress(
      new Output(recorded().stream, stderr.stream, { json: false, quiet: false }),
      () => time,
    );
    const report = (at: number, bytes: number, files: number, known = true) => {
      time = at;
      const also = { done: files, total: known ? 1000 : 0, unit: "files" };
      progress.onEvent({
        type: "progress",
        stage: "transfer",
        done: bytes,
        total: known ? 9e6 : 0,
        unit: "bytes",
        also,
      });
    };
    report(0, 0, 0, false);
    report(3, 3e6, 10, false);
    // A megabyte and ten files a second: the bytes would end in 3 s, the files in 94 s.
    for (let second = 4; second <= 6; second += 1) report(second, second * 1e6, second * 10);
    time = 7;
    progress.onEvent({ type: "stage", stage: "transfer", state: "done", seconds: 7 });
    progress.close();
    expect(stderr.text().trimEnd().split("\n")).toEqual([
      "verger: transfer: 3.0 MB, 10 files, 1.0 MB/s",
      "verger: transfer: 6.0 MB of 9.0 MB, 60 of 1,000 files (66.7 %), 1.0 MB/s, 1 min 34 s left",
      "verger: transfer: done, 6.0 MB of 9.0 MB, 60 of 1,000 files in 7.00 s (857 kB/s)",
    ]);
  });

  it("prints nothing with --quiet", () => {
    const { progress, stderr, embed, stage } = open({ quiet: true });
    stage(0, "embed", "start");
    embed(5, 500);
    progress.onEvent({ type: "notice", message: "Provider cpu." });
    stage(10, "embed", "done");
    progress.close();
    expect(stderr.text()).toBe("");
  });
});

describe("on a terminal", () => {
  /** What is written without its control sequences; a return to the first column becomes one. */
  const plain = (text: string): string =>
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's own sequences.
    text.replaceAll("\u001b[1G", "\r").replace(/\u001b(\[[0-9;?]*[A-Za-z]|[78])/g, "");

  it.each([200, 80, 46, 24])("draws one bar that fits %d columns", (columns) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    vi.stubEnv("LC_ALL", "C.UTF-8");
    const { progress, stderr, embed, stage } = open({ columns });
    stage(0, "embed", "start");
    embed(0, 0);
    embed(2, 400, 3);
    vi.advanceTimersByTime(300);
    const frames = plain(stderr.text()).split(/[\r\n]+/);
    const frame = frames.filter((line) => line.includes("40.0 %")).at(-1) ?? frames.at(-1) ?? "";
    expect(frame).toMatch(/^ {2}embed/);
    for (const line of frames) expect(displayWidth(line)).toBeLessThan(columns);
    if (columns === 200)
      expect(frame).toMatch(/━+─+ {3}40\.0 % {2}400 of 1,000 images {2}3 s left {2}200 images\/s {2}3 set aside/);
    progress.close();
  });

  it("keeps notices and finished stages above the bar and gives the terminal back", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { progress, stderr, embed, stage } = open({ columns: 100 });
    stage(0, "scan", "start");
    stage(1, "scan", "done", 1);
    progress.onEvent({ type: "notice", message: "Provider cpu." });
    stage(1, "embed", "start");
    embed(3, 500);
    vi.advanceTimersByTime(300);
    stage(5, "embed", "done", 4);
    progress.close();
    progress.close();
    const text = stderr.text();
    expect(plain(text)).toMatch(/ {2}scan {6}1\.00 s\nverger: Provider cpu\.\n/);
    expect(plain(text)).toContain("embed     500 of 1,000 images in 4.00 s (125 images/s)\n");
    expect(text.lastIndexOf("\u001b[?25h")).toBeGreaterThan(text.lastIndexOf("\u001b[?25l"));
    expect(text.lastIndexOf("\u001b[?7h")).toBeGreaterThan(text.lastIndexOf("\u001b[?7l"));
  });

  it("draws in ASCII where the encoding is not UTF-8", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    vi.stubEnv("LC_ALL", "C");
    const { progress, stderr, embed } = open({ columns: 120 });
    embed(0, 0);
    embed(2, 500);
    vi.advanceTimersByTime(300);
    progress.close();
    if (process.platform !== "win32") expect(stderr.text()).toMatch(/#+-+/);
    expect(unicodeTerminal({ LC_ALL: "", LANG: "de_DE.UTF-8" })).toBe(process.platform !== "win32");
  });
});
