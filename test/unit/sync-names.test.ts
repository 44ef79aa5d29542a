import { describe, expect, it } from "vitest";
import { byteCount, s3Options } from "../../src-main/cli/s3-options.js";
import { duration } from "../../src-main/cli/usage.js";
import { compileFilter } from "../../src-main/storage/sync/filter.js";
import { foldName, keyProblem, NameTable, nameProblem } from "../../src-main/storage/sync/names.js";
import { likelyPartSizes } from "../../src-main/storage/sync/proof.js";

describe("keys as file names", () => {
  const everywhere = [
    ["../up", "leads to another folder"],
    ["a/../../b", "leads to another folder"],
    ["a/./b", "leads to another folder"],
    ["..", "leads to another folder"],
    ["/etc/passwd", "begins with a slash"],
    ["a//b", "empty part"],
    ["a//", "empty part"],
    ["a\0b", "NUL"],
    ["\ud83c", "Unicode"],
    [`${"é".repeat(128)}`, "256 bytes"],
  ] as const;
  const elsewhere = [
    ["a\\..\\b", "backslash"],
    ["C:\\windows", "backslash"],
    ["CON", "device"],
    ["a/nul.jpg", "device"],
    ["com1.tar.gz/x", "device"],
    ["LPT¹", "device"],
    ["aux .txt", "device"],
    ["dot.", "Windows drops"],
    ["folder /x", "Windows drops"],
  ] as const;
  const fine = ["a", "a b/c+d%20é🍐.jpg", ".hidden", "...a", "con2", "CONSOLE", "a..b/c", "folder/", "x".repeat(255)];

  it.each(everywhere)("refuses %j on every system", (key, reason) => {
    for (const rule of ["portable", "system"] as const) {
      const problem = nameProblem(key, rule, "linux");
      expect(problem?.code).toBe("sync/name");
      expect(problem?.message).toContain(reason);
    }
  });

  it.each(elsewhere)("refuses %j where names are to be portable, and on Windows", (key, reason) => {
    expect(nameProblem(key, "portable", "linux")?.message).toContain(reason);
    expect(nameProblem(key, "system", "win32")?.message).toContain(reason);
    expect(nameProblem(key, "system", "linux")).toBeUndefined();
  });

  it.each(fine)("takes %j", (key) => {
    expect(nameProblem(key, "portable", "linux")).toBeUndefined();
  });

  it("refuses what Windows cannot write only there", () => {
    for (const key of ["10:30.jpg", "a?.jpg", "tab\there", "a<b>"]) {
      expect(nameProblem(key, "portable", "linux")).toBeUndefined();
      expect(nameProblem(key, "portable", "win32")?.code).toBe("sync/name");
    }
  });

  it("counts the bytes of a key with its prefix", () => {
    expect(keyProblem("é".repeat(510), "abcd")).toBeUndefined();
    expect(keyProblem("é".repeat(510), "abcde")?.code).toBe("sync/key-length");
  });
});

describe("names that fall together", () => {
  const claims = (keys: string[], fold = true): string[] => {
    const table = new NameTable(fold);
    return keys.filter((key) => !table.claim(key));
  };

  it("are found by case and by composition, whatever is between them", () => {
    expect(claims(["A.jpg", "B.jpg", "a.jpg"])).toEqual(["a.jpg"]);
    expect(claims(["Caf\u00e9", "caf", "cafe\u0301"])).toEqual(["cafe\u0301"]);
    expect(claims(["STRASSE", "straße"])).toEqual(["straße"]);
    expect(claims(["A.jpg", "a.jpg"], false)).toEqual([]);
  });

  it("are found as file and folder, and as two spellings of a folder", () => {
    expect(claims(["a", "a.txt", "a/b"])).toEqual(["a/b"]);
    expect(claims(["A/b", "a"])).toEqual(["a"]);
    expect(claims(["Photos/1", "Photos/2", "photos/3"])).toEqual(["photos/3"]);
    expect(claims(["a/", "a/b", "a/c"])).toEqual([]);
    expect(claims(["a", "a/b"], false)).toEqual(["a/b"]);
  });

  it("are none among many that differ", () => {
    const keys = Array.from({ length: 200_000 }, (_, index) => `Label ${index % 131}/photo_${index}.jpg`).sort();
    expect(claims(keys)).toEqual([]);
    expect(claims([...keys, "label 7/photo_7.jpg"])).toEqual(["label 7/photo_7.jpg"]);
  });

  it("fold like a file system", () => {
    expect(foldName("ÀB")).toBe(foldName("a\u0300b"));
    expect(foldName("ab")).not.toBe(foldName("àb"));
  });
});

describe("rules", () => {
  const rules = (...words: string[]) =>
    compileFilter(words.map((word) => ({ include: word.startsWith("+"), glob: word.slice(1) })));
  const keys = ["a.jpg", "b.txt", "raw/c.jpg", "raw/deep/.d.jpg", "e.JPG", "raw/"];
  const taken = (...words: string[]) => keys.filter(rules(...words));

  it("take everything where there is none", () => expect(taken()).toEqual(keys));
  it("that begin with an include take only what is included", () =>
    expect(taken("+*.jpg")).toEqual(["a.jpg", "raw/c.jpg", "raw/deep/.d.jpg"]));
  it("that begin with an exclude take the rest", () => expect(taken("-*.jpg")).toEqual(["b.txt", "e.JPG", "raw/"]));
  it("are decided by the last that matches", () => {
    expect(taken("-raw/", "+raw/deep/")).toEqual(["a.jpg", "b.txt", "raw/deep/.d.jpg", "e.JPG"]);
    expect(taken("+raw/deep/", "-raw/")).toEqual([]);
  });
  it("with a slash look at the whole key", () => {
    expect(taken("+raw/*.jpg")).toEqual(["raw/c.jpg"]);
    expect(taken("+/*.jpg")).toEqual(["a.jpg"]);
    expect(taken("+raw/**")).toEqual(["raw/c.jpg", "raw/deep/.d.jpg", "raw/"]);
  });
  it("take signs of other pattern languages as picomatch does, and ! as itself", () => {
    expect(["!a", "b"].filter(rules("+!a"))).toEqual(["!a"]);
    expect(["a1", "a2", "a3"].filter(rules("+a[12]"))).toEqual(["a1", "a2"]);
  });
});

describe("values", () => {
  it("of bytes are decimal or binary", () => {
    const parse = byteCount("--max-bandwidth");
    expect(["1000", "500k", "2M", "2MB/s", "2Mi", "1.5MiB", "1G"].map(parse)).toEqual([
      1000, 500_000, 2_000_000, 2_000_000, 2_097_152, 1_572_864, 1e9,
    ]);
    for (const text of ["", "0", "999", "-1M", "2X", "M", "1e6", "Infinity"]) expect(() => parse(text), text).toThrow();
  });

  it("of times have a unit", () => {
    const parse = duration("--older-than");
    expect(["90s", "30min", "1.5h", "2d", "1w"].map(parse)).toEqual([90, 1800, 5400, 172_800, 604_800]);
    for (const text of ["", "5", "d", "-1d", "2 weeks"]) expect(() => parse(text), text).toThrow();
  });

  it("of S3 leave out what was not given", () => {
    expect(s3Options({ region: "eu-west-3", partSize: 5, pathStyle: false })).toEqual({
      region: "eu-west-3",
      partBytes: 5,
      pathStyle: false,
    });
  });
});

describe("part sizes behind an ETag", () => {
  const MIB = 1024 * 1024;
  it("are those that give as many parts", () => {
    expect(likelyPartSizes(20 * MIB, 3)).toContain(8 * MIB);
    expect(likelyPartSizes(20 * MIB, 4)).toContain(5 * MIB);
    expect(likelyPartSizes(20 * MIB, 2)).toEqual([15 * MIB, 16 * MIB, 10 * MIB]);
    expect(likelyPartSizes(20 * MIB, 7)).toEqual([3 * MIB]);
    for (const bytes of likelyPartSizes(123_456_789, 10)) expect(Math.ceil(123_456_789 / bytes)).toBe(10);
  });
});
