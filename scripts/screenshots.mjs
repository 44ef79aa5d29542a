// Redraws docs/screenshots: the window in Chromium on a run of real photos, or of drawn ones where there are none.
//
//   npm run screenshots [-- part of a name]
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "@playwright/test";
import sharp from "sharp";
import { main, output, root, run, Stop } from "./lib/project.mjs";

const PICTURES = path.join(root, "docs", "screenshots");
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const verger = path.join("bin", "verger");

/** What is drawn: a name, how the window is set, and what is done in it. */
const SHOTS = [
  { name: "runs", theme: "light", act: async () => {} },
  { name: "explore", theme: "light", act: explorePhoto },
  { name: "explore-dark", theme: "dark", width: 1440, act: exploreSelection },
  { name: "explore-small-french", theme: "light", locale: "fr-FR", width: 1024, height: 700, act: exploreClose },
  { name: "variance", theme: "light", act: variance },
  { name: "new-run-dark", theme: "dark", width: 1024, height: 700, act: newRun },
  { name: "jobs", theme: "light", width: 1024, height: 700, act: jobs },
];

async function openRun(page) {
  await page.getByRole("link", { name: "orchard" }).click();
  await page.getByTestId("photos").getByRole("option").first().waitFor();
  await settle(page);
}

async function explorePhoto(page) {
  await openRun(page);
  await page.getByTestId("photos").getByRole("option").nth(5).click();
  await page.mouse.move(0, 0);
}

async function exploreSelection(page) {
  await openRun(page);
  await page.keyboard.press("r");
  const box = await page.getByTestId("scatter").boundingBox();
  await page.mouse.move(box.x + 60, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + 0.45 * box.width, box.y + 0.5 * box.height, { steps: 5 });
  await page.mouse.up();
  await page.getByTestId("photos").getByRole("option").nth(3).click();
  await page.mouse.move(0, 0);
}

async function exploreClose(page) {
  await openRun(page);
  await page.getByTestId("photos").getByRole("option").nth(1).click();
  const box = await page.getByTestId("scatter").boundingBox();
  await page.mouse.move(box.x + 0.15 * box.width, box.y + 0.6 * box.height);
  for (let turn = 0; turn < 7; turn++) await page.mouse.wheel(0, -120);
  await page.mouse.move(0, 0);
}

async function variance(page) {
  await openRun(page);
  await page.getByRole("link", { name: "Variance" }).click();
}

async function newRun(page, { photos }) {
  await page.getByRole("link", { name: "New run" }).click();
  await page.getByLabel("Photos", { exact: true }).fill(photos);
  await page.getByText(/^About .* images\/s$/).waitFor();
}

async function jobs(page, { photos }) {
  await newRun(page, { photos });
  await page.getByRole("button", { name: "Start run" }).click();
  await page.locator('[data-job="done"]').waitFor();
  await page
    .getByText(/set aside/)
    .first()
    .click();
}

/** Until photos and map stand still. */
async function settle(page) {
  await page.waitForLoadState("networkidle");
  await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode().catch(() => undefined))));
  await page.waitForTimeout(400);
}

function preparePhotos(folder) {
  const real = path.join(process.env.VERGER_PHOTOS ?? path.join(root, "..", "shared", "data", "fruits360"), "Training");
  if (!existsSync(real)) {
    if (!run(process.execPath, [verger, "sample", folder, "--images", "600"]))
      throw new Stop("No sample could be drawn.");
    return;
  }
  for (const label of readdirSync(real).sort()) {
    mkdirSync(path.join(folder, label), { recursive: true });
    for (const name of readdirSync(path.join(real, label)).sort().slice(0, 12)) {
      cpSync(path.join(real, label, name), path.join(folder, label, name), { preserveTimestamps: true });
    }
  }
}

function serve(home, runs) {
  const env = { ...process.env, VERGER_HOME: home };
  const child = spawn(process.execPath, [verger, "serve", ...runs, "--json"], { cwd: root, env });
  return new Promise((resolve, reject) => {
    let text = "";
    child.once("exit", () =>
      reject(new Stop("Expected verger serve to start for the pictures; run it to see why not.")),
    );
    child.stdout.on("data", (more) => {
      text += more;
      try {
        resolve({ child, url: JSON.parse(text).url });
      } catch {
        // More is to come.
      }
    });
  });
}

await main(async () => {
  const executablePath = [process.env.VERGER_CHROMIUM, ...PLACES].find((place) => place && existsSync(place));
  if (!executablePath) throw new Stop("Expected Chromium for the pictures; install it or name it in VERGER_CHROMIUM.");
  const folder = mkdtempSync(path.join(tmpdir(), "verger-screenshots-"));
  const photos = path.join(folder, "photos");
  const orchard = path.join(folder, "orchard");
  preparePhotos(photos);
  if (!run(process.execPath, [verger, "run", photos, "--out", orchard, "--quiet"]))
    throw new Stop("The run did not finish.");
  // One that cannot be read, for the list of those set aside.
  writeFileSync(path.join(photos, "not a photo.jpg"), "A note that was given the wrong name.");
  const few = path.join(folder, "three apples");
  for (const name of readdirSync(photos)
    .filter((name) => !name.includes("."))
    .slice(0, 3)) {
    const [first] = readdirSync(path.join(photos, name));
    cpSync(path.join(photos, name, first), path.join(few, name, first));
  }
  output(process.execPath, [
    verger,
    "run",
    few,
    "--out",
    path.join(folder, "first try"),
    "--preset",
    "fast",
    "--quiet",
  ]);
  const { child, url } = await serve(path.join(folder, "home"), [orchard, path.join(folder, "first try")]);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--enable-unsafe-swiftshader"] });
  try {
    const wanted = process.argv[2] ?? "";
    for (const { name, theme, locale = "en-GB", width = 1440, height = 900, act } of SHOTS) {
      if (!name.includes(wanted)) continue;
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale });
      const page = await context.newPage();
      await page.goto(url);
      await page.getByRole("link", { name: "orchard" }).waitFor();
      await act(page, { photos });
      await settle(page);
      // 256 colours: a third of the size, and nobody sees it on a page of grey and a few photos.
      const picture = await sharp(await page.screenshot())
        .png({ palette: true, effort: 8 })
        .toBuffer();
      writeFileSync(path.join(PICTURES, `window-${name}.png`), picture);
      console.log(`docs/screenshots/window-${name}.png  ${(picture.length / 1000).toFixed(0)} kB`);
      await context.close();
    }
  } finally {
    await browser.close();
    child.removeAllListeners("exit");
    child.kill("SIGINT");
    await new Promise((resolve) => child.once("exit", resolve));
    rmSync(folder, { recursive: true, force: true });
  }
});
