/** What is done with runs as a whole: compared, imported, carried to a bucket, thrown away and brought back. */
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "@playwright/test";
import { startFaultServer } from "../support/fault-server.js";
import { cliJson } from "../support/run-cli.js";
import { expect, PHOTOS, test } from "./fixtures.js";
import { startServer } from "./serve.js";

/** Opens a run folder and comes back to the list. */
async function open(page: Page, folder: string): Promise<void> {
  await page.getByRole("button", { name: "Open a run folder" }).click();
  await page.getByLabel("Path of the run folder").fill(folder);
  await page.getByRole("dialog").getByRole("button", { name: "Open" }).click();
  await expect(page).toHaveURL(/explore/);
  await page.getByRole("link", { name: "Runs", exact: true }).click();
}

test("two runs are compared; pointing at a photo shows it in both", async ({ opened: page, orchard }) => {
  const other = path.join(orchard.folder, "five");
  await cliJson(["pca", orchard.run, "--out", other, "--components", "5"]);
  await open(page, other);
  await page.getByRole("checkbox", { name: "Choose orchard to compare" }).check();
  await page.getByRole("checkbox", { name: "Choose five to compare" }).check();
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await expect(page.getByText(`${PHOTOS} photos in both`)).toBeVisible();
  // Both hold the same features.
  await expect(page.getByTestId("overlap")).toHaveText("100%");
  await expect(page.getByRole("row", { name: "Components asked for — 5" })).toBeVisible();
  const box = await page.getByTestId("compare-map").first().boundingBox();
  if (!box) throw new Error("The map is not on the page.");
  const cards = page.getByTestId("compare-card");
  // Line by line until the pointer meets a photo.
  for (let step = 0; step < 400 && (await cards.count()) < 2; step++) {
    const [column, line] = [step % 40, Math.floor(step / 40)];
    await page.mouse.move(box.x + (0.03 + column / 42) * box.width, box.y + (0.5 + line / 25) * box.height);
  }
  await expect(cards).toHaveCount(2);
  const rows = await cards.evaluateAll((all) => all.map((card) => card.getAttribute("data-row")));
  expect(rows[0]).toBe(rows[1]);
  await page.getByRole("button", { name: "Photo 1: 10 of 10 neighbours the same" }).click();
  await expect(page.getByText("10 of 10 the same")).toBeVisible();
  // The address holds all of it.
  await page.reload();
  await expect(page.getByText("10 of 10 the same")).toBeVisible();
});

test("features that others wrote become a run; columns that do not fit are told", async ({ opened: page, orchard }) => {
  const spark = path.join(orchard.folder, "spark");
  cpSync(path.join(orchard.run, "features"), spark, { recursive: true });
  await page.getByRole("button", { name: "Import features" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Features", { exact: true }).fill(path.join(orchard.run, "manifest"));
  await expect(dialog.getByText("features is missing")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Compute PCA" })).toBeDisabled();
  // By walking, from the list of runs into a dialog in a dialog.
  await dialog.getByRole("button", { name: "Choose … Features" }).click();
  const folders = page.getByRole("dialog", { name: "Choose a folder" });
  await folders.getByLabel("Path of the folder").fill(spark);
  await folders.getByRole("button", { name: "Open", exact: true }).click();
  await folders.getByRole("button", { name: "part-00000.parquet" }).click();
  await expect(dialog.getByLabel("Features", { exact: true })).toHaveValue(path.join(spark, "part-00000.parquet"));
  await dialog.getByLabel("Features", { exact: true }).fill(spark);
  await expect(dialog.getByText(`${PHOTOS} rows of 1,280 features in 1 file`)).toBeVisible();
  await dialog.getByLabel("Label", { exact: true }).selectOption({ label: "No labels" });
  await expect(dialog.getByRole("button", { name: "Compute PCA" })).toBeEnabled();
  await dialog.getByRole("button", { name: "Compute PCA" }).click();
  await expect(page.locator('[data-job="done"]').filter({ hasText: "spark-pca" })).toBeVisible();
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  const card = page.getByRole("listitem").filter({ hasText: "spark-pca" });
  await expect(card.getByText("From feature vectors")).toBeVisible();
});

test("photos are brought to a bucket: previewed, then sent", async ({ page, orchard }) => {
  const bucket = await startFaultServer({ bucket: "orchard" });
  const keys = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: "us-east-1" };
  const server = await startServer(path.join(orchard.folder, "home-of-the-sender"), [], undefined, keys);
  try {
    await page.goto(server.url);
    await page.getByRole("link", { name: "Transfers" }).click();
    await page.getByLabel("Folder to send", { exact: true }).fill(orchard.photos);
    await page.getByLabel("Bucket and prefix to fill").fill("s3://orchard/photos");
    await page.getByText("Options", { exact: true }).click();
    await page.getByLabel("Endpoint").fill(bucket.endpoint);
    await page.getByRole("button", { name: "Preview" }).click();
    const preview = page.getByRole("region", { name: "Preview" });
    await expect(preview.getByText(`${PHOTOS} files`)).toBeVisible();
    expect(bucket.objects.size).toBe(0);
    await preview.getByRole("button", { name: "Start transfer" }).click();
    const job = page.locator('[data-job="done"]');
    await expect(job.getByText(`${PHOTOS} files copied`)).toBeVisible();
    expect(bucket.objects.size).toBe(PHOTOS);
    await page.getByRole("button", { name: "Preview" }).click();
    await expect(page.getByText("Both sides hold the same")).toBeVisible();

    // That it is then copied is proven with a real server (serve-transfers.test.ts).
    await page.getByText("Between buckets", { exact: true }).click();
    await expect(page.getByLabel("Bucket and prefix to copy")).toHaveValue("s3://orchard/photos");
    await page.getByLabel("Bucket and prefix to fill").fill("copy");
    await expect(page.getByText("Expected s3://bucket/prefix.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Preview" })).toBeDisabled();
    await page.getByLabel("Bucket and prefix to fill").fill("s3://orchard/copy");
    await page.getByRole("button", { name: "Preview" }).click();
    await expect(preview.getByText(`${PHOTOS} files`)).toBeVisible();
    await expect(preview.getByRole("button", { name: "Start transfer" })).toBeEnabled();
  } finally {
    await server.stop();
    await bucket.stop();
  }
});

test("features in a bucket are looked at and become a run", async ({ page, orchard }) => {
  const bucket = await startFaultServer({ bucket: "orchard" });
  const part = path.join(orchard.run, "features", "part-00000.parquet");
  bucket.store("spark/part-00000.parquet", readFileSync(part));
  const keys = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: "us-east-1" };
  const server = await startServer(path.join(orchard.folder, "home-of-the-importer"), [], undefined, keys);
  try {
    await page.goto(server.url);
    await page.getByRole("button", { name: "Import features" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Features", { exact: true }).fill("s3://orchard/spark");
    await dialog.getByLabel("Endpoint").fill(bucket.endpoint);
    await expect(dialog.getByText(`${PHOTOS} rows of 1,280 features in 1 file`)).toBeVisible();
    await dialog.getByLabel("Run folder").fill(path.join(orchard.folder, "from-bucket"));
    await dialog.getByRole("button", { name: "Compute PCA" }).click();
    const job = page.locator('[data-job="done"]').filter({ hasText: "from-bucket" });
    await expect(job.getByText("Fetch", { exact: true })).toBeVisible();
  } finally {
    await server.stop();
    await bucket.stop();
  }
});

test("a run is moved to the trash and brought back", async ({ opened: page, orchard }) => {
  const spare = path.join(orchard.folder, "spare");
  cpSync(orchard.run, spare, { recursive: true });
  await open(page, spare);
  await page.getByRole("button", { name: "More actions: spare" }).click();
  await page.getByRole("menuitem", { name: "Move to the trash" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Move to trash" }).click();
  await expect(page.getByRole("link", { name: "spare" })).toHaveCount(0);
  expect(existsSync(spare)).toBe(false);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("link", { name: "spare" })).toBeVisible();
  expect(existsSync(path.join(spare, "run.json"))).toBe(true);
});

test("a folder that is dropped in a browser opens the folder chooser, with a word why", async ({
  opened: page,
  orchard,
}) => {
  await page.getByRole("link", { name: "New run" }).click();
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["x"], "photo.jpg"));
    return transfer;
  });
  await page.getByTestId("drop").dispatchEvent("drop", { dataTransfer: data });
  await expect(page.getByText("A browser does not tell a page where a dropped folder lies")).toBeVisible();
  const dialog = page.getByRole("dialog", { name: "Choose a folder" });
  await dialog.getByLabel("Path of the folder").fill(orchard.photos);
  await dialog.getByRole("button", { name: "Open", exact: true }).click();
  await expect(dialog.getByRole("button", { name: readdirSync(orchard.photos).sort()[0] ?? "" })).toBeVisible();
  await dialog.getByRole("button", { name: "Choose this folder" }).click();
  // Looking into a folder begins no run.
  await expect(page.getByText(`${PHOTOS} photos`)).toBeVisible();
  await expect(page.getByLabel("Photos", { exact: true })).toHaveValue(orchard.photos);
});
