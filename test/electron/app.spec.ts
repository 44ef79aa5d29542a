/** The desktop app in a real Electron, on this checkout's build. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { _electron, test as base, type ElectronApplication, expect, type Page } from "@playwright/test";
import { resumeRun, startSlowRun } from "../e2e/new-run.js";
import { makePhotos, makeRun } from "../e2e/serve.js";
import { repositoryRoot } from "../support/run-cli.js";
import { workFolder } from "../support/run-photos.js";

const binary = process.env.VERGER_ELECTRON_BINARY ?? "";
const skipped = process.env.VERGER_ELECTRON_SKIP ?? "start it by npm run e2e:electron";
const isRoot = process.getuid?.() === 0;
/** Enough to quit in the middle of; the varieties of the shared photos have 90. */
const PHOTOS = 360;

interface Orchard {
  readonly folder: string;
  readonly photos: string;
  readonly run: string;
}

interface Started {
  readonly app: ElectronApplication;
  readonly page: Page;
}

const test = base.extend<{ home: string; start: (...args: string[]) => Promise<Started> }, { orchard: Orchard }>({
  orchard: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are asked for from the pattern.
    async ({}, use) => {
      const { folder, dispose } = workFolder("electron");
      const orchard = { folder, photos: path.join(folder, "photos"), run: path.join(folder, "orchard") };
      await makePhotos(orchard.photos, 4, PHOTOS / 4);
      await makeRun(orchard.photos, orchard.run);
      await use(orchard);
      dispose();
    },
    { scope: "worker" },
  ],
  // biome-ignore lint/correctness/noEmptyPattern: see above.
  home: async ({}, use) => {
    const { folder, dispose } = workFolder("electron-home");
    await use(folder);
    dispose();
  },
  /** Starts the app; what is still open at the end of the test is killed, its questions unanswered. */
  start: async ({ home }, use) => {
    const started: ChildProcess[] = [];
    await use(async (...args) => {
      const app = await _electron.launch({
        executablePath: binary,
        args: [...(isRoot ? ["--no-sandbox"] : []), repositoryRoot, ...args],
        env: environment(home),
      });
      started.push(app.process());
      return { app, page: await app.firstWindow() };
    });
    for (const child of started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  },
});

test.skip(skipped !== "", skipped);

function environment(home: string): Record<string, string> {
  const inherited = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(inherited), VERGER_HOME: home, VERGER_CHECK_API: "1" };
}

const photosHeading = (page: Page) => page.getByRole("heading", { name: `${PHOTOS} photos` });

test("opens the run folder of the command line, its photos by the own scheme", async ({ start, orchard }) => {
  const { page } = await start(orchard.run);
  await expect(photosHeading(page)).toBeVisible();
  expect(page.url()).toMatch(/^verger:\/\/app\/#/);
  const photo = page.getByTestId("photos").locator("img").first();
  await expect.poll(() => photo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  expect(await photo.getAttribute("src")).toMatch(/^verger:\/\/app\/images\//);
});

test("gives the page no Node, no eval, no network, no window and no permission", async ({ start }) => {
  const { app, page } = await start();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const preferences = await app.evaluate(({ webContents }) => {
    const [contents] = webContents.getAllWebContents();
    return (contents as unknown as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences();
  });
  expect(preferences).toMatchObject({ contextIsolation: true, sandbox: true, nodeIntegration: false });
  const found = await page.evaluate(async () => {
    // In a task of its own: what Playwright evaluates at once may do what the page's policy forbids.
    const refused = async (action: () => unknown): Promise<boolean> => {
      await new Promise((resolve) => setTimeout(resolve));
      try {
        await action();
        return false;
      } catch {
        return true;
      }
    };
    return {
      node: ["require", "process", "Buffer", "module", "global"].filter((name) => name in globalThis),
      bridge: Object.keys((globalThis as unknown as { verger: object }).verger).sort(),
      evalRefused: await refused(() => new Function("return 1")()),
      networkRefused: await refused(() => fetch("https://example.com/")),
      filesRefused: await refused(() => fetch("file:///etc/hosts")),
      cameraRefused: await refused(() => navigator.mediaDevices.getUserMedia({ video: true })),
      traversal: (await fetch("verger://app/..%2f..%2fpackage.json")).status,
      opened: window.open("https://example.com/") !== null,
    };
  });
  expect(found).toEqual({
    node: [],
    bridge: ["abandon", "call", "chooseFolder", "listen", "pathOf", "retry"],
    evalRefused: true,
    networkRefused: true,
    filesRefused: true,
    cameraRefused: true,
    traversal: 404,
    opened: false,
  });
  await page.evaluate(() => {
    location.href = "https://example.com/";
  });
  // Asked of Electron: Playwright waits for ever for a navigation that was refused.
  const shown = () =>
    app.evaluate(async ({ webContents }) => {
      const all = webContents.getAllWebContents();
      const heading = all[0]?.executeJavaScript('document.querySelector("h1") !== null');
      return { pages: all.length, loading: all[0]?.isLoading(), address: all[0]?.getURL(), heading: await heading };
    });
  await expect.poll(shown).toEqual({ pages: 1, loading: false, address: "verger://app/", heading: true });
});

test("a second start hands its folder to the first", async ({ start, orchard, home }) => {
  const { page } = await start();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  const second = spawn(binary, [...(isRoot ? ["--no-sandbox"] : []), repositoryRoot, orchard.run], {
    env: environment(home),
    stdio: "ignore",
  });
  expect((await once(second, "exit"))[0]).toBe(0);
  await expect(photosHeading(page)).toBeVisible();
});

test("a folder of photos begins a new run", async ({ start, orchard }) => {
  const { page } = await start(orchard.photos);
  await expect(page).toHaveURL(/#\/new\?source=/);
});

test("the window opens where it was", async ({ start }) => {
  const bounds = { x: 40, y: 50, width: 1010, height: 720 };
  const first = await start();
  await first.app.evaluate(({ BrowserWindow }, to) => BrowserWindow.getAllWindows()[0]?.setBounds(to), bounds);
  const closed = once(first.app.process(), "exit");
  await first.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close()).catch(() => {});
  await closed;
  const second = await start();
  const found = await second.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBounds());
  expect(found).toMatchObject({ width: bounds.width, height: bounds.height });
});

test("an engine that dies is replaced, and the page goes on", async ({ start, orchard }) => {
  const { app, page } = await start(orchard.run);
  await expect(photosHeading(page)).toBeVisible();
  const instance = () =>
    page.evaluate(async () => {
      const { verger } = globalThis as unknown as {
        verger: { call(id: string, channel: string, frame: Uint8Array): Promise<{ frame: Uint8Array }> };
      };
      // A frame of an empty object, by hand: see api/binary.ts.
      const header = new TextEncoder().encode('{"value":{},"arrays":[]}');
      const frame = new Uint8Array(8 + header.length);
      frame.set([0x56, 0x47, 0x46, 0x31, header.length], 0);
      frame.set(header, 8);
      const answer = await verger.call(`test-${performance.now()}`, "app.info", frame);
      return answer.frame ? /"instance":"([^"]+)"/.exec(new TextDecoder().decode(answer.frame))?.[1] : undefined;
    });
  const before = await instance();
  expect(before).toBeTruthy();
  await app.evaluate(({ app: electron }) => {
    const engine = electron.getAppMetrics().find(({ name }) => name === "Verger engine");
    if (engine) process.kill(engine.pid, "SIGKILL");
  });
  await expect.poll(instance).not.toBe(before);
  await page.reload();
  await expect(photosHeading(page)).toBeVisible();
});

test("quitting while a job runs asks, saves, and the job can be resumed", async ({ start, orchard }) => {
  const { app, page } = await start(orchard.photos);
  await expect(page).toHaveURL(/#\/new\?source=/);
  await startSlowRun(page, PHOTOS);
  const asked = await app.evaluate(({ app: electron, dialog }) => {
    let questions = 0;
    dialog.showMessageBox = (async () => {
      questions += 1;
      return { response: 1, checkboxChecked: false };
    }) as typeof dialog.showMessageBox;
    electron.quit();
    return questions;
  });
  expect(asked).toBe(1);
  const closed = once(app.process(), "exit");
  await app
    .evaluate(({ app: electron, dialog }) => {
      dialog.showMessageBox = (async () => ({ response: 0, checkboxChecked: false })) as typeof dialog.showMessageBox;
      electron.quit();
    })
    .catch(() => {});
  await closed;
  const again = await start();
  await resumeRun(again.page);
});

test("a job goes on without its window, and takes the app along at its end", async ({ start, orchard }) => {
  test.skip(process.platform === "darwin", "On macOS an app goes on without windows anyway.");
  const { app, page } = await start(orchard.photos);
  await page.locator("#out").fill(path.join(orchard.folder, "without a window"));
  await startSlowRun(page, PHOTOS);
  const closed = once(app.process(), "exit");
  await app.evaluate(({ BrowserWindow, dialog }) => {
    // "Close the window, job goes on"
    dialog.showMessageBox = (async () => ({ response: 2, checkboxChecked: false })) as typeof dialog.showMessageBox;
    BrowserWindow.getAllWindows()[0]?.close();
  });
  await expect.poll(() => app.windows().length).toBe(0);
  expect(app.process().exitCode).toBeNull();
  expect((await closed)[0]).toBe(0);
  const again = await start();
  await again.page.getByRole("link", { name: "Jobs" }).click();
  await expect(again.page.locator('[data-job="done"]')).toBeVisible();
});

test("--cli runs a command without a display", async ({ home }) => {
  const { DISPLAY: _x, WAYLAND_DISPLAY: _wayland, ...env } = environment(home);
  const child = spawn(binary, [...(isRoot ? ["--no-sandbox"] : []), repositoryRoot, "--cli", "--version"], { env });
  let out = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  expect((await once(child, "close"))[0]).toBe(0);
  expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
});
