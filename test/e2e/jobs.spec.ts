import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { cli, repositoryRoot } from "../support/run-cli.js";
import { realPhotos } from "../support/run-photos.js";
import { expect, selectAll, test } from "./fixtures.js";
import { startSlowRun } from "./new-run.js";
import { makePhotos, startServer } from "./serve.js";

const SLOW_PHOTOS = 40 * 60;
const LARGE = 20_000;

test("a run is paused, goes on, is cancelled after a question, and ends as if nothing had been", async ({
  opened: page,
  orchard,
}) => {
  test.slow();
  const photos = path.join(orchard.folder, "stopped");
  await makePhotos(photos, 40, 60);
  await page.getByRole("link", { name: "New run" }).click();
  await page.getByLabel("Photos", { exact: true }).fill(photos);
  await startSlowRun(page, SLOW_PHOTOS);
  const job = page.locator("li[data-job]").filter({ hasText: "stopped-run" });
  const state = (name: string) => expect(job).toHaveAttribute("data-job", name, { timeout: 60_000 });
  await job.getByRole("button", { name: "Pause" }).click();
  await state("paused");
  await job.getByRole("button", { name: "Resume" }).click();
  await state("running");
  await job.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Keep running" }).click();
  await state("running");
  await expect(page).toHaveTitle(/^\d+% · stopped-run – Verger$/);
  await job.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel run" }).click();
  await state("cancelled");
  await job.getByRole("button", { name: "Resume" }).click();
  await state("done");
  await expect(page).toHaveTitle("Verger");
  await job.getByRole("link", { name: "Explore" }).click();
  await expect(page.getByRole("heading", { name: "2,400 photos" })).toBeVisible();
  const inspected = await cli(["inspect", path.join(orchard.folder, "stopped-run"), "--json"]);
  expect(JSON.parse(inspected.stdout)).toMatchObject({ counts: { images: SLOW_PHOTOS, setAside: 0 } });
});

test("a run of 20,000 photos is explored to its last photo", async ({ page, orchard }) => {
  test.skip(realPhotos() === undefined, "the shared photos are not here");
  test.slow();
  const folder = path.join(orchard.folder, "large");
  const script = path.join(repositoryRoot, "bench", "lib", "big-run.mjs");
  const maker = spawn(process.execPath, [script, folder, "--rows", `${LARGE}`], { stdio: "ignore" });
  expect(await once(maker, "exit")).toEqual([0, null]);
  const server = await startServer(path.join(orchard.folder, "large-home"), [path.join(folder, "run")]);
  try {
    await page.goto(server.url);
    await page.getByRole("link", { name: "run", exact: true }).click();
    await expect(page.getByRole("heading", { name: "20,000 photos" })).toBeVisible();
    const photos = page.getByTestId("photos");
    await expect(photos.getByRole("option").first()).toBeVisible();
    // Of thousands of lines only those in sight are in the page.
    expect(await photos.getByRole("option").count()).toBeLessThan(200);
    await photos.evaluate((gallery) => {
      gallery.scrollTop = gallery.scrollHeight;
    });
    await expect(photos.getByRole("option", { name: new RegExp(`^${LARGE}, `) })).toBeVisible();
    await expect
      .poll(() =>
        photos
          .locator("img")
          .last()
          .evaluate((image: HTMLImageElement) => image.naturalWidth),
      )
      .toBeGreaterThan(0);
    await selectAll(page);
    await expect(page.getByRole("heading", { name: "20,000 photos selected" })).toBeVisible();
  } finally {
    await server.stop();
  }
});
