import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FRUITS } from "../../src-main/core/sample/catalogue.js";
import { drawSample, labelModel, labelName } from "../../src-main/core/sample/index.js";
import { cosTurn, rotation, sinTurn } from "../../src-main/core/sample/math.js";
import { Random } from "../../src-main/core/sample/random.js";
import { Renderer } from "../../src-main/core/sample/render.js";
import { probeImage } from "../../src-main/native/image.js";

const work = mkdtempSync(path.join(tmpdir(), "verger-sample-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const request = (name: string, changes: Partial<Parameters<typeof drawSample>[0]> = {}) => ({
  folder: path.join(work, name),
  images: 30,
  labels: 3,
  seed: 1,
  size: 48,
  force: false,
  ...changes,
});

/** Hash of each file below a folder by its relative name. */
function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  return Object.fromEntries(
    names
      .map((item) => path.join(item.parentPath, item.name))
      .sort()
      .map((file) => [path.relative(folder, file), createHash("sha256").update(readFileSync(file)).digest("hex")]),
  );
}

describe("the generator of numbers", () => {
  it("gives the same stream for the same keys, on every machine and for ever", () => {
    const random = new Random(1, "Apple Braeburn 1");
    expect([random.bits(), random.bits(), random.bits()]).toEqual([2462728988, 1076907682, 2910420080]);
    expect(new Random(1, "ab", "c").bits()).not.toBe(new Random(1, "a", "bc").bits());
    expect(new Random(1).bits()).not.toBe(new Random(2).bits());
  });

  it("fills its ranges evenly", () => {
    const random = new Random("even");
    const counts = new Array<number>(16).fill(0);
    for (let i = 0; i < 32_000; i++) {
      const at = random.index(16);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    // Six standard deviations of a binomial count.
    for (const value of counts) expect(Math.abs(value - 2000)).toBeLessThan(6 * Math.sqrt(2000 * (15 / 16)));
  });

  it("has sine and cosine within 1e-8 of the exact ones", () => {
    let worst = 0;
    for (let t = -2; t <= 2; t += 0.00037) {
      worst = Math.max(worst, Math.abs(sinTurn(t) - Math.sin(2 * Math.PI * t)));
      worst = Math.max(worst, Math.abs(cosTurn(t) - Math.cos(2 * Math.PI * t)));
    }
    expect(worst).toBeLessThan(1e-8);
  });
});

describe("a picture", () => {
  const draw = (label: number, seed: number, turn = 0): Uint8Array =>
    new Renderer(64).render(labelModel(label, seed, 64), { rotation: rotation("y", turn), exposure: 1, grain: 1 });
  const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

  it("has the same pixels on every machine", () => {
    expect(hash(draw(0, 1)).slice(0, 16)).toBe("c63815fa344d8544");
  });

  it("changes with the seed, the label and the view", () => {
    const pictures = [draw(0, 1), draw(0, 2), draw(1, 1), draw(0, 1, 0.3)].map(hash);
    expect(new Set(pictures).size).toBe(pictures.length);
  });

  it.each(FRUITS.map((fruit, index) => [fruit.name, index] as const))(
    "of %s fills its frame on white",
    (_name, index) => {
      const pixels = draw(index, 1);
      const white = (x: number, y: number): boolean => [0, 1, 2].every((k) => pixels[(y * 64 + x) * 3 + k] === 255);
      for (const [x, y] of [
        [0, 0],
        [63, 0],
        [0, 63],
        [63, 63],
      ] as const)
        expect(white(x, y)).toBe(true);
      let covered = 0;
      let minX = 64;
      let maxX = -1;
      let minY = 64;
      let maxY = -1;
      const shades = new Set<number>();
      for (let y = 0; y < 64; y++) {
        for (let x = 0; x < 64; x++) {
          if (white(x, y)) continue;
          covered++;
          minX = Math.min(minX, x);
          maxX = Math.max(maxX, x);
          minY = Math.min(minY, y);
          maxY = Math.max(maxY, y);
          shades.add(pixels[(y * 64 + x) * 3] ?? 0);
        }
      }
      expect(Math.max(maxX - minX, maxY - minY)).toBeGreaterThanOrEqual(58);
      expect(covered / 64 ** 2).toBeGreaterThan(0.15);
      // Shaded, not a flat silhouette.
      expect(shades.size).toBeGreaterThan(25);
    },
  );
});

describe("a sample", () => {
  it("has the Fruits-360 layout, four to one, and images of the size asked for", async () => {
    const summary = await drawSample(request("layout", { images: 32 }));
    expect(summary).toMatchObject({ images: 32, training: 26, test: 6, seed: 1, size: 48 });
    expect(summary.labels).toEqual(["Apple Braeburn 1", "Banana 1", "Orange 1"]);
    const files = Object.keys(contents(summary.folder)).filter((name) => name.endsWith(".jpg"));
    expect(files).toHaveLength(32);
    for (const name of files) expect(name).toMatch(/^(Training|Test)\/(Apple Braeburn|Banana|Orange) 1\/\d+_48\.jpg$/);
    // No frame is in both halves.
    expect(new Set(files.map((name) => name.replace(/^\w+\//, ""))).size).toBe(32);
    expect(await probeImage(path.join(summary.folder, files[0] ?? ""))).toMatchObject({
      ok: true,
      format: "jpeg",
      width: 48,
      height: 48,
    });
  });

  it("is the same bytes for the same seed and others for another", async () => {
    await drawSample(request("same-a"));
    await drawSample(request("same-b"));
    await drawSample(request("other", { seed: 2 }));
    const [a, b, other] = ["same-a", "same-b", "other"].map((name) => contents(path.join(work, name)));
    expect(a).toEqual(b);
    const images = Object.keys(a ?? {}).filter((name) => name.endsWith(".jpg"));
    expect(images).toHaveLength(30);
    for (const name of images) expect(other?.[name]).not.toBe(a?.[name]);
  });

  it("replaces an earlier sample and leaves what others put there", async () => {
    const folder = path.join(work, "again");
    await drawSample(request("again", { images: 40, labels: 4 }));
    const mine = path.join(folder, "Training", "Tomato Red 1", "mine.txt");
    writeFileSync(mine, "mine");
    await drawSample(request("again"));
    const names = Object.keys(contents(folder));
    expect(names.filter((name) => name.endsWith(".jpg"))).toHaveLength(30);
    expect(readFileSync(mine, "utf8")).toBe("mine");
    expect(existsSync(path.join(folder, "Test", "Tomato Red 1"))).toBe(false);
  });

  it("refuses a folder that holds something else, unless forced", async () => {
    const folder = path.join(work, "taken");
    mkdirSync(folder);
    writeFileSync(path.join(folder, "notes.txt"), "mine");
    await expect(drawSample(request("taken"))).rejects.toMatchObject({ code: "sample/not-empty" });
    expect(readdirSync(folder)).toEqual(["notes.txt"]);
    await drawSample(request("taken", { force: true }));
    expect(readFileSync(path.join(folder, "notes.txt"), "utf8")).toBe("mine");
  });

  it("never follows a marker out of its folder", async () => {
    const outside = path.join(work, "outside.jpg");
    writeFileSync(outside, "mine");
    const folder = path.join(work, "forged");
    mkdirSync(folder);
    writeFileSync(path.join(folder, ".verger-sample.json"), JSON.stringify({ files: ["../outside.jpg", outside] }));
    await drawSample(request("forged"));
    expect(readFileSync(outside, "utf8")).toBe("mine");
  });

  it("stops when asked, and can then be drawn again", async () => {
    const controller = new AbortController();
    const drawing = drawSample(request("stopped"), {
      signal: controller.signal,
      onProgress: (done) => {
        if (done === 5) controller.abort();
      },
    });
    await expect(drawing).rejects.toMatchObject({ code: "cancelled" });
    const names = Object.keys(contents(path.join(work, "stopped")));
    expect(names.length).toBeLessThan(30);
    expect(names.filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect(await drawSample(request("stopped"))).toMatchObject({ images: 30 });
  });

  it("refuses fewer images than labels", async () => {
    await expect(drawSample(request("few", { images: 2 }))).rejects.toMatchObject({ code: "request/invalid" });
    expect(existsSync(path.join(work, "few"))).toBe(false);
  });

  it("names every label once, however many", () => {
    const names = Array.from({ length: 500 }, (_, index) => labelName(index));
    expect(new Set(names).size).toBe(500);
    expect(names[FRUITS.length]).toBe("Apple Braeburn 2");
  });
});
