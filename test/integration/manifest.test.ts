import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildSync } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Manifest, type ScanOptions, scanSources } from "../../src-main/core/manifest/index.js";

let home = "";
beforeEach(() => {
  // The name itself looks like a pattern: every test also proves that it is not taken for one.
  home = mkdtempSync(path.join(tmpdir(), "verger [manifest] "));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Creates files below the test's folder; the content is the name. */
function files(...names: string[]): void {
  for (const name of names) {
    const file = path.join(home, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, name);
  }
}
const scan = (source: string | string[] = "", options?: ScanOptions) =>
  scanSources(
    [source].flat().map((name) => path.join(home, name)),
    options,
  );
const paths = (manifest: Manifest) => [...manifest.entries].map((entry) => entry.path);
const sentences = (manifest: Manifest) => manifest.notices.map(({ message }) => message);
const labels = (manifest: Manifest) => [...manifest.entries].map((entry) => entry.label);
const failure = (code: string, ...parts: string[]) => ({
  code,
  message: expect.stringMatching(
    new RegExp(parts.map((part) => `(?=[^]*${part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")})`).join("")),
  ),
});

describe("a folder", () => {
  it("gives its images with size, time, label and path, other files counted", async () => {
    files(
      "t/Apple/1.JPG",
      "t/Apple/2.jpeg",
      "t/Apple/3.jpe",
      "t/Pêche/1.jfif",
      "t/Pêche/2.png",
      "t/top.WebP",
      "t/x.heic",
      "t/README",
      "t/jpg",
    );
    utimesSync(path.join(home, "t/top.WebP"), 1_700_000_000.25, 1_700_000_000.25);
    const manifest = await scan("t");
    expect(paths(manifest)).toEqual([
      "Apple/1.JPG",
      "Apple/2.jpeg",
      "Apple/3.jpe",
      "Pêche/1.jfif",
      "Pêche/2.png",
      "top.WebP",
    ]);
    expect(labels(manifest)).toEqual(["Apple", "Apple", "Apple", "Pêche", "Pêche", "t"]);
    expect(manifest.labels).toEqual(["Apple", "Pêche", "t"]);
    expect(manifest.entries.at(5)).toEqual({
      path: "top.WebP",
      file: path.join(home, "t/top.WebP"),
      label: "t",
      size: 10,
      mtimeUs: 1_700_000_000_250_000,
      etag: null,
      problem: null,
    });
    expect(manifest.sources).toEqual([path.join(home, "t")]);
    expect(sentences(manifest)).toEqual(["3 files ignored: not images (no extension, .heic)."]);
  });

  it("sorts by bytes and keeps names exactly as on disk", async () => {
    const names = [
      "a/z.jpg",
      "a-b/1.jpg",
      "a.jpg",
      "B.jpg",
      "é.jpg",
      "e\u0301.jpg",
      "🍎.jpg",
      "\uff21.jpg",
      "\ufffd.jpg",
      "りんご/林檎.jpg",
      "two\nlines.jpg",
      "a  b.jpg",
      "back\\slash.jpg",
      "'q\".jpg",
    ];
    files(...names);
    const manifest = await scan();
    expect(paths(manifest)).toEqual(names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    for (const entry of manifest.entries) expect(statSync(entry.file).size).toBe(Buffer.byteLength(entry.path));
  });

  it("has the same digest until a name, size, time or label changes", async () => {
    files("a/1.jpg", "b/2.jpg");
    const digest = async (options?: ScanOptions) => (await scan("", options)).digest;
    const first = await digest();
    expect(await digest()).toBe(first);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await digest({ labelFrom: "none" })).not.toBe(first);
    const { atime, mtime } = statSync(path.join(home, "a/1.jpg"));
    writeFileSync(path.join(home, "a/1.jpg"), "changed!");
    utimesSync(path.join(home, "a/1.jpg"), atime, mtime);
    const resized = await digest();
    expect(resized).not.toBe(first);
    utimesSync(path.join(home, "a/1.jpg"), atime, new Date(mtime.getTime() + 1000));
    expect(await digest()).not.toBe(resized);
  });

  it("skips hidden names and Verger's own runs, and says so", async () => {
    files("a.jpg", ".b.jpg", ".DS_Store", ".cache/c.jpg", "run/thumbs/d.jpg", "other/e.jpg");
    writeFileSync(path.join(home, "run/run.json"), JSON.stringify({ schemaVersion: 1 }));
    writeFileSync(path.join(home, "other/run.json"), JSON.stringify({ distance: "5 km" }));
    const manifest = await scan();
    expect(paths(manifest)).toEqual(["a.jpg", "other/e.jpg"]);
    expect(sentences(manifest)).toEqual([
      "1 file ignored: not images (.json).",
      '2 hidden names skipped, first ".b.jpg": names that start with a dot are not read.',
      `1 run folder skipped, first "run": Verger's own output is not a source.`,
    ]);
    // Named outright, a hidden folder and a folder that holds a run are sources like any other.
    expect(paths(await scan(".cache"))).toEqual(["c.jpg"]);
    expect(paths(await scan("run"))).toEqual(["thumbs/d.jpg"]);
  });

  it("follows links once, through loops, and sets broken ones aside", async () => {
    files("in/a/1.jpg", "in/b/2.jpg", "out/3.jpg", "out/deep/4.jpg");
    symlinkSync("..", path.join(home, "in/a/up"));
    symlinkSync(".", path.join(home, "in/a/self"));
    symlinkSync("../b", path.join(home, "in/a/b-again"));
    symlinkSync("../out", path.join(home, "in/linked"));
    symlinkSync("../in", path.join(home, "out/back"));
    symlinkSync("../..", path.join(home, "out/deep/around"));
    symlinkSync("b/2.jpg", path.join(home, "in/same.jpg"));
    symlinkSync("nowhere.jpg", path.join(home, "in/broken.jpg"));
    symlinkSync("circle.jpg", path.join(home, "in/circle.jpg"));
    symlinkSync("gone", path.join(home, "in/gone"));
    linkSync(path.join(home, "in/a/1.jpg"), path.join(home, "in/hard.jpg"));
    const manifest = await scan("in");
    expect(paths(manifest)).toEqual([
      "a/1.jpg",
      "b/2.jpg",
      "broken.jpg",
      "circle.jpg",
      "hard.jpg",
      "linked/3.jpg",
      "linked/deep/4.jpg",
      "same.jpg",
    ]);
    expect([...manifest.entries].map(({ problem }) => problem?.code)).toEqual([
      undefined,
      undefined,
      "source/broken-link",
      "source/broken-link",
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(manifest.entries.at(7).size).toBe("in/b/2.jpg".length);
    expect(sentences(manifest)).toContain(
      `5 linked folders skipped, first "a/b-again": a folder is read only once, by its own name.`,
    );
  });

  it("never opens pipes", async () => {
    files("a.jpg");
    execFileSync("mkfifo", [path.join(home, "pipe.jpg")]);
    symlinkSync("pipe.jpg", path.join(home, "link.jpg"));
    const manifest = await scan();
    expect(paths(manifest)).toEqual(["a.jpg"]);
    expect(sentences(manifest)).toEqual(["2 files ignored: not images (.jpg)."]);
  });

  it("sets names aside that are not UTF-8", async (test) => {
    files("ok.jpg", "genuine \ufffd.jpg");
    const bytes = (name: string) => Buffer.concat([Buffer.from(`${home}/`), Buffer.from(name, "latin1")]);
    try {
      writeFileSync(bytes("caf\xe9.jpg"), "x");
      mkdirSync(bytes("dossier\xe9"));
    } catch {
      test.skip("this file system refuses names that are not UTF-8");
    }
    const manifest = await scan();
    expect(paths(manifest)).toEqual(["caf\\xE9.jpg", "genuine \ufffd.jpg", "ok.jpg"]);
    expect([...manifest.entries].map(({ problem }) => problem?.code)).toEqual([
      "source/name-encoding",
      undefined,
      undefined,
    ]);
    expect(sentences(manifest)).toEqual(['1 name skipped, first "dossier\\xE9": not in UTF-8, rename it.']);
  });

  it("says what it found when it holds no image", async () => {
    mkdirSync(path.join(home, "empty"));
    files("texts/a.txt", "texts/b.txt", "texts/c.heic");
    await expect(scan("empty")).rejects.toMatchObject(
      failure("source/empty", ".jpg, .jpeg, .jpe, .jfif, .png, .webp", "found none"),
    );
    await expect(scan("texts")).rejects.toMatchObject(failure("source/empty", "only 3 other files (.txt, .heic)"));
    await expect(scan("absent")).rejects.toMatchObject(failure("source/missing", path.join(home, "absent")));
    await expect(scan("texts/a.txt/x")).rejects.toMatchObject(failure("source/missing"));
    await expect(scanSources([])).rejects.toMatchObject(failure("source/missing"));
    await expect(scanSources(["s3://bucket/photos"])).rejects.toMatchObject(failure("source/unsupported", "s3"));
    await expect(scan("texts/c.heic")).rejects.toMatchObject(failure("source/unsupported", "c.heic"));
  });

  it("goes on past folders that it may not read", async (test) => {
    files("open/1.jpg", "shut/2.jpg");
    // Root reads everything, so the scan runs as nobody.
    const bundle = path.join(home, "scan.cjs");
    buildSync({
      entryPoints: [path.resolve("src-main/core/manifest/index.ts")],
      bundle: true,
      platform: "node",
      format: "cjs",
      outfile: bundle,
    });
    const program = `require(${JSON.stringify(bundle)}).scanSources([process.argv[1]]).then(
      (m) => console.log(JSON.stringify({ paths: [...m.entries].map((e) => e.path), notices: m.notices.map((n) => n.message) })),
      (e) => console.log(JSON.stringify({ code: e.code, message: e.message })))`;
    const run = (source: string) => {
      const identity = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
      const child = spawnSync(process.execPath, ["-e", program, path.join(home, source)], {
        ...identity,
        encoding: "utf8",
      });
      if (child.error) test.skip(`cannot start a process without root's rights: ${child.error.message}`);
      expect(child.stderr).toBe("");
      return JSON.parse(child.stdout) as unknown;
    };
    chmodSync(home, 0o755);
    chmodSync(path.join(home, "shut"), 0);
    try {
      expect(run("")).toEqual({
        paths: ["open/1.jpg"],
        notices: ["1 file ignored: not images (.cjs).", '1 folder skipped, first "shut: EACCES": not readable.'],
      });
      expect(run("shut")).toEqual(failure("source/not-readable", "shut", "permission"));
      expect(run("shut/2.jpg")).toEqual(failure("source/not-readable", "2.jpg"));
    } finally {
      chmodSync(path.join(home, "shut"), 0o755);
    }
  });
});

describe("a glob", () => {
  beforeEach(() =>
    files(
      "s/Apple Red/1.jpg",
      "s/Apple Red/2.png",
      "s/Apple Green/1.jpg",
      "s/Pear/deep/1.jpg",
      "s/.h/1.jpg",
      "s/a[1]/x.jpg",
      "s/a1/y.jpg",
    ),
  );

  it.each([
    ["s/*/*.jpg", ["Apple Green/1.jpg", "Apple Red/1.jpg", "a1/y.jpg", "a[1]/x.jpg"]],
    ["s/**/*.jpg", ["Apple Green/1.jpg", "Apple Red/1.jpg", "Pear/deep/1.jpg", "a1/y.jpg", "a[1]/x.jpg"]],
    ["s/**/1.{jpg,png}", ["Apple Green/1.jpg", "Apple Red/1.jpg", "Pear/deep/1.jpg"]],
    ["s/{Pear/deep,a1}/*.jpg", ["Pear/deep/1.jpg", "a1/y.jpg"]],
    ["s/Apple*", ["Apple Green/1.jpg", "Apple Red/1.jpg", "Apple Red/2.png"]],
    ["s/P*", ["Pear/deep/1.jpg"]],
    ["s/.?/*.jpg", [".h/1.jpg"]],
    ["s/a[1]/*.jpg", ["x.jpg"]],
    ["s/a[0-9]/*.jpg", ["a1/y.jpg"]],
    ["s/a\\[1\\]/?.jpg", ["x.jpg"]],
  ])("%s", async (pattern, expected) => {
    expect(paths(await scan(pattern))).toEqual(expected);
  });

  it("does not look below the depth it can match", async () => {
    files("deep/1.jpg", "deep/x/y/z/2.jpg", "deep/x/note.txt");
    symlinkSync("../x", path.join(home, "deep/x/loop"));
    const manifest = await scan("deep/*.jpg");
    expect(paths(manifest)).toEqual(["1.jpg"]);
    expect(sentences(manifest)).toEqual([]);
  });

  it("that matches nothing says so", async () => {
    await expect(scan("s/*.gif")).rejects.toMatchObject(failure("source/empty", 's/*.gif"', "found none"));
    await expect(scan("nowhere/*.jpg/x")).rejects.toMatchObject(failure("source/empty"));
  });

  it("describes itself by its real folder", async () => {
    symlinkSync("s", path.join(home, "link"));
    const manifest = await scan("link/P*");
    expect(manifest.sources).toEqual([path.join(home, "s/P*")]);
  });
});

describe("a list", () => {
  it("names files relative to itself, whatever their extension, missing ones kept", async () => {
    files("lists/in.jpg", "p/a b.jpg", "p/no-extension", "p/#1.jpg", "p/é.jpg");
    mkdirSync(path.join(home, "p/folder.jpg"));
    const list = [
      "\ufeff# chosen in March",
      "",
      "../p/a b.jpg",
      path.join(home, "p/no-extension"),
      "in.jpg",
      "./in.jpg",
      "../p/gone.jpg",
      "../p/folder.jpg",
      "../p/a b.jpg/under.jpg",
      "../p/#1.jpg",
      "../p/é.jpg",
    ];
    for (const [name, bytes] of [
      ["lf.txt", Buffer.from(list.join("\n"))],
      ["crlf.lst", Buffer.from(`${list.join("\r\n")}\r\n`)],
      ["powershell.list", Buffer.from(list.join("\r\n"), "utf16le")],
    ] as const) {
      writeFileSync(path.join(home, "lists", name), bytes);
      const manifest = await scan(`lists/${name}`);
      expect(manifest.root).toBe(home);
      expect([...manifest.entries].map(({ path, label, problem }) => [path, label, problem?.code])).toEqual([
        ["lists/in.jpg", "lists", undefined],
        ["p/#1.jpg", "p", undefined],
        ["p/a b.jpg", "p", undefined],
        ["p/a b.jpg/under.jpg", "a b.jpg", "source/missing"],
        ["p/folder.jpg", "p", "source/not-a-file"],
        ["p/gone.jpg", "p", "source/missing"],
        ["p/no-extension", "p", undefined],
        ["p/é.jpg", "p", undefined],
      ]);
      expect(sentences(manifest)).toEqual(["1 image named more than once: each counts once."]);
      expect(manifest.entries.at(5)).toMatchObject({
        size: 0,
        mtimeUs: 0,
        problem: { message: expect.stringContaining("gone.jpg") },
      });
    }
  });

  it("may separate paths by NUL, so that any name can be listed", async () => {
    files("two\nlines.jpg", "# not a comment.jpg");
    writeFileSync(path.join(home, "l.txt"), "two\nlines.jpg\0# not a comment.jpg\0");
    expect(paths(await scan("l.txt"))).toEqual(["# not a comment.jpg", "two\nlines.jpg"]);
  });

  it("takes a folder reached by two names for one", async () => {
    files("real/1.jpg");
    symlinkSync("real", path.join(home, "alias"));
    writeFileSync(path.join(home, "l.txt"), "alias/1.jpg\nreal/1.jpg\n");
    const manifest = await scan("l.txt");
    expect(paths(manifest)).toEqual(["real/1.jpg"]);
    expect(labels(manifest)).toEqual(["alias"]);
  });

  it("is refused when it is empty, not text, or names an address", async () => {
    files("a.jpg");
    const list = (content: string | Buffer) => {
      writeFileSync(path.join(home, "l.txt"), content);
      return scan("l.txt");
    };
    await expect(list("# nothing\n\n")).rejects.toMatchObject(failure("source/empty", "names none"));
    await expect(list(Buffer.from([0x61, 0xe9, 0x0a]))).rejects.toMatchObject(failure("source/list", "UTF-8"));
    await expect(list("a.jpg\ns3://bucket/b.jpg\n")).rejects.toMatchObject(
      failure("source/list", "line 2", "s3://bucket/b.jpg"),
    );
  });
});

describe("a table", () => {
  const table = (content: string | Buffer, options?: ScanOptions) => {
    writeFileSync(path.join(home, "t.csv"), content);
    return scan("t.csv", options);
  };
  beforeEach(() => files("a.jpg", "b,c.jpg", "d.jpg"));

  it("states labels, which win over the rule; an empty one is none", async () => {
    const manifest = await table(
      'note,Label,path\r\nx,pomme,a.jpg\r\n,"a ""b""","b,c.jpg"\r\n,,d.jpg\r\n,kiwi,gone.jpg\r\n',
      { labelFrom: "parent" },
    );
    expect([...manifest.entries].map(({ path, label, problem }) => [path, label, problem?.code])).toEqual([
      ["a.jpg", "pomme", undefined],
      ["b,c.jpg", 'a "b"', undefined],
      ["d.jpg", null, undefined],
      ["gone.jpg", "kiwi", "source/missing"],
    ]);
  });

  it("without a label column leaves labels to the rule", async () => {
    expect(labels(await table("path\na.jpg\nd.jpg\n", { labelFrom: "filename:(.)\\.jpg" }))).toEqual(["a", "d"]);
  });

  it.each([
    ["semicolons", Buffer.from("path;label\na.jpg;pomme, rouge\n")],
    ["tabs", Buffer.from("\ufeffpath\tlabel\na.jpg\tpomme, rouge\n")],
    ["UTF-16", Buffer.from('\ufeffpath,label\n"a.jpg","pomme, rouge"\n', "utf16le")],
  ])("may use %s", async (_, content) => {
    expect(labels(await table(content))).toEqual(["pomme, rouge"]);
  });

  it("is refused with the line at fault", async () => {
    await expect(table("file,label\na.jpg,x\n")).rejects.toMatchObject(
      failure("source/csv", "columns file, label", "path,label"),
    );
    await expect(table("")).rejects.toMatchObject(failure("source/csv", "no header"));
    await expect(table("path,label\n")).rejects.toMatchObject(failure("source/empty"));
    await expect(table("path,label\na.jpg,x\n,y\n")).rejects.toMatchObject(
      failure("source/csv", "line 3", "empty path"),
    );
    await expect(table("path,label\na.jpg,x,z\n")).rejects.toMatchObject(failure("source/csv", "line 2"));
    await expect(table('path,label\n"a.jpg,x\n')).rejects.toMatchObject(failure("source/csv", "Quote"));
    await expect(table(Buffer.from("path,label\na.jpg,p\xeache\n", "latin1"))).rejects.toMatchObject(
      failure("source/csv", "line 2", "UTF-8"),
    );
  });
});

describe("several sources", () => {
  it("stay unique below the folder around all, each image once, stated labels first", async () => {
    files("x/a/1.jpg", "x/b/1.jpg", "y/1.jpg", "one.jpg");
    writeFileSync(path.join(home, "labels.csv"), "path,label\nx/b/1.jpg,stated\n");
    const manifest = await scan(["x", "x/a", "labels.csv", "y/*.jpg", "one.jpg", "one.jpg"]);
    expect([...manifest.entries].map(({ path, label }) => [path, label])).toEqual([
      ["one.jpg", path.basename(home)],
      ["x/a/1.jpg", "a"],
      ["x/b/1.jpg", "stated"],
      ["y/1.jpg", "y"],
    ]);
    expect(manifest.sources).toHaveLength(6);
    expect(sentences(manifest)).toEqual(["3 images named more than once: each counts once."]);
    for (const entry of manifest.entries) expect(statSync(entry.file).isFile()).toBe(true);
  });
});

describe("a large folder", () => {
  it("leaves the event loop its turns, reports progress, and stops when cancelled", async () => {
    mkdirSync(path.join(home, "flat"));
    for (let i = 0; i < 20_000; i++) writeFileSync(path.join(home, "flat", `${i}.jpg`), "");
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const progress: number[] = [];
    const manifest = await scan("flat", { onProgress: (count) => progress.push(count) });
    clearInterval(timer);
    expect(manifest.entries.length).toBe(20_000);
    expect(turns).toBeGreaterThan(2);
    expect(progress.at(-1)).toBe(20_000);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));

    const controller = new AbortController();
    const stopped = scan("flat", {
      signal: controller.signal,
      onProgress: (count) => count > 0 && controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
    await expect(scan("flat", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
  });
});
