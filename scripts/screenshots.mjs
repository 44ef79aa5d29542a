// Redraws docs/screenshots: the window in Chromium on a run of real photos, or of drawn ones where there are none.
//
//   npm run screenshots [-- part of a name]
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "@playwright/test";
import sharp from "sharp";
import { findChromium } from "./lib/chromium.mjs";
import { main, output, root, run, Stop } from "./lib/project.mjs";

const PICTURES = path.join(root, "docs", "screenshots");
const verger = path.join("bin", "verger");

/** What is drawn: a name, how the window is set, and what is done in it. */
const SHOTS = [
  { name: "runs", theme: "light", act: async () => {} },
  { name: "explore", theme: "light", act: explorePhoto },
  { name: "explore-dark", theme: "dark", width: 1440, act: exploreSelection },
  { name: "explore-small-french", theme: "light", locale: "fr-FR", width: 1024, height: 700, act: exploreClose },
  { name: "explore-filters", theme: "light", act: exploreFilters },
  { name: "explore-third-dark", theme: "dark", width: 1024, height: 700, act: exploreThird },
  { name: "explore-export-french", theme: "light", locale: "fr-FR", width: 1024, height: 700, act: exploreExport },
  { name: "variance", theme: "light", act: variance },
  { name: "variance-loadings-dark", theme: "dark", act: loadings },
  { name: "new-run-dark", theme: "dark", width: 1024, height: 700, act: newRun },
  { name: "jobs", theme: "light", width: 1024, height: 700, act: jobs },
  { name: "compare", theme: "light", act: compare },
  { name: "compare-small-dark", theme: "dark", locale: "fr-FR", width: 1024, height: 700, act: compareFigures },
  { name: "import-dark", theme: "dark", width: 1024, height: 700, act: importFeatures },
  { name: "transfers", theme: "light", act: transfers, bucket: true },
  { name: "transfers-french-dark", theme: "dark", locale: "fr-FR", width: 1024, height: 700, act: sent, bucket: true },
  { name: "about", theme: "light", width: 1024, height: 700, act: about },
];

/** Every view, of which a picture is taken in both themes and both sizes (docs/screenshots/every). */
const VIEWS = [
  { name: "runs", act: async () => {} },
  { name: "new-run", act: newRun },
  { name: "explore", act: explorePhoto },
  { name: "variance", act: variance },
  { name: "compare", act: compare },
  { name: "import", act: importFeatures },
  { name: "jobs", act: jobs },
  { name: "transfers", act: transfers, bucket: true },
  { name: "settings", act: settings },
  { name: "about", act: about },
];
const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 700 },
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

async function exploreFilters(page) {
  await openRun(page);
  const labels = page.getByRole("list", { name: "Labels" }).locator("button[aria-pressed]");
  for (const label of [2, 5, 9, 14]) await labels.nth(label).click({ modifiers: ["Shift"] });
  await page.getByRole("button", { name: "Filter by size" }).click();
  const least = page.getByRole("slider", { name: "Outlier score, from" });
  for (let step = 0; step < 5; step++) await least.press("PageUp");
}

async function exploreThird(page) {
  await openRun(page);
  await page.getByRole("button", { name: "Display options" }).click();
  await page.getByLabel("Third component").selectOption("2");
}

async function exploreExport(page) {
  await openRun(page);
  await page.keyboard.press("x");
}

async function variance(page) {
  await openRun(page);
  await page.getByRole("link", { name: "Variance" }).click();
}

async function loadings(page) {
  await variance(page);
  await page.getByRole("combobox").selectOption("2");
  await page.getByRole("heading", { name: "Features of component 3" }).scrollIntoViewIfNeeded();
  await page.mouse.move(700, 600);
  await page.mouse.wheel(0, 3000);
  await page.mouse.move(0, 0);
}

async function newRun(page, { photos }) {
  await page.getByRole("link", { name: "New run" }).click();
  await page.getByLabel("Photos", { exact: true }).fill(photos);
  await page.getByText(/^About .* images\/s$/).waitFor();
}

/** Runs that were made for pictures. */
let harvests = 0;

async function jobs(page, { photos }) {
  await newRun(page, { photos });
  // Elsewhere than proposed: a run that stood there would leave the next picture of the form without an estimate.
  await page.getByLabel("Run folder").fill(path.join(path.dirname(photos), `harvest ${++harvests}`));
  await page.getByRole("button", { name: "Start run" }).click();
  await page
    .locator('[data-job="done"]')
    .filter({ hasText: `harvest ${harvests}` })
    .waitFor();
  await page
    .getByText(/set aside/)
    .first()
    .click();
}

async function openComparison(page) {
  for (const box of await page
    .getByRole("checkbox")
    .all()
    .then((all) => all.slice(1)))
    await box.check();
  await page.getByRole("button", { name: /^Compare[r]?$/ }).click();
  await page.getByTestId("overlap").waitFor();
}

async function compare(page) {
  await openComparison(page);
  // Line by line until the pointer meets a photo.
  const box = await page.getByTestId("compare-map").first().boundingBox();
  for (let step = 0; step < 400 && (await page.getByTestId("compare-card").count()) === 0; step++) {
    const [column, line] = [step % 20, Math.floor(step / 20)];
    await page.mouse.move(box.x + (0.2 + column / 50) * box.width, box.y + (0.2 + line / 40) * box.height);
  }
  await page.mouse.down();
  await page.mouse.up();
  await page.getByTestId("overlap").waitFor();
}

async function compareFigures(page) {
  await openComparison(page);
  await page.getByTestId("overlap").evaluate((element) => element.scrollIntoView({ block: "start" }));
}

async function importFeatures(page, { orchard }) {
  await page.getByRole("button", { name: "Import features" }).click();
  await page.getByLabel("Features", { exact: true }).fill(path.join(orchard, "features"));
  await page.getByRole("button", { name: "Compute PCA" }).and(page.locator(":enabled")).waitFor();
}

async function transfers(page, { photos }) {
  await page.getByRole("link", { name: "Transfers" }).click();
  await page.getByLabel("Folder to send", { exact: true }).fill(photos);
  await page.getByLabel("Bucket and prefix to fill").fill("s3://orchard/photos");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("button", { name: "Start transfer" }).waitFor();
  await page.getByText(/^[\d,]+ files$/).click();
}

async function sent(page, { photos }) {
  await page.getByRole("link", { name: "Transferts" }).click();
  await page.getByLabel("Dossier à envoyer", { exact: true }).fill(photos);
  await page.getByLabel("Compartiment et préfixe à remplir").fill("s3://orchard/photos");
  await page.getByRole("button", { name: "Aperçu" }).click();
  await page.getByRole("button", { name: "Lancer le transfert" }).click();
  await page.locator('[data-job="done"]').first().waitFor();
}

async function settings(page) {
  await page.getByRole("button", { name: "Settings" }).click();
}

async function about(page) {
  await settings(page);
  await page.getByRole("link", { name: "About Verger" }).click();
  await page.getByRole("button", { name: "Check this machine" }).click();
  await page.getByRole("button", { name: "Copy the report" }).waitFor();
}

async function take(page, name) {
  await settle(page);
  // 256 colours: a third of the size, and nobody sees it on a page of grey and a few photos.
  const picture = await sharp(await page.screenshot())
    .png({ palette: true, effort: 8 })
    .toBuffer();
  writeFileSync(path.join(PICTURES, `${name}.png`), picture);
  console.log(`docs/screenshots/${name}.png  ${(picture.length / 1000).toFixed(0)} kB`);
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

/** A real S3 server with an empty bucket; its environment is what a program needs to reach it. */
async function startBucket(folder) {
  const child = spawn(process.execPath, [path.join("scripts", "s3-server.mjs"), folder], { cwd: root });
  await new Promise((resolve, reject) => {
    child.stdout.once("data", resolve);
    child.once("exit", () =>
      reject(new Stop("Expected an S3 server for the pictures; run npm run s3-server to see why not.")),
    );
  });
  const settings = readFileSync(path.join(folder, "env"), "utf8");
  const env = Object.fromEntries(
    [...settings.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
  return { child, env };
}

function serve(home, runs, more = {}) {
  const env = { ...process.env, ...more, VERGER_HOME: home };
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
  const executablePath = findChromium();
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
  const quick = path.join(folder, "quick look");
  output(process.execPath, [verger, "run", photos, "--out", quick, "--preset", "fast", "--quiet"]);
  const wanted = process.argv[2] ?? "";
  const shots = SHOTS.filter(({ name }) => name.includes(wanted));
  const views = VIEWS.filter(({ name }) => `every/${name}`.includes(wanted));
  const bucket = [...shots, ...views].some((shot) => shot.bucket)
    ? await startBucket(path.join(folder, "s3"))
    : undefined;
  const { child, url } = await serve(
    path.join(folder, "home"),
    [path.join(folder, "first try"), orchard, quick],
    bucket?.env,
  );
  // Images are drawn whole or not at all: a picture must not be taken while some are on their way.
  const args = ["--no-sandbox", "--enable-unsafe-swiftshader", "--disable-checker-imaging"];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const open = async (context) => {
      const page = await context.newPage();
      await page.goto(url);
      await page.getByRole("link", { name: "orchard" }).waitFor();
      return page;
    };
    for (const { name, theme, locale = "en-GB", width = 1440, height = 900, act } of shots) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale });
      const page = await open(context);
      await act(page, { photos, orchard });
      await take(page, `window-${name}`);
      await context.close();
    }
    mkdirSync(path.join(PICTURES, "every"), { recursive: true });
    for (const { name, act } of views) {
      const context = await browser.newContext({ viewport: SIZES[0], locale: "en-GB" });
      const page = await open(context);
      await act(page, { photos, orchard });
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        for (const size of SIZES) {
          await page.setViewportSize(size);
          await take(page, `every/${name}-${size.width}-${colorScheme}`);
        }
      }
      await context.close();
    }
  } finally {
    await browser.close();
    child.removeAllListeners("exit");
    child.kill("SIGINT");
    await new Promise((resolve) => child.once("exit", resolve));
    if (bucket) {
      bucket.child.removeAllListeners("exit");
      bucket.child.kill("SIGINT");
      await new Promise((resolve) => bucket.child.once("exit", resolve));
    }
    rmSync(folder, { recursive: true, force: true });
  }
});
