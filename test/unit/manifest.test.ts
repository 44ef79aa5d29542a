import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { labelRule } from "../../src-main/core/manifest/label.js";
import { commonFolder, ManifestBuilder } from "../../src-main/core/manifest/manifest.js";
import { compareCodePoints, Pacer, sortedOrder } from "../../src-main/core/manifest/order.js";
import { escapeBytes } from "../../src-main/core/manifest/walk.js";

const pacer = () => new Pacer(undefined);
const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** A fixed stream of numbers in [0, 1): the same cases on every machine. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("order", () => {
  const pieces = [
    "a",
    "b",
    "B",
    "-",
    "/",
    ".",
    "0",
    "é",
    "e\u0301",
    "りんご",
    "\uff21",
    "\ufffd",
    "🍎",
    "🍏",
    "\u{10ffff}",
    "\n",
  ];
  const next = random(7);
  const name = () =>
    Array.from({ length: 1 + Math.floor(next() * 5) }, () => pieces[Math.floor(next() * pieces.length)]).join("");

  it("compares as the UTF-8 bytes do", () => {
    for (let i = 0; i < 20_000; i++) {
      const [a, b] = [name(), name()];
      expect(Math.sign(compareCodePoints(a, b)), JSON.stringify([a, b])).toBe(bytewise(a, b));
    }
    // The case that JavaScript's own order gets wrong.
    expect("🍎" < "\uff21").toBe(true);
    expect(compareCodePoints("🍎", "\uff21")).toBeGreaterThan(0);
  });

  it.each([
    ["with characters beyond U+FFFF", name],
    ["without", () => `photo ${Math.floor(next() * 5_000)}.jpg`],
  ])("sorts lists longer than a chunk stably, %s", async (_, make) => {
    for (const count of [0, 1, 2, 8191, 8192, 8193, 16_384, 30_001]) {
      const keys = Array.from({ length: count }, make);
      const expected = keys.map((_, i) => i).sort((i, j) => bytewise(keys[i] as string, keys[j] as string) || i - j);
      expect([...(await sortedOrder(keys, pacer()))]).toEqual(expected);
    }
  });

  it("stops between slices when cancelled", async () => {
    const controller = new AbortController();
    const keys = Array.from({ length: 300_000 }, () => String(next()));
    const sorting = sortedOrder(keys, new Pacer(controller.signal, () => controller.abort()));
    await expect(sorting).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("labels", () => {
  it("come from the parent folder, from nowhere, or from the file's name", () => {
    expect(labelRule("parent")("Pomme d'api", "a.jpg")).toBe("Pomme d'api");
    expect(labelRule("parent")("", "a.jpg")).toBeNull();
    expect(labelRule("none")("apple", "a.jpg")).toBeNull();
    expect(labelRule("filename:^([a-z]+)_")("x", "apple_12.jpg")).toBe("apple");
    expect(labelRule("filename:^([a-z]+)_")("apple_1", "12.jpg")).toBeNull();
    expect(labelRule("filename:^(\\d+)-(?<label>\\p{L}+)")("x", "12-pêche.jpg")).toBe("pêche");
    expect(labelRule("filename:^(\\w*)\\-")("x", "-1.jpg")).toBeNull();
    expect(labelRule("filename:(?<other>a)(b)|(?<label>c)")("x", "ab.jpg")).toBeNull();
  });

  it.each([
    ["folder", "parent, none or filename:"],
    ["filename:([a-z", "valid regular expression"],
    ["filename:^[a-z]+", "has none"],
    ["filename:^(?:a|b)\\(", "has none"],
    ["filename:", "has none"],
  ])("refuse %s", (text, sentence) => {
    expect(() => labelRule(text)).toThrowError(
      expect.objectContaining({ code: "manifest/label-from", message: expect.stringContaining(sentence) }),
    );
  });
});

describe("builder", () => {
  it("makes paths relative to what all sources share, each once, and hashes them in order", async () => {
    const builder = new ManifestBuilder();
    builder.beginSource("/d/b", "/d/b");
    builder.add("2.jpg", { label: "b", size: 2, mtimeUs: 20 });
    builder.add("🍎/1.jpg", { label: null, size: 1, mtimeUs: 10 });
    builder.beginSource("/d/list.csv", "/d");
    builder.add("b/2.jpg", { label: "named", labelStated: true, size: 2, mtimeUs: 20 });
    builder.add("b/2.jpg", { label: "other", labelStated: true, size: 2, mtimeUs: 20 });
    builder.add("a.jpg", { label: "d", size: 3, mtimeUs: 30, etag: '"e"' });
    const manifest = await builder.finish(pacer());
    expect(manifest.root).toBe("/d");
    expect([...manifest.entries].map(({ file, problem, ...entry }) => entry)).toEqual([
      { path: "a.jpg", label: "d", size: 3, mtimeUs: 30, etag: '"e"' },
      { path: "b/2.jpg", label: "named", size: 2, mtimeUs: 20, etag: null },
      { path: "b/🍎/1.jpg", label: null, size: 1, mtimeUs: 10, etag: null },
    ]);
    expect(manifest.labels).toEqual(["d", "named"]);
    expect(manifest.notices.map(({ message }) => message)).toEqual([
      "2 images named more than once: each counts once.",
      '1 image stated with different labels, first "b/2.jpg": the first label is kept.',
    ]);
    const lines = '["a.jpg","d",3,30,"\\"e\\""]\n["b/2.jpg","named",2,20,null]\n["b/🍎/1.jpg",null,1,10,null]\n';
    expect(manifest.digest).toBe(createHash("sha256").update(lines).digest("hex"));
    expect(() => manifest.entries.at(3)).toThrow(RangeError);
  });

  it("takes a word written in two ways for one label, and keeps the paths as they are", async () => {
    const builder = new ManifestBuilder();
    builder.beginSource("/d", "/d");
    for (const folder of ["P\u00eache", "Pe\u0302che"]) builder.add(`${folder}/1.jpg`, { label: folder });
    const manifest = await builder.finish(pacer());
    expect(manifest.labels).toEqual(["P\u00eache"]);
    expect([...manifest.entries].map(({ path, label }) => [path, label])).toEqual([
      ["Pe\u0302che/1.jpg", "P\u00eache"],
      ["P\u00eache/1.jpg", "P\u00eache"],
    ]);
    expect(labelRule("filename:^(p\u00eache)_")("x", "pe\u0302che_1.jpg")).toBe("p\u00eache");
  });

  it("finds the folder around folders", () => {
    expect(commonFolder(["/a/b", "/a/bc/d"])).toBe("/a");
    expect(commonFolder(["/a/b/c", "/a/b"])).toBe("/a/b");
    expect(commonFolder(["/a", "/b"])).toBe("/");
    expect(commonFolder([])).toBe("");
  });

  it("holds 100,000 images in at most 200 bytes each", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const used = () => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const build = (count: number) => {
      const builder = new ManifestBuilder();
      builder.beginSource("/photos", "/photos");
      for (let i = 0; i < count; i++) {
        const label = `Variety ${i % 131}`;
        builder.add(`Training/${label}/r_${i}_100.jpg`, { label, size: 4000 + (i % 997), mtimeUs: 1.7e15 + i });
      }
      return builder.finish(pacer());
    };
    await build(10);
    const before = used();
    const manifest = await build(100_000);
    const perImage = (used() - before) / manifest.entries.length;
    expect(manifest.entries.length).toBe(100_000);
    expect(perImage).toBeGreaterThan(40);
    expect(perImage).toBeLessThan(200);
  });
});

it("shows bytes that are not UTF-8", () => {
  expect(escapeBytes(Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x2e, 0xf0, 0x9f, 0x8d, 0x8e, 0xf0, 0x9f]))).toBe(
    "caf\\xE9.🍎\\xF0\\x9F",
  );
});
