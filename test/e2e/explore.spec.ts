import { drawAround, EACH, expect, explore, labelButtons, PHOTOS, selectAll, test, VARIETIES } from "./fixtures.js";

test("a run opens with its map, its photos and its labels", async ({ opened: page }) => {
  await expect(page.getByText(`${PHOTOS} photos · ${VARIETIES} labels`)).toBeVisible();
  await explore(page);
  await expect(page.getByTestId("scatter")).toHaveAttribute("data-renderer", "webgl");
  await expect(page.getByRole("list", { name: "Labels" }).getByRole("listitem")).toHaveCount(VARIETIES);
  // Photos, not placeholders: the first one has pixels.
  const photo = page.getByTestId("photos").locator("img").first();
  await expect.poll(() => photo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
});

test("a point under the pointer shows its photo; a click puts it into the inspector with its neighbours", async ({
  opened: page,
}) => {
  await explore(page);
  const box = await page.getByTestId("scatter").boundingBox();
  if (!box) throw new Error("The map is not on the page.");
  // Nobody knows where a point lies: the pointer goes over the map until one answers.
  const hover = page.getByTestId("hover");
  for (let y = 0.2; y < 0.9 && !(await hover.isVisible()); y += 0.03) {
    await page.mouse.move(box.x + 20, box.y + y * box.height);
    await page.mouse.move(box.x + box.width - 20, box.y + y * box.height, { steps: 60 });
    for (let x = 0.05; x < 1 && !(await hover.isVisible()); x += 0.02) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
    }
  }
  await expect(hover.locator("img")).toBeVisible();
  const row = await hover.getAttribute("data-row");
  await page.mouse.down();
  await page.mouse.up();
  const inspector = page.getByRole("complementary", { name: "Photo" });
  await expect(inspector.getByText(/\.jpg/)).toBeVisible();
  await expect(inspector.getByText(`compared with all ${PHOTOS - 1} photos`)).toBeVisible();
  await expect(inspector.getByText("100 × 100")).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`photo=${row}\\b`));
});

test("lasso, shift to add, alt to subtract, Esc clears", async ({ opened: page }) => {
  await explore(page);
  const heading = page.getByRole("heading", { name: /selected/ });
  const count = async () => Number(/^\d+/.exec((await heading.textContent()) ?? "")?.[0]);
  await selectAll(page);
  await expect(heading).toHaveText(`${PHOTOS} photos selected`);
  await page.keyboard.down("Alt");
  await drawAround(page, "r", [
    [0.01, 0.01],
    [0.4, 0.99],
  ]);
  await page.keyboard.up("Alt");
  await expect(heading).not.toHaveText(`${PHOTOS} photos selected`);
  const fewer = await count();
  expect(fewer).toBeLessThan(PHOTOS);
  await page.keyboard.down("Shift");
  await drawAround(page, "l", [
    [0.01, 0.01],
    [0.99, 0.01],
    [0.99, 0.99],
    [0.01, 0.99],
  ]);
  await page.keyboard.up("Shift");
  await expect(heading).toHaveText(`${PHOTOS} photos selected`);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("heading", { name: `${PHOTOS} photos` })).toBeVisible();
});

test("isolating and hiding labels changes map and gallery alike", async ({ opened: page }) => {
  await explore(page);
  const labels = labelButtons(page);
  await labels.first().click();
  await expect(page.getByRole("heading", { name: `${EACH} of ${PHOTOS} photos` })).toBeVisible();
  // Selecting everything on the map takes only what is shown.
  await selectAll(page);
  await expect(page.getByRole("heading", { name: `${EACH} photos selected` })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Show all" }).click();
  await labels.first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("h");
  await expect(page.getByRole("heading", { name: `${PHOTOS - EACH} of ${PHOTOS} photos` })).toBeVisible();
});

test("a selection gets another label, and undo takes it back", async ({ opened: page }) => {
  await explore(page);
  await labelButtons(page).first().click();
  await selectAll(page);
  await page.keyboard.press("e");
  const dialog = page.getByRole("dialog", { name: `Label of ${EACH} photos` });
  await dialog.getByRole("combobox").fill("Windfall");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByText(`${EACH} photos are now Windfall`)).toBeVisible();
  await expect(page.getByText(`${EACH} corrections`)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("list", { name: "Labels" }).getByText("Windfall")).toBeVisible();
  await page.keyboard.press("Control+z");
  await expect(page.getByText("0 corrections", { exact: true })).toBeVisible();
  await expect(page.getByRole("list", { name: "Labels" }).getByText("Windfall")).toHaveCount(0);
});

test("a dialog takes the keyboard's focus and gives it back", async ({ opened: page }) => {
  await explore(page);
  const photos = page.getByTestId("photos");
  await photos.getByRole("option").first().click();
  await expect(photos).toBeFocused();
  for (const [key, first] of [
    ["e", page.getByRole("dialog").getByRole("combobox")],
    ["x", page.getByRole("dialog").getByRole("radio", { checked: true }).first()],
    ["?", page.getByRole("dialog").getByRole("button", { name: "Close" })],
  ] as const) {
    await page.keyboard.press(key);
    await expect(first).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(photos).toBeFocused();
  }
});

test("an address that is entered over an open run is followed, and Back leads to what was seen before", async ({
  opened: page,
}) => {
  await explore(page);
  const { hash } = new URL(page.url());
  await page.evaluate((address) => location.assign(address), `${hash.split("?")[0]}?q=nothing-is-called-so`);
  await expect(page.getByRole("heading", { name: `0 of ${PHOTOS} photos` })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("heading", { name: `${PHOTOS} photos`, exact: true })).toBeVisible();
});

test("a link brings back what was seen", async ({ opened: page, context }) => {
  await explore(page);
  await page.getByLabel("Horizontal").selectOption("2");
  await page.getByLabel("Colour by").selectOption("outlier");
  await page.getByLabel("Order").selectOption("outlier");
  await selectAll(page);
  await page.getByTestId("photos").getByRole("option").nth(3).click();
  await expect(page).toHaveURL(/axes=3,2|axes=3%2C2/);
  await expect(page).toHaveURL(/photo=\d+/);
  await expect(page).toHaveURL(/rows=/);
  const second = await context.newPage();
  await second.goto(page.url());
  await expect(second.getByRole("heading", { name: `${PHOTOS} photos selected` })).toBeVisible();
  await expect(second.getByLabel("Horizontal")).toHaveValue("2");
  await expect(second.getByLabel("Colour by")).toHaveValue("outlier");
  const path = page.getByRole("complementary").getByText(/\.jpg/);
  await expect(second.getByRole("complementary").getByText((await path.textContent()) ?? "?")).toBeVisible();
});

test("without WebGL the map is drawn by Canvas and says so", async ({ page, orchard }) => {
  await page.addInitScript(() => {
    const original = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, ...rest: unknown[]) {
      return kind.startsWith("webgl") ? null : original.call(this, kind as "2d", ...(rest as []));
    } as typeof original;
  });
  await page.goto(orchard.server.url);
  await explore(page);
  await expect(page.getByText("WebGL is not available here")).toBeVisible();
  const drawn = () =>
    page.getByTestId("scatter").evaluate((host) => {
      const canvas = host.querySelector("canvas");
      const pixels = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      // Strong colours: points, not the grey ground.
      const strong = (at: number) => Math.abs((pixels[at] as number) - (pixels[at + 1] as number)) > 40;
      for (let at = 0; at < pixels.length; at += 4) if (strong(at)) return true;
      return false;
    });
  await expect.poll(drawn).toBe(true);
  await selectAll(page);
  await expect(page.getByRole("heading", { name: `${PHOTOS} photos selected` })).toBeVisible();
});

test("WebGL that is lost on the way gives over to Canvas", async ({ opened: page }) => {
  await explore(page);
  await page.getByTestId("scatter").evaluate((host) => {
    host.querySelector("canvas")?.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  });
  await expect(page.getByTestId("scatter")).toHaveAttribute("data-renderer", "canvas");
  await expect(page.getByText("WebGL is not available here")).toBeVisible();
  await selectAll(page);
  await expect(page.getByRole("heading", { name: `${PHOTOS} photos selected` })).toBeVisible();
});

test("two tabs show the same labels", async ({ opened: page, context }) => {
  await explore(page);
  const second = await context.newPage();
  await second.goto(page.url());
  await expect(second.getByTestId("photos").getByRole("option").first()).toBeVisible();
  // As a person does: the tab in use is in front. One behind draws a frame a second, and every click waits for two.
  await page.bringToFront();
  await page.getByTestId("photos").getByRole("option").first().click();
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await page.getByRole("combobox").last().fill("Seen twice");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(second.getByRole("list", { name: "Labels" }).getByText("Seen twice")).toBeVisible();
  await page.keyboard.press("Control+z");
  await expect(second.getByRole("list", { name: "Labels" }).getByText("Seen twice")).toHaveCount(0);
});
