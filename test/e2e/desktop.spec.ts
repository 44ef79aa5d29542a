import { cpSync } from "node:fs";
import path from "node:path";
import type { Page } from "@playwright/test";
import { encodeFrame } from "../../src-main/api/binary.js";
import { IPC } from "../../src-main/api/bridge.js";
import { WORDS } from "../../src-main/electron/words.js";
import { workFolder } from "../support/run-photos.js";
import { type Desktop, openDesktop } from "./desktop-page.js";
import { expect, labelButtons, PHOTOS, test as withOrchard } from "./fixtures.js";
import { resumeRun, startSlowRun } from "./new-run.js";

interface Start {
  (...paths: string[]): Promise<Desktop>;
  /** Once more, in a page of its own. */
  again(): Promise<{ readonly page: Page; readonly desktop: Desktop }>;
}

/** Opens the app; afterwards it is quit, which ends its engine. */
const test = withOrchard.extend<{ start: Start }>({
  start: async ({ page, context }, use) => {
    const { folder, dispose } = workFolder("desktop-home");
    const home = path.join(folder, "home");
    const errors: string[] = [];
    context.on("weberror", (error) => errors.push(error.error().message));
    context.on("console", (message) => {
      if (message.type() === "error" && /Content Security Policy|React|Uncaught/.test(message.text())) {
        errors.push(message.text());
      }
    });
    const opened: Desktop[] = [];
    const open = async (where: Page, paths: readonly string[]): Promise<Desktop> => {
      const desktop = await openDesktop(where, home, paths);
      opened.push(desktop);
      return desktop;
    };
    await use(
      Object.assign((...paths: string[]) => open(page, paths), {
        async again() {
          const another = await context.newPage();
          return { page: another, desktop: await open(another, []) };
        },
      }),
    );
    for (const desktop of opened) await desktop.quit();
    dispose();
    expect(errors).toEqual([]);
  },
});

const photosHeading = (page: Page) => page.getByRole("heading", { name: `${PHOTOS} photos` });

test("desktop: a run folder of the command line is explored, over the bridge alone", async ({
  page,
  start,
  orchard,
}) => {
  const { system, window } = await start(orchard.run);
  await expect(photosHeading(page)).toBeVisible();
  const photo = page.getByTestId("photos").locator("img").first();
  await expect.poll(() => photo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  expect(window.shown).toBe(true);
  expect(system.app.recent).toEqual([orchard.run]);

  const items = () => system.menus.at(-1)?.flatMap(({ submenu = [] }) => submenu) ?? [];
  const choose = (label: string) =>
    items()
      .find((item) => item.label === label)
      ?.click?.();

  // A correction of another window, and the menu's way to undo it.
  const id = /[0-9a-f]{16}/.exec(page.url())?.[0];
  const frame = encodeFrame({ run: id, rows: new Uint32Array([0]), label: "Quince" });
  await system.ipcMain.invoke(window.webContents, IPC.call, { id: "test", channel: "labels.edit", frame });
  const quince = labelButtons(page).filter({ hasText: "Quince" });
  await expect(quince).toHaveCount(1);
  choose(WORDS.en.undo);
  await expect(quince).toHaveCount(0);

  // An export goes to a folder of this machine, chosen by the system's dialog: there are no downloads to offer.
  await page.keyboard.press("x");
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText("CSV table")).toBeVisible();
  await expect(dialog.getByText("A download in this browser")).toHaveCount(0);
  system.answers.folder = orchard.folder;
  await dialog.getByRole("button", { name: "Choose … In the folder" }).click();
  await expect(dialog.getByLabel("In the folder", { exact: true })).toHaveValue(orchard.folder);
  await page.keyboard.press("Escape");

  choose(WORDS.en.settings);
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
  await page.getByRole("radio", { name: "Français" }).check({ force: true });
  await expect.poll(() => items().some(({ label }) => label === WORDS.fr.openRun)).toBe(true);
  await expect(page.getByRole("heading", { name: "Réglages" })).toBeVisible();
});

test("desktop: a folder that is dropped begins a new run, by the system's dialog it is another", async ({
  page,
  start,
  orchard,
}) => {
  const { system } = await start();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.evaluate((name) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([], name));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  }, orchard.photos);
  await expect(page).toHaveURL(new RegExp(`#/new\\?source=${encodeURIComponent(orchard.photos)}`));
  // Counted there: the view has taken the folder over.
  await expect(page.getByText(`${PHOTOS} photos`).first()).toBeVisible();
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  system.answers.folder = orchard.run;
  await page.getByRole("button", { name: "Open a run folder" }).click();
  await expect(photosHeading(page)).toBeVisible();
});

test("desktop: an engine that dies is told, replaced, and the page goes on", async ({ page, start, orchard }) => {
  const { engine } = await start(orchard.run);
  await expect(photosHeading(page)).toBeVisible();
  const { pid } = engine().process;
  engine().process.kill("SIGKILL");
  await expect(page.getByText("Verger’s engine has stopped")).toBeVisible();
  await expect.poll(() => engine().process.pid).not.toBe(pid);
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  await expect(page.getByRole("link", { name: "orchard" })).toBeVisible();
});

test("desktop: quitting while a job runs asks, saves, and the job can be resumed", async ({ page, start, orchard }) => {
  const copy = path.join(orchard.folder, "quit");
  cpSync(orchard.photos, copy, { recursive: true });
  const first = await start(copy);
  first.system.answers.button = 0;
  await startSlowRun(page, PHOTOS);
  await first.quit();
  expect(first.system.said.asked).toMatchObject([{ message: WORDS.en.quitTitle }]);
  expect(first.engine().process.exitCode ?? first.engine().process.signalCode).not.toBeNull();

  await page.close();
  const again = await start.again();
  await resumeRun(again.page);
  await expect.poll(() => again.desktop.system.blocked.size).toBe(0);
});
