import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { timeOf } from "../support/exif.js";
import { EACH, expect, explore, labelButtons, PHOTOS, selectAll, test } from "./fixtures.js";

test("filters hold together, show as chips, stand in the link and go one by one", async ({ opened: page }) => {
  await explore(page);
  const heading = page.getByRole("heading", { name: new RegExp(`^\\d+ of ${PHOTOS} photos$`) });
  const shown = async () => Number(/^\d+/.exec((await heading.textContent()) ?? "")?.[0]);
  await page.getByRole("button", { name: "Filter by size" }).click();
  const from = page.getByRole("slider", { name: "Outlier score, from" });
  // Half of the range: the least unusual photo goes, the most unusual one stays.
  for (let step = 0; step < 12; step++) await from.press("PageUp");
  await expect(page).toHaveURL(/outlier=[\d.]+\.\./);
  const unusual = await shown();
  expect(unusual).toBeGreaterThan(0);
  expect(unusual).toBeLessThan(PHOTOS);
  await page.keyboard.press("Escape");
  const chips = page.getByRole("region", { name: "Filters in effect" });
  await expect(chips.getByText(/^Outlier score ≥/)).toBeVisible();

  await labelButtons(page).nth(1).click();
  await expect(page).toHaveURL(/only=/);
  const both = await shown();
  expect(both).toBeLessThanOrEqual(Math.min(unusual, EACH));
  await page.reload();
  await expect(heading).toHaveText(`${both} of ${PHOTOS} photos`);
  await chips.getByRole("button", { name: /^Remove the filter Outlier score/ }).click();
  await expect(heading).toHaveText(`${EACH} of ${PHOTOS} photos`);
  await chips.getByRole("button", { name: "Clear all" }).click();
  await expect(page.getByRole("heading", { name: `${PHOTOS} photos` })).toBeVisible();
  await expect(chips).toHaveCount(0);
});

test.describe("far from where the photos were taken", () => {
  test.use({ timezoneId: "Pacific/Auckland" });

  test("they are filtered and ordered by their cameras' clocks", async ({ opened: page }) => {
    const third = { from: Date.UTC(2026, 4, 3), to: Date.UTC(2026, 4, 4) };
    const times = Array.from({ length: PHOTOS }, (_, index) => Number(timeOf(index).at ?? Number.NaN) / 1000);
    const thatDay = times.filter((time) => time >= third.from && time < third.to);
    expect(thatDay.length).toBeGreaterThan(5);

    await explore(page);
    await page.getByRole("button", { name: "Filter by size" }).click();
    const taken = page.getByRole("region", { name: "Date taken" });
    const unknown = times.filter(Number.isNaN).length;
    await expect(taken.getByText(`${unknown} photos do not say when they were taken.`)).toBeVisible();
    for (const end of ["from", "to"]) {
      await taken.getByLabel(end, { exact: true }).fill("2026-05-03");
      await taken.getByLabel(end, { exact: true }).press("Enter");
    }
    await expect(page.getByRole("heading", { name: `${thatDay.length} of ${PHOTOS} photos` })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByText("Date taken 3 May 2026", { exact: true })).toBeVisible();

    await page.getByLabel("Order").selectOption("Date taken, oldest first");
    await page.getByTestId("photos").getByRole("option").first().click();
    const first = new Date(Math.min(...thatDay)).toISOString().slice(11, 16);
    await expect(page.getByRole("complementary", { name: "Photo" })).toContainText(`3 May 2026, ${first}`);
    await page.getByLabel("Colour by").selectOption("Date taken");
    await expect(page).toHaveURL(/colour=captured&sort=date/);
  });
});

test("a third component is shown by colour or by size, and the link keeps it", async ({ opened: page }) => {
  await explore(page);
  await page.getByRole("button", { name: "Display options" }).click();
  await page.getByLabel("Third component").selectOption("2");
  await expect(page.getByLabel("Colour by")).toHaveValue("depth");
  await expect(page).toHaveURL(/third=3&colour=depth/);
  await page.getByRole("radio", { name: "By size" }).check();
  await expect(page.getByLabel("Colour by")).toHaveValue("label");
  await page.getByRole("checkbox", { name: "A shape for each label" }).uncheck();
  await expect(page).toHaveURL(/third=3&shapes=circle/);
  await page.reload();
  await page.getByRole("button", { name: "Display options" }).click();
  await expect(page.getByRole("radio", { name: "By size" })).toBeChecked();
  await page.getByLabel("Third component").selectOption("");
  await expect(page.getByRole("radio", { name: "By size" })).toHaveCount(0);
});

test("a label takes a shape and a colour by keyboard, and keeps them", async ({ opened: page }) => {
  await explore(page);
  const first = page.getByRole("list", { name: "Labels" }).getByRole("listitem").first();
  const drawn = () => first.locator("svg path").first().getAttribute("d");
  const circle = await drawn();
  await labelButtons(page).first().press("c");
  await page.getByRole("radio", { name: "Circle" }).press("ArrowRight");
  await expect(page.getByRole("radio", { name: "Square" })).toBeChecked();
  // The popup's keys are its own: the list behind it does not move.
  await page.getByRole("radio", { name: "Square" }).press("ArrowDown");
  await expect(page.getByRole("radio", { name: "Triangle", exact: true })).toBeChecked();
  await page.keyboard.press("Escape");
  expect(await drawn()).not.toBe(circle);
  await page.reload();
  await expect(first).toBeVisible();
  expect(await drawn()).not.toBe(circle);
  await first.getByRole("button", { name: /^Colour and shape of/ }).click();
  await page.getByRole("button", { name: "Automatic" }).click();
  await expect.poll(drawn).toBe(circle);
});

test("the selection is exported as a table and as links, never over what is there", async ({
  opened: page,
  orchard,
}) => {
  await explore(page);
  await labelButtons(page).first().click();
  await selectAll(page);
  await page.keyboard.press("x");
  const dialog = page.getByRole("dialog", { name: `Export ${EACH} photos` });
  await dialog.getByLabel("In the folder", { exact: true }).fill(orchard.folder);
  await dialog.getByLabel("Name").fill("chosen");
  // A folder that is chosen by walking does not start the export yet.
  await dialog.getByRole("button", { name: "Choose …" }).click();
  const folders = page.getByRole("dialog", { name: "Choose a folder" });
  await folders.getByRole("textbox").press("Enter");
  await folders.getByRole("button", { name: "Choose this folder" }).click();
  await expect(dialog.getByRole("radio", { name: /^CSV/ })).toBeEnabled();
  await dialog.getByRole("button", { name: "Export", exact: true }).click();
  const file = path.join(orchard.folder, "chosen.csv");
  await expect(dialog.getByRole("status").getByText(`${EACH} photos written to`)).toBeVisible();
  await expect(dialog.getByText(file)).toBeVisible();
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(EACH + 1);
  expect(lines[0]).toMatch(/^path,label,label_original,.*,pca1,/);
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await expect(dialog).toHaveCount(0);

  await page.keyboard.press("x");
  await dialog.getByLabel("In the folder", { exact: true }).fill(orchard.folder);
  await dialog.getByLabel("Name").fill("chosen");
  await dialog.getByRole("button", { name: "Export", exact: true }).click();
  await expect(dialog.getByRole("alert")).toContainText("export/exists");
  expect(readFileSync(file, "utf8").trimEnd().split("\n")).toEqual(lines);

  await dialog.getByRole("radio", { name: "A download in this browser" }).check();
  const saved = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Export", exact: true }).click();
  expect((await saved).suggestedFilename()).toBe("chosen.csv");
  expect(
    readFileSync(await (await saved).path(), "utf8")
      .trimEnd()
      .split("\n"),
  ).toEqual(lines);
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await expect(dialog).toHaveCount(0);

  await page.keyboard.press("x");
  await dialog.getByLabel("In the folder", { exact: true }).fill(orchard.folder);
  await dialog.getByRole("radio", { name: /^Links/ }).check();
  await dialog.getByLabel("New folder").fill("links");
  await dialog.getByRole("button", { name: "Export", exact: true }).click();
  await expect(dialog.getByText(`${EACH} photos put into`)).toBeVisible();
  const [label] = readdirSync(path.join(orchard.folder, "links")) as [string];
  expect(readdirSync(path.join(orchard.folder, "links", label))).toHaveLength(EACH);
});

test("loadings name the features of a component, and the target line moves by keyboard", async ({ opened: page }) => {
  await explore(page);
  await page.getByRole("link", { name: "Variance" }).click();
  await page.getByRole("combobox", { name: "Component" }).selectOption("1");
  await expect(page.getByRole("heading", { name: "Features of component 2" })).toBeVisible();
  const bars = page.getByRole("region", { name: "Features of component 2" }).getByRole("listitem");
  await expect(bars).toHaveCount(20);
  await expect(bars.first()).toHaveText(/^Feature [\d,]+-0\.\d{3}$/);
  const target = page.getByRole("slider", { name: "Target" });
  const needed = page.getByText(/components? reach(es)? /);
  const before = await needed.textContent();
  for (let step = 0; step < 6; step++) await target.press("PageDown");
  await expect(needed).not.toHaveText(before ?? "");
  await expect(page).toHaveURL(/component=2&target=0\.5/);
});
