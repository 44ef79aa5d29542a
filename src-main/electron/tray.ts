/**
 * The icon beside the clock while a job goes on: how far it is, and pause, resume, show and quit. Where the desktop shows
 * no such icons (GNOME by itself) nothing is lost: all of it is in the window, too, and starting Verger shows the window.
 */
import path from "node:path";
import type { Menu, MenuItemConstructorOptions, NativeImage, Tray } from "electron";
import type { Job } from "../api/channels.js";
import type { Language } from "../api/language.js";
import { shareDone } from "../api/progress.js";
import { durationText, percentText } from "../api/spoken.js";
import { packageRoot } from "../native/root.js";
import { WORDS, type Words } from "./words.js";

/** Windows cuts the text of an icon after this many characters. */
const MOST_TEXT = 127;
const MOST_NAME = 32;

export interface TrayActions {
  pause(job: string): void;
  resume(job: string): void;
  showWindow(): void;
  quit(): void;
}

/** What is used of Electron. */
export interface TrayParts {
  readonly Tray: new (image: NativeImage) => Tray;
  readonly nativeImage: { createFromPath(file: string): NativeImage };
  readonly Menu: Pick<typeof Menu, "buildFromTemplate">;
  readonly platform: NodeJS.Platform;
}

/** The icon's file; Electron finds those for denser screens beside it (`@2x` and so on). */
export function trayIcon(platform: NodeJS.Platform): string {
  // macOS colours a file of this name as its menu bar asks; bars of Linux are higher than those of Windows.
  const name = platform === "darwin" ? "trayTemplate" : platform === "linux" ? "tray-24" : "tray-16";
  return path.join(packageRoot(), "resources", "tray", `${name}.png`);
}

/** One line a job: "orchard · 43 % · about 2 min left". */
export function trayText(jobs: readonly Job[], language: Language): string {
  const lines = jobs.map((job) => [nameOf(job), ...stateOf(job, language)].join(" · "));
  return lines.join("\n").slice(0, MOST_TEXT);
}

/** Pause or resume of each job, then the window and the end of the app. No counts: an open menu is to stay as it is. */
export function trayMenu(jobs: readonly Job[], words: Words, actions: TrayActions): MenuItemConstructorOptions[] {
  const items = jobs.flatMap((job) => jobItems(job, words, actions));
  return [
    ...items,
    ...(items.length > 0 ? [{ type: "separator" } as const] : []),
    { label: words.showWindow, click: () => actions.showWindow() },
    { type: "separator" },
    { label: words.quit, click: () => actions.quit() },
  ];
}

export class JobTray {
  private tray: Tray | undefined;
  private text = "";
  private menu = "";

  constructor(
    private readonly parts: TrayParts,
    private readonly actions: TrayActions,
  ) {}

  /** @param jobs what goes on, the most urgent first; without any there is no icon */
  show(jobs: readonly Job[], language: Language): void {
    if (jobs.length === 0) {
      this.close();
      return;
    }
    this.tray ??= this.open();
    const text = trayText(jobs, language);
    if (text !== this.text) {
      this.text = text;
      this.tray.setToolTip(text);
      // The menu bar of macOS has room for a number.
      if (this.parts.platform === "darwin") this.tray.setTitle(percentOf(jobs[0], language) ?? "");
    }
    const template = trayMenu(jobs, WORDS[language], this.actions);
    // Only when it differs: a new menu closes the open one.
    const menu = JSON.stringify(template);
    if (menu === this.menu) return;
    this.menu = menu;
    this.tray.setContextMenu(this.parts.Menu.buildFromTemplate(template));
  }

  close(): void {
    this.tray?.destroy();
    this.tray = undefined;
    this.text = "";
    this.menu = "";
  }

  private open(): Tray {
    const { Tray, nativeImage, platform } = this.parts;
    const tray = new Tray(nativeImage.createFromPath(trayIcon(platform)));
    // On macOS a click opens the menu.
    if (platform !== "darwin") tray.on("click", () => this.actions.showWindow());
    return tray;
  }
}

/** The folder that a job writes. */
function nameOf({ out }: Job): string {
  const name = path.basename(out) || out;
  return name.length > MOST_NAME ? `${name.slice(0, MOST_NAME - 1)}…` : name;
}

function stateOf(job: Job, language: Language): string[] {
  const words = WORDS[language];
  if (job.state === "queued") return [words.jobWaiting];
  if (job.state === "stopping") return [words.jobStopping];
  const percent = percentOf(job, language);
  const done = percent === undefined ? [] : [percent];
  if (job.state === "paused") return [...done, words.jobPaused];
  const seconds = job.progress?.secondsLeft ?? null;
  if (seconds === null) return done;
  return [...done, words.jobLeft.replace("{duration}", durationText(language, roughly(seconds)))];
}

/** What is said in seconds, in steps of five: on Linux each new text has the desktop read the menu again, too. */
function roughly(seconds: number): number {
  return seconds < 90 ? 5 * Math.ceil(seconds / 5) : seconds;
}

function percentOf(job: Job | undefined, language: Language): string | undefined {
  const share = shareDone(job?.progress ?? null);
  return share === null ? undefined : percentText(language, share);
}

function jobItems(job: Job, words: Words, actions: TrayActions): MenuItemConstructorOptions[] {
  // A single & would be taken for the mark of a mnemonic.
  const label = (sentence: string) => sentence.replace("{name}", () => nameOf(job).replaceAll("&", "&&"));
  const { id } = job;
  if (job.state === "running") return [{ id, label: label(words.pauseJob), click: () => actions.pause(id) }];
  if (job.state === "paused") return [{ id, label: label(words.resumeJob), click: () => actions.resume(id) }];
  return [];
}
