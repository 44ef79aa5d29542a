import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import {
  checkForUpdates,
  hasUpdateAddress,
  type UpdateQuestion,
  type Updater,
} from "../../../src-main/electron/updates.js";
import { WORDS } from "../../../src-main/electron/words.js";

const words = WORDS.en;

/** An updater that offers a version, or none, and notes what it was asked for. */
function updater(version: string | null, failure?: string) {
  const calls: string[] = [];
  const fake: Updater = {
    autoDownload: true,
    autoInstallOnAppQuit: true,
    async checkForUpdates() {
      calls.push("check");
      if (failure) throw new Error(failure);
      return { isUpdateAvailable: version !== null, updateInfo: { version: version ?? "0.1.0" } };
    },
    async downloadUpdate() {
      calls.push("download");
    },
  };
  return { fake, calls };
}

/** Answers questions in turn. */
function answering(...answers: number[]) {
  const questions: UpdateQuestion[] = [];
  const ask = async (question: UpdateQuestion) => {
    questions.push(question);
    return answers[questions.length - 1] ?? question.buttons.length - 1;
  };
  return { questions, ask };
}

it("fetches nothing without a yes", async () => {
  const { fake, calls } = updater("9.9.9");
  const { ask, questions } = answering(1);
  await checkForUpdates(fake, words, ask);
  expect(calls).toEqual(["check"]);
  expect(questions.map(({ message }) => message)).toEqual(["Verger 9.9.9 is available."]);
  expect(fake).toMatchObject({ autoDownload: false, autoInstallOnAppQuit: false });
});

it("installs nothing without a second yes", async () => {
  const { fake, calls } = updater("9.9.9");
  await checkForUpdates(fake, words, answering(0, 1).ask);
  expect(calls).toEqual(["check", "download"]);
  expect(fake.autoInstallOnAppQuit).toBe(false);
});

it("installs when the app is quit, after both", async () => {
  const { fake } = updater("9.9.9");
  await checkForUpdates(fake, words, answering(0, 0).ask);
  expect(fake.autoInstallOnAppQuit).toBe(true);
});

it("says that there is nothing newer, or that it could not look", async () => {
  const none = answering();
  await checkForUpdates(updater(null).fake, words, none.ask);
  expect(none.questions).toEqual([{ message: words.updateNone, buttons: ["OK"] }]);
  const failed = answering();
  await checkForUpdates(updater(null, "net::ERR_INTERNET_DISCONNECTED").fake, words, failed.ask);
  expect(failed.questions[0]).toMatchObject({ message: words.updateFailed, detail: "net::ERR_INTERNET_DISCONNECTED" });
});

it("is offered only by a package that says where to look", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "verger-updates-"));
  try {
    expect(hasUpdateAddress(undefined)).toBe(false);
    expect(hasUpdateAddress(folder)).toBe(false);
    writeFileSync(path.join(folder, "app-update.yml"), "provider: generic\nurl: https://example.org\n");
    expect(hasUpdateAddress(folder)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
