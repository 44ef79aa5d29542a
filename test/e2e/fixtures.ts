/** What the tests of the window share: a server on a run of real photos, and a page of it. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test as base, expect, type Locator, type Page } from "@playwright/test";
import { workFolder } from "../support/run-photos.js";
import { makePhotos, makeRun, type Served, startServer } from "./serve.js";

export { expect };

export const VARIETIES = 12;
export const EACH = 10;
export const PHOTOS = VARIETIES * EACH;

export interface Orchard {
  readonly folder: string;
  readonly photos: string;
  readonly run: string;
  readonly home: string;
  readonly server: Served;
}

export const test = base.extend<{ opened: Page }, { orchard: Orchard }>({
  orchard: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are asked for from the pattern.
    async ({}, use) => {
      const { folder, dispose } = workFolder("e2e");
      const photos = path.join(folder, "photos");
      const run = path.join(folder, "orchard");
      const home = path.join(folder, "home");
      await makePhotos(photos, VARIETIES, EACH);
      await makeRun(photos, run);
      const server = await startServer(home, [run]);
      await use({ folder, photos, run, home, server });
      await server.stop();
      dispose();
    },
    { scope: "worker" },
  ],
  /** The window on the list of runs; the test fails if the page reports an error of its own. */
  opened: async ({ page, orchard }, use) => {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      // Photos and calls that fail while a server is down are part of some tests.
      if (message.type() === "error" && /Content Security Policy|React|Uncaught/.test(message.text())) {
        errors.push(message.text());
      }
    });
    await page.goto(orchard.server.url);
    await expect(page.getByRole("link", { name: "orchard" })).toBeVisible();
    await use(page);
    expect(errors).toEqual([]);
  },
});

/** Opens the run of the tests in Explore and waits until the map and the photos are there. */
export async function explore(page: Page): Promise<void> {
  await page.getByRole("link", { name: "orchard" }).click();
  await expect(page.getByRole("heading", { name: `${PHOTOS} photos` })).toBeVisible();
  await expect(page.getByTestId("photos").getByRole("option").first()).toBeVisible();
}

/** The names in the list of labels: a click shows that label alone. */
export function labelButtons(page: Page): Locator {
  return page.getByRole("list", { name: "Labels" }).locator("button[aria-pressed]");
}

/** Selects every point of the map by a rectangle around all of them. */
export async function selectAll(page: Page): Promise<void> {
  await drawAround(page, "r", [
    [0.01, 0.01],
    [0.99, 0.99],
  ]);
}

/** Draws with a tool of the map through places given as shares of its width and height. */
export async function drawAround(
  page: Page,
  key: "l" | "r",
  places: readonly (readonly [number, number])[],
): Promise<void> {
  const box = await page.getByTestId("scatter").boundingBox();
  if (!box) throw new Error("The map is not on the page.");
  await page.keyboard.press(key);
  const [first, ...rest] = places.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const);
  if (!first) return;
  await page.mouse.move(...first);
  await page.mouse.down();
  for (const place of rest) await page.mouse.move(...place, { steps: 6 });
  await page.mouse.up();
}

/** Writes a file that looks like a JPEG and is none. */
export function breakPhoto(file: string): void {
  writeFileSync(file, Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46]));
}
