/** Thumbnails that are kept while photos are embedded. */
import { mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { microseconds } from "../../src-main/core/manifest/walk.js";
import { DiskCache } from "../../src-main/core/thumbnails/disk-cache.js";
import { thumbnailKey } from "../../src-main/core/thumbnails/thumbnails.js";
import { encodeJpeg, probeImage } from "../../src-main/native/image.js";
import { cliJson } from "../support/run-cli.js";
import { resultHashes } from "../support/run-folder.js";
import { imagesBelow, workFolder } from "../support/run-photos.js";

const { folder, dispose } = workFolder("thumbnails");
const photos = path.join(folder, "photos");
const home = path.join(folder, "home");
const env = { VERGER_HOME: home };
const cacheFolder = path.join(home, "cache", "thumbnails");
const LARGE = 12;
const SMALL = 8;

async function draw(name: string, width: number, height: number, count: number): Promise<void> {
  mkdirSync(path.join(photos, name), { recursive: true });
  for (let index = 0; index < count; index += 1) {
    const pixels = new Uint8Array(width * height * 3).map((_, at) => (at * (index + 3)) % 251);
    writeFileSync(path.join(photos, name, `${index}.jpg`), await encodeJpeg(pixels, width, height, 85));
  }
}

beforeAll(async () => {
  await draw("large", 600, 400, LARGE);
  await draw("small", 100, 100, SMALL);
});
afterAll(dispose);

const kept = (): string[] =>
  readdirSync(cacheFolder, { recursive: true, encoding: "utf8" }).filter((name) => /[0-9a-f]{64}$/.test(name));

describe("run --thumbnails", () => {
  it("gives the same features and keeps what the window looks for, of large photos alone", async () => {
    const plain = path.join(folder, "plain");
    const out = path.join(folder, "run");
    await cliJson(["run", photos, "--out", plain, "--preset", "fast"], 0, { env });
    expect(() => kept()).toThrow("ENOENT");
    await cliJson(["run", photos, "--out", out, "--preset", "fast", "--thumbnails"], 0, { env });
    expect(resultHashes(out)).toEqual(resultHashes(plain));
    expect(kept()).toHaveLength(LARGE);
    const cache = new DiskCache(cacheFolder, 2 ** 30);
    for (const name of imagesBelow(photos)) {
      const file = path.join(realpathSync(photos), name);
      const stat = statSync(file);
      const jpeg = await cache.get(thumbnailKey(file, 256, { size: stat.size, mtimeUs: microseconds(stat) }));
      if (name.startsWith("small/")) expect(jpeg).toBeUndefined();
      else expect(jpeg && (await probeImage(jpeg))).toMatchObject({ ok: true, width: 256, height: 171 });
    }
  });
});
