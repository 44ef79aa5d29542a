/**
 * Newer versions, looked for when a person asks and at no other time: teams without a network, and those whose machines
 * are managed, never meet it. Each step is asked for; nothing is downloaded or installed by itself.
 *
 * Where updates come from is part of a package (`app-update.yml`, written by electron-builder when the release was made
 * with an address); without it the menu has no such item. electron-updater checks the SHA-512 of what it fetched and, on
 * Windows and macOS, that it is signed as the installed app is.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { errorMessage } from "../core/errors.js";
import type { Words } from "./words.js";

/** What is used of electron-updater. */
export interface Updater {
  autoDownload: boolean;
  autoInstallOnAppQuit: boolean;
  checkForUpdates(): Promise<{
    readonly isUpdateAvailable: boolean;
    readonly updateInfo: { readonly version: string };
  } | null>;
  downloadUpdate(): Promise<unknown>;
}

/** A question with its answers, the first of which means yes; or, with one answer, a message. */
export interface UpdateQuestion {
  readonly message: string;
  readonly detail?: string;
  readonly buttons: readonly string[];
}

/** @param resources the folder of a packaged app's resources; there is none elsewhere */
export function hasUpdateAddress(resources: string | undefined): boolean {
  return resources !== undefined && existsSync(path.join(resources, "app-update.yml"));
}

/**
 * Looks for a newer version and, at each yes, fetches it and has it installed when the app is quit: as always after jobs
 * have been saved. Never rejects.
 *
 * @param ask shows a question; resolves with the index of the answer
 */
export async function checkForUpdates(
  updater: Updater,
  words: Words,
  ask: (question: UpdateQuestion) => Promise<number>,
): Promise<void> {
  updater.autoDownload = false;
  updater.autoInstallOnAppQuit = false;
  try {
    const found = await updater.checkForUpdates();
    if (!found?.isUpdateAvailable) {
      await ask({ message: words.updateNone, buttons: [words.ok] });
      return;
    }
    const { version } = found.updateInfo;
    const offer = { message: words.updateFound.replace("{version}", version), detail: words.updateFoundDetail };
    if ((await ask({ ...offer, buttons: [words.updateFetch, words.notNow] })) !== 0) return;
    await updater.downloadUpdate();
    const ready = { message: words.updateReady.replace("{version}", version), detail: words.updateReadyDetail };
    if ((await ask({ ...ready, buttons: [words.updateInstall, words.notNow] })) === 0)
      updater.autoInstallOnAppQuit = true;
  } catch (error) {
    await ask({ message: words.updateFailed, detail: errorMessage(error), buttons: [words.ok] });
  }
}
