import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { compareCodePoints, Pacer } from "../../src-main/core/manifest/order.js";
import { compareSides, type Direction, type Findings } from "../../src-main/storage/sync/compare.js";
import { Cursor } from "../../src-main/storage/sync/cursor.js";
import type { Entry } from "../../src-main/storage/sync/entry.js";
import { disorder } from "../../src-main/storage/sync/listing.js";
import { SpooledQueue } from "../../src-main/storage/sync/queue.js";
import { type Known, SyncState } from "../../src-main/storage/sync/state.js";
import { walkFolder } from "../../src-main/storage/sync/walk.js";
import { workFolder } from "../support/run-photos.js";

const { folder, dispose } = workFolder("sync-state");
let home = "";
let number = 0;
beforeEach(() => {
  home = path.join(folder, String(++number));
  vi.stubEnv("VERGER_HOME", home);
});
afterAll(() => {
  vi.unstubAllEnvs();
  dispose();
});

const open = () => SyncState.open(["/a", "s3://b", ""], ["s3://b", ""]);
const fact = (key: string, version: number): Known => ({
  key,
  size: version,
  source: { etag: "", modifiedMs: version + 0.25 },
  target: { etag: `e${version}`, modifiedMs: 0 },
});

async function allOf<T extends { readonly key: string }>(cursor: Cursor<T>): Promise<T[]> {
  const all: T[] = [];
  await cursor.load();
  while (cursor.current !== undefined) {
    all.push(cursor.current);
    if (!cursor.advance()) await cursor.load();
  }
  return all;
}

describe("the state of a sync", () => {
  it("keeps facts over processes, the latest of each key, in order of the keys' bytes", async () => {
    const state = await open();
    for (const key of ["b", "\u{1f350}", "a", "\uff21", "b"]) state.add(fact(key, key === "b" ? 7 : 1));
    state.add(fact("b", 8));
    state.close();
    const next = await open();
    const expected = [fact("a", 1), fact("b", 8), fact("\uff21", 1), fact("\u{1f350}", 1)];
    expect(await allOf(next.known())).toEqual(expected);
    // A base that was committed counts less than what was added later.
    next.keep(fact("a", 2));
    next.keep(fact("b", 2));
    next.commit();
    next.add(fact("b", 3));
    next.close();
    const last = await open();
    expect(await allOf(last.known())).toEqual([fact("a", 2), fact("b", 3)]);
    last.close();
  });

  it("survives a kill at any moment: what was cut short is left out", async () => {
    const state = await open();
    state.add(fact("a", 1));
    state.add(fact("b", 1));
    const { folder: files } = state;
    // Nothing is closed: as after SIGKILL, but for the lock that the system frees then.
    state.keep(fact("a", 99));
    const journal = path.join(files, "journal-000001.ndjson");
    expect(readFileSync(journal, "utf8").split("\n")).toHaveLength(3);
    appendFileSync(journal, '["c",1,"');
    state.close();
    writeFileSync(path.join(files, "state.tmp"), "half");
    writeFileSync(path.join(files, "small.tmp"), "a queue");
    const next = await open();
    expect((await allOf(next.known())).map(({ key }) => key)).toEqual(["a", "b"]);
    expect(readdirSync(files).sort()).toEqual(["lock", "state.ndjson", "uploads"]);
    next.close();
    // A state that does not end as it should is no state: everything is compared again.
    const file = path.join(files, "state.ndjson");
    truncateSync(file, readFileSync(file).length - 3);
    const third = await open();
    expect(await allOf(third.known())).toEqual([]);
    third.close();
  });

  it("merges more facts than it sorts at once", async () => {
    const state = await open();
    for (let index = 0; index < 70_000; index += 1) state.add(fact(`k${(index * 7919) % 70_000}`, index));
    state.close();
    const next = await open();
    const all = await allOf(next.known());
    expect(all).toHaveLength(70_000);
    expect(all.every(({ key }, index) => index === 0 || compareCodePoints(all[index - 1]?.key ?? "", key) < 0)).toBe(
      true,
    );
    next.close();
  });

  it("is one process's at a time", async () => {
    const state = await open();
    await expect(open()).rejects.toMatchObject({ code: "sync/in-use" });
    // Another source into the same target would undo the work of the first.
    await expect(SyncState.open(["/other", "s3://b", ""], ["s3://b", ""])).rejects.toMatchObject({
      code: "sync/in-use",
    });
    state.close();
    (await open()).close();
  });

  it("says where it cannot be kept", async () => {
    writeFileSync(home, "a file");
    await expect(open()).rejects.toMatchObject({ code: "sync/state" });
  });
});

describe("the queue", () => {
  it("gives back in order what does not fit into memory, to consumers that come and wait", async () => {
    const file = path.join(folder, `queue-${number}`);
    const queue = new SpooledQueue<{ n: number; text: string }>(file);
    const taken: number[] = [];
    const consumer = async () => {
      for (let item = await queue.take(); item; item = await queue.take()) {
        taken.push(item.n);
        expect(item.text).toBe(`é🍐${item.n}`);
        if (item.n % 100 === 0) await new Promise(setImmediate);
      }
    };
    const consumers = [consumer(), consumer(), consumer()];
    for (let n = 0; n < 20_000; n += 1) {
      queue.push({ n, text: `é🍐${n}` });
      if (n % 3000 === 0) await new Promise(setImmediate);
    }
    queue.end();
    await Promise.all(consumers);
    expect(taken).toHaveLength(20_000);
    expect([...taken].sort((a, b) => a - b)).toEqual(Array.from({ length: 20_000 }, (_, n) => n));
    queue.close();
    expect(readdirSync(folder)).not.toContain(path.basename(file));
  });
});

describe("the walk", () => {
  const walk = async (root: string, followLinks = true): Promise<Entry[]> => {
    const entries: Entry[] = [];
    for await (const page of walkFolder(root, { followLinks })) entries.push(...page);
    return entries;
  };

  it("gives keys in the order of their UTF-8 bytes, folders as their names with a slash", async () => {
    const root = path.join(home, "tree");
    const files = [
      "a",
      "a.txt",
      "a b/c",
      "a-b",
      "a0",
      "d/e/f",
      "d/e.g",
      "d.h",
      "\uff21",
      "\u{1f350}/x",
      "\ufffd",
      "Z",
      "é",
    ];
    for (const key of ["b/z", "b.a", "b-/q", ...files.filter((key) => key !== "a"), "a1/a"]) {
      mkdirSync(path.dirname(path.join(root, key)), { recursive: true });
      writeFileSync(path.join(root, key), "x");
    }
    const keys = (await walk(root)).map(({ key }) => key);
    const byBytes = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(keys).toEqual(byBytes);
    expect(keys).toEqual(expect.arrayContaining(["d/", "d/e/", "d/e/f", "\u{1f350}/x", "\ufffd", "b.a", "b/z"]));
  });

  it.skipIf(process.platform === "win32")("names what it cannot take", async () => {
    const root = path.join(home, "odd");
    mkdirSync(path.join(root, "sub"), { recursive: true });
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xe9])]), "latin1");
    symlinkSync("..", path.join(root, "sub", "up"));
    symlinkSync("/", path.join(root, "sub", "rootward"));
    symlinkSync("gone", path.join(root, "dangling"));
    expect(spawnSync("mkfifo", [path.join(root, "pipe")]).status).toBe(0);
    const problems = (entries: Entry[]) =>
      entries.filter(({ kind }) => kind === "problem").map(({ key, problem }) => `${key} ${problem?.code}`);
    expect(problems(await walk(root))).toEqual([
      "dangling sync/unreadable",
      "f\\xE9 sync/name-encoding",
      "pipe sync/special",
      "sub/rootward/ sync/loop",
      "sub/up/ sync/loop",
    ]);
    expect(problems(await walk(root, false))).toEqual([
      "dangling sync/link",
      "f\\xE9 sync/name-encoding",
      "pipe sync/special",
      "sub/rootward sync/link",
      "sub/up sync/link",
    ]);
  });
});

describe("the comparison", () => {
  const object = (key: string, content: number, modifiedMs = 1000): Entry => ({
    ...{ key, kind: "file", size: 10, etag: content.toString(16).padStart(32, "0"), modifiedMs },
    problem: undefined,
  });
  const file = (key: string, modifiedMs = 5, size = 10): Entry => ({ ...object(key, 0), etag: "", modifiedMs, size });

  async function* inPages<T>(items: readonly T[], size: number): AsyncGenerator<readonly T[]> {
    for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
  }
  const sorted = <T extends { key: string }>(items: readonly T[]) =>
    [...items].sort((a, b) => compareCodePoints(a.key, b.key));

  async function compare(
    direction: Direction,
    source: readonly Entry[],
    target: readonly Entry[],
    known: readonly Known[] = [],
    rules: { overwrite?: boolean; filter?: (key: string) => boolean } = {},
  ) {
    const found: string[] = [];
    const kept: Known[] = [];
    const say = (what: string) => (key: string) => void found.push(`${what} ${key}`);
    const findings: Findings = {
      copy: ({ action, key, target: standing }) => void found.push(`${action} ${key}${standing ? "!" : ""}`),
      folder: say("folder"),
      unchanged: () => void found.push("same"),
      extra: say("extra"),
      skipped: say("skip"),
      conflict: (key, _, { code }) => void found.push(`${code} ${key}`),
      unreadable: (key, { code }) => void found.push(`${code} ${key}`),
      keep: (record) => void kept.push(record),
    };
    const cursor = <T extends { key: string }>(items: readonly T[]) =>
      new Cursor(inPages(items, 3), disorder("a test"));
    await compareSides(
      { source: cursor(source), target: cursor(target), known: cursor(known) },
      { direction, overwrite: true, names: "portable", targetPrefix: "", filter: () => true, ...rules },
      findings,
      new Pacer(undefined),
    );
    return { found, kept };
  }
  const record = (key: string, source: Entry, target: Entry): Known => ({
    ...{ key, size: source.size },
    source: { etag: source.etag, modifiedMs: source.modifiedMs },
    target: { etag: target.etag, modifiedMs: target.modifiedMs },
  });

  it("leaves alone what is known to be the same, and proves the rest by content", async () => {
    const [a, b] = [file("a"), object("a", 1)];
    expect((await compare("upload", [a], [b], [record("a", a, b)])).found).toEqual(["same"]);
    expect((await compare("upload", [a], [b])).found).toEqual(["verify a!"]);
    // Its time has changed: perhaps the content.
    expect((await compare("upload", [file("a", 6)], [b], [record("a", a, b)])).found).toEqual(["verify a!"]);
    // The object is another, the file is not: no need to read it.
    expect((await compare("upload", [a], [object("a", 2)], [record("a", a, b)])).found).toEqual(["copy a!"]);
    expect((await compare("download", [object("a", 2)], [a], [record("a", b, a)])).found).toEqual(["copy a!"]);
    // Newer with the same ETag.
    expect((await compare("download", [object("a", 1, 9000)], [a], [record("a", b, a)])).found).toEqual(["verify a!"]);
    // Written by us: its time was not known then, and is remembered now.
    const known = record("a", a, { ...b, modifiedMs: 0 });
    expect(await compare("upload", [a], [b], [known])).toEqual({ found: ["same"], kept: [record("a", a, b)] });
    expect((await compare("upload", [file("a", 5, 11)], [b], [record("a", a, b)])).found).toEqual(["copy a!"]);
    expect((await compare("copy", [b], [b])).found).toEqual(["same"]);
    expect((await compare("copy", [b], [object("a", 2)])).found).toEqual(["copy a!"]);
    expect((await compare("upload", [a], [b], [], { overwrite: false })).found).toEqual(["skip a"]);
  });

  it("keeps facts about keys that the filter hides, and drops those of keys that are gone", async () => {
    const facts = ["a", "b", "c", "d"].map((key) => record(key, file(key), object(key, 1)));
    const { found, kept } = await compare("upload", [file("a"), file("d")], [object("a", 1), object("b", 1)], facts, {
      filter: (key) => key !== "b" && key !== "c",
    });
    expect(found).toEqual(["same", "copy d"]);
    expect(kept.map(({ key }) => key)).toEqual(["a", "b", "c"]);
  });

  it("takes nothing for extra below a folder that could not be read", async () => {
    const blind: Entry = { ...file("b/"), kind: "problem", problem: { code: "sync/unreadable", message: "" } };
    const { found } = await compare(
      "upload",
      [blind],
      ["a", "b/1", "b/2/3", "b0", "c"].map((key) => object(key, 1)),
    );
    expect(found).toEqual(["extra a", "sync/unreadable b/", "extra b0", "extra c"]);
  });

  it("finds what a comparison of whole sets finds, whatever the two sides hold", async () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 200; round += 1) {
      const keys = Array.from(
        { length: 30 },
        (_, index) => `${index % 4}/${String.fromCodePoint(0x61 + random(26))}${index}`,
      );
      const source = sorted(keys.filter(() => random(3) > 0).map((key) => file(key, random(3))));
      const target = sorted(keys.filter(() => random(3) > 0).map((key) => object(key, random(3))));
      const facts = sorted(
        keys.filter(() => random(2) > 0).map((key) => record(key, file(key, random(3)), object(key, random(3)))),
      );
      const { found } = await compare("upload", source, target, facts);
      const expected = [...new Set([...source, ...target].map(({ key }) => key))].sort(compareCodePoints).map((key) => {
        const from = source.find((entry) => entry.key === key);
        const to = target.find((entry) => entry.key === key);
        const fact = facts.find((one) => one.key === key);
        if (!from) return `extra ${key}`;
        if (!to) return `copy ${key}`;
        const fileKnown = fact?.source.modifiedMs === from.modifiedMs;
        if (fileKnown && fact?.target.etag === to.etag) return "same";
        return `${fileKnown ? "copy" : "verify"} ${key}!`;
      });
      expect(found).toEqual(expected);
    }
  });

  it("stops where names do not ascend: what seems to be missing may only be out of place", async () => {
    const late = [object("b", 1), object("a", 1)];
    await expect(compare("download", late, [])).rejects.toMatchObject({ code: "sync/order" });
    await expect(compare("upload", [], [object("a", 1), object("a", 1)])).rejects.toMatchObject({ code: "sync/order" });
  });
});
