import type { Page } from "@playwright/test";
import { test as base, expect, labelButtons } from "./fixtures.js";
import { bend, MANY_LABELS, makeOddRuns, type OddRuns } from "./odd-runs.js";
import { type Served, startServer } from "./serve.js";

const test = base.extend<object, { odd: OddRuns & { server: Served } }>({
  odd: [
    async ({ orchard }, use) => {
      const runs = await makeOddRuns(orchard.folder, orchard.photos);
      const { movedTo: _, ...folders } = runs;
      const server = await startServer(`${orchard.home}-odd`, Object.values(folders));
      bend(runs.newer, { schemaVersion: 99 });
      await use({ ...runs, server });
      await server.stop();
    },
    { scope: "worker", timeout: 60_000 },
  ],
});

async function open(page: Page, server: Served, name: string): Promise<void> {
  await page.goto(server.url);
  await page.getByRole("link", { name, exact: true }).click();
}

/** No message of an error has come up by itself. */
async function expectQuiet(page: Page): Promise<void> {
  await expect(page.getByRole("alert")).toHaveCount(0);
}

test("one photo, and two that are equal, are shown without a map, which says why", async ({ page, odd }) => {
  await open(page, odd.server, "single");
  await expect(page.getByRole("heading", { name: "1 photo" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Map of photos" }).getByText(/at least 2 rows/)).toBeVisible();
  await page.getByTestId("photos").getByRole("option").click();
  await expect(page.getByText("100 × 100")).toBeVisible();
  await expectQuiet(page);
  await open(page, odd.server, "twins");
  await page.getByTestId("photos").getByRole("option").last().click();
  await expect(page.getByText("compared with 1 photo")).toBeVisible();
  await expect(page.getByRole("complementary").getByText("0.000")).toBeVisible();
  await expectQuiet(page);
  await page.getByRole("link", { name: "Variance" }).click();
  await expect(page.getByText("No PCA in this run")).toBeVisible();
});

test("an unfinished run shows what there is; one of a newer version says what to do", async ({ page, odd }) => {
  await open(page, odd.server, "incomplete");
  await expect(page.getByText("No map yet")).toBeVisible();
  await page.getByText(/things to know about this run/).click();
  await expect(page.getByText(/finish it/)).toBeVisible();
  await expectQuiet(page);
  await page.goto(odd.server.url);
  await expect(page.getByText(/has format 99; open it with the Verger that made it or a newer one/)).toBeVisible();
});

test("features without labels and photos can be explored", async ({ page, odd }) => {
  await open(page, odd.server, "unlabelled");
  await expect(page.getByRole("heading", { name: "200 photos" })).toBeVisible();
  await expect(page.getByRole("list", { name: "Labels" }).getByText("No label")).toBeVisible();
  await page.getByTestId("photos").getByRole("option").first().click();
  await expect(page.getByText("compared with all 199 photos")).toBeVisible();
  await expect(page.getByText("This run does not say where its photos are.")).toBeVisible();
  await expectQuiet(page);
});

test("5,000 labels are listed, searched and told apart as far as can be", async ({ page, odd }) => {
  await open(page, odd.server, "many labels");
  await expect(page.getByText(/^More than 1,152 labels/)).toBeVisible();
  await page.getByLabel("Search labels").fill(`variety ${MANY_LABELS - 1}`);
  const found = page.getByRole("list", { name: "Labels" }).getByRole("listitem");
  await expect(found).toHaveCount(1);
  await labelButtons(page).click();
  await expect(page.getByRole("heading", { name: "2 of 10,000 photos" })).toBeVisible();
  await expectQuiet(page);
});

test("photos that were moved are located; those set aside are listed", async ({ page, odd }) => {
  await open(page, odd.server, "moved");
  await page.getByRole("button", { name: "Locate …" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Folder of the photos", { exact: true }).fill(odd.twins);
  await dialog.getByRole("button", { name: "Look there" }).click();
  await expect(dialog.getByText(/^None of the \d+ photos looked for is there/)).toBeVisible();
  await dialog.getByLabel("Folder of the photos", { exact: true }).fill(odd.movedTo);
  await dialog.getByRole("button", { name: "Look there" }).click();
  await expect(dialog.getByText(/^(\d+) of \1 photos looked for are there/)).toBeVisible();
  await dialog.getByRole("button", { name: "Use this folder" }).click();
  const photo = page.getByTestId("photos").locator("img").first();
  await expect.poll(() => photo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  await expect(page.getByRole("button", { name: "Locate …" })).toHaveCount(0);

  await page.getByRole("button", { name: "Filter by size" }).click();
  await page.getByRole("checkbox", { name: "1 photo set aside" }).check();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("cell", { name: /broken\.jpg/ })).toBeVisible();
  await expect(page).toHaveURL(/aside=1/);

  // The run's card forgets it, and takes that back.
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  const more = page.getByRole("button", { name: "More actions: moved" });
  const forget = page.getByRole("menuitem", { name: "Forget where the photos were located" });
  await more.click();
  await forget.click();
  await page.getByText(/^Photos are looked for in .* again/).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect.poll(() => page.locator("li").filter({ hasText: "moved" }).locator("img").count()).toBeGreaterThan(0);
  await more.click();
  await expect(forget).toBeVisible();
});
