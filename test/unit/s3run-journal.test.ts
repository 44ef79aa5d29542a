import { appendFileSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Journal } from "../../src-main/storage/run/journal.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (): string => path.join(folder, "journal.jsonl");
const confirmed = { etag: '"e"', size: 1, mtimeMs: 2 };

describe("what is known to stand in the bucket", () => {
  it("is known to the next process, but for a line that a power cut left half", () => {
    const journal = Journal.open(file());
    journal.own("this machine");
    journal.confirm("run.json", confirmed);
    journal.confirm("gone", confirmed);
    journal.forget("gone");
    appendFileSync(file(), '{"name":"half');
    const next = Journal.open(file());
    expect(next.owner).toBe("this machine");
    expect(Object.fromEntries(next.files)).toEqual({ "run.json": confirmed });
  });

  it("is replaced as a whole when it is shortened, so that no moment knows less", () => {
    const journal = Journal.open(file());
    for (const etag of ['"a"', '"b"']) journal.confirm("run.json", { ...confirmed, etag });
    const before = readFileSync(file(), "utf8");
    // A second name for the old content: writing in place would change it.
    linkSync(file(), path.join(folder, "old"));
    Journal.open(file());
    expect(readFileSync(path.join(folder, "old"), "utf8")).toBe(before);
    expect(readFileSync(file(), "utf8").split("\n")).toHaveLength(2);
    expect(readdirSync(folder).sort()).toEqual(["journal.jsonl", "old"]);
  });
});
