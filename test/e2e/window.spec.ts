import { mkdirSync } from "node:fs";
import path from "node:path";
import { breakPhoto, expect, explore, PHOTOS, test } from "./fixtures.js";
import { makePhotos, startServer } from "./serve.js";

test("the language changes at once and stays", async ({ opened: page }) => {
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByText("Français").click();
  await expect(page.getByRole("heading", { name: "Réglages" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "fr");
  await page.reload();
  await expect(page.getByRole("heading", { name: "Réglages" })).toBeVisible();
  await page.getByText("Comme le système").last().click();
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
});

test("a run is made from a folder, watched, and explored", async ({ opened: page, orchard }) => {
  const photos = path.join(orchard.folder, "basket");
  mkdirSync(photos);
  await makePhotos(photos, 6, 10);
  breakPhoto(path.join(photos, "broken.jpg"));
  await page.getByRole("link", { name: "New run" }).click();
  await page.getByLabel("Photos", { exact: true }).fill(photos);
  await expect(page.getByText("61 photos")).toBeVisible();
  await expect(page.getByText(/^About .* images\/s$/)).toBeVisible();
  await page.getByText("Fast", { exact: true }).click();
  await page.getByRole("button", { name: "Start run" }).click();
  await expect(page.locator('[data-job="done"]').filter({ hasText: "basket-run" })).toBeVisible();
  const job = page.locator("li[data-job]").filter({ hasText: "basket-run" });
  await job.getByText("1 photo set aside").click();
  await expect(job.getByRole("cell", { name: "broken.jpg" })).toBeVisible();
  await expect(job.getByText(/\[image\/[a-z-]+\]/)).toBeVisible();
  await job.getByRole("link", { name: "Explore" }).click();
  await expect(page.getByRole("heading", { name: "60 photos" })).toBeVisible();
});

test("a run is taken off the list after a question, and opened again by its path", async ({
  opened: page,
  orchard,
}) => {
  const card = page.getByRole("listitem").filter({ has: page.getByRole("link", { name: "orchard" }) });
  await card.getByRole("button", { name: "More actions: orchard" }).click();
  await page.getByRole("menuitem", { name: "Remove from the list" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("The folder stays where it is");
  await dialog.getByRole("button", { name: "Remove" }).click();
  await expect(page.getByRole("link", { name: "orchard" })).toHaveCount(0);
  await page.getByRole("button", { name: "Open a run folder" }).click();
  await page.getByLabel("Path of the run folder").fill(orchard.run);
  await page.getByRole("dialog").getByRole("button", { name: "Open" }).click();
  await expect(page.getByRole("heading", { name: `${PHOTOS} photos` })).toBeVisible();
});

test("variance: the target moves by keyboard, a component shows its photos", async ({ opened: page }) => {
  await explore(page);
  await page.getByRole("link", { name: "Variance" }).click();
  const target = page.getByRole("slider", { name: "Target" });
  await expect(target).toHaveAttribute("aria-valuetext", "80%");
  for (let press = 0; press < 6; press++) await target.press("PageDown");
  await expect(target).toHaveAttribute("aria-valuetext", "50%");
  await expect(page.getByText(/^\d+ components? reach(es)? 50%$/)).toBeVisible();
  await page.getByLabel("Component", { exact: true }).selectOption("1");
  await expect(page.getByRole("heading", { name: "Both ends of component 2" })).toBeVisible();
  await expect(page.getByRole("listitem").locator("img").first()).toBeVisible();
  await expect(page).toHaveURL(/component=2/);
});

test("a server that is killed leaves a banner; one that comes back is found again", async ({ page, orchard }) => {
  const home = path.join(orchard.folder, "home-of-the-killed");
  const first = await startServer(home, [orchard.run]);
  await page.goto(first.url);
  await explore(page);
  await first.kill();
  await expect(page.getByText("The connection to Verger is gone")).toBeVisible();
  // What was on the screen stays.
  await expect(page.getByRole("heading", { name: `${PHOTOS} photos` })).toBeVisible();
  const again = await startServer(home, [], first.port);
  try {
    // A new server has a new token: the page takes its address, and goes on where it was.
    await expect(page.getByText("This page has no valid token")).toBeVisible();
    const address = page.getByLabel("Address with the token");
    await address.fill("http://127.0.0.1/nothing");
    await expect(page.getByRole("button", { name: "Go on here" })).toBeDisabled();
    await address.fill(again.url);
    await page.getByRole("button", { name: "Go on here" }).click();
    await expect(page.getByText("This page has no valid token")).toBeHidden();
    await expect(page.getByRole("heading", { name: `${PHOTOS} photos` })).toBeVisible();
    expect(page.url()).not.toContain("token");
    await page.getByTestId("photos").getByRole("option").nth(2).click();
    await expect(page.getByRole("complementary").getByText(/\.jpg/)).toBeVisible();
  } finally {
    await again.stop();
  }
  await expect(page.getByText("Verger has stopped")).toBeVisible();
});

test("the theme follows the system's, also when the page is drawn between the change and its event", async ({
  opened: page,
}) => {
  await explore(page);
  await page.emulateMedia({ colorScheme: "light" });
  await page.screenshot();
  await page.emulateMedia({ colorScheme: "dark" });
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.getByTestId("photos").getByRole("option").nth(2).click();
  await page.screenshot();
  // The new size draws the page anew.
  await page.setViewportSize({ width: 1024, height: 700 });
  await page.emulateMedia({ colorScheme: "light" });
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
});

test("an empty window says what a run is and how to begin", async ({ page, orchard }) => {
  const server = await startServer(path.join(orchard.folder, "home-of-nobody"), []);
  try {
    await page.goto(server.url);
    await expect(page.getByText("No runs yet")).toBeVisible();
    await page.getByRole("link", { name: "Jobs" }).click();
    await expect(page.getByText("No jobs yet")).toBeVisible();
  } finally {
    await server.stop();
  }
});

test("the keys are listed by ?", async ({ opened: page }) => {
  await explore(page);
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});
