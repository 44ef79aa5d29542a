import { describe, expect, it } from "vitest";
import type { Job, RunCard } from "../../src-main/api/channels.js";
import { syncRequestSchema } from "../../src-main/api/contract.js";
import { readPlace, writePlace } from "../../src-renderer/app/link.js";
import { doneText, rateText } from "../../src-renderer/components/job-words.js";
import { s3Options } from "../../src-renderer/components/s3-choice.js";
import { speechOf } from "../../src-renderer/i18n/index.js";
import { diagnosticText } from "../../src-renderer/views/about/diagnostic-text.js";
import {
  common,
  counterparts,
  joinedIndex,
  joinLabels,
  sharedMask,
} from "../../src-renderer/views/compare/compare-logic.js";
import { suggestedOut } from "../../src-renderer/views/new-run/suggested-out.js";
import { listRuns } from "../../src-renderer/views/runs/runs-list.js";
import {
  bringing,
  EMPTY_FORM,
  formOf,
  globs,
  isComplete,
  proposedBy,
  requestOf,
} from "../../src-renderer/views/transfers/transfer-logic.js";

const en = speechOf("en");

describe("deep links", () => {
  it("lead to views and to two runs compared", () => {
    const [a, b] = ["0123456789abcdef", "fedcba9876543210"];
    const hash = writePlace({ view: "compare", a, b }, new URLSearchParams({ axes: "2,3" }));
    expect(hash).toBe(`#/compare/${a}/${b}?axes=2%2C3`);
    expect(readPlace(hash).place).toEqual({ view: "compare", a, b });
    expect(readPlace(`#/compare/${a}`).place).toEqual({ view: "unknown" });
    expect(readPlace(`#/compare/${a}/../..`).place).toEqual({ view: "unknown" });
    for (const view of ["transfers", "about", "runs"] as const) expect(readPlace(`#/${view}`).place).toEqual({ view });
  });
});

describe("the list of runs", () => {
  const card = (name: string, images: number, openedAt: string, updatedAt: string | null = null) =>
    ({ name, path: `/runs/${name}`, model: "lite0", images, openedAt, updatedAt }) as RunCard;
  const runs = [
    card("run 10", 5, "2026-01-02T00:00:00Z", "2026-03-01T00:00:00Z"),
    card("run 2", 9, "2026-01-03T00:00:00Z"),
    card("Pêches", 7, "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"),
  ];
  const names = (search: string, sort: Parameters<typeof listRuns>[2]) =>
    listRuns(runs, search, sort, en.compare).map(({ name }) => name);

  it("is ordered as asked, numbers in names by their value", () => {
    expect(names("", "opened")).toEqual(["run 2", "run 10", "Pêches"]);
    expect(names("", "updated")).toEqual(["Pêches", "run 10", "run 2"]);
    expect(names("", "name")).toEqual(["Pêches", "run 2", "run 10"]);
    expect(names("", "photos")).toEqual(["run 2", "Pêches", "run 10"]);
  });

  it("finds every word in names, folders and models", () => {
    expect(names("RUN 2", "name")).toEqual(["run 2"]);
    expect(names("lite0 /runs/run", "name")).toEqual(["run 2", "run 10"]);
    expect(names("nothing", "name")).toEqual([]);
  });
});

describe("two runs in one picture", () => {
  it("know which row is which", () => {
    const other = counterparts(4, Uint32Array.of(0, 3), Uint32Array.of(7, 1));
    expect([...other]).toEqual([7, -1, -1, 1]);
    expect([...sharedMask(other)]).toEqual([1, 0, 0, 1]);
    expect([...common([1, 2, 3], [3, 1, 9])]).toEqual([1, 3]);
  });

  it("give a label one colour on both sides, also 'no label'", () => {
    const joined = joinLabels(
      [
        { name: "apple", rows: 2 },
        { name: null, rows: 1 },
      ],
      [
        { name: "pear", rows: 1 },
        { name: null, rows: 2 },
        { name: "apple", rows: 1 },
      ],
    );
    expect(joined.labels).toEqual([{ name: "apple" }, { name: null }, { name: "pear" }]);
    expect([...joinedIndex(Uint32Array.of(0, 1, 0), joined.a)]).toEqual([0, 1, 0]);
    expect([...joinedIndex(Uint32Array.of(0, 1, 2), joined.b)]).toEqual([2, 1, 0]);
  });
});

describe("a transfer", () => {
  const form = { ...EMPTY_FORM, folder: " /photos ", bucket: "s3://orchard/photos" };

  it("needs both sides", () => {
    expect(isComplete(form)).toBe(true);
    expect(isComplete({ ...form, bucket: "s3://" })).toBe(false);
    expect(isComplete({ ...form, bucket: "orchard" })).toBe(false);
    expect(isComplete({ ...form, folder: " " })).toBe(false);
  });

  it("goes between a folder and a bucket, or between buckets, never between folders", () => {
    const copy = { ...form, direction: "copy" as const, folder: "", limit: "no number" };
    expect(isComplete(copy)).toBe(false);
    expect(isComplete({ ...copy, copyTo: "/photos" })).toBe(false);
    expect(isComplete({ ...copy, copyTo: "s3://copy/photos" })).toBe(true);
    expect(isComplete({ ...form, folder: "s3://copy/photos" })).toBe(false);
    // The server copies: a limit of this machine's link would do nothing.
    const asked = requestOf({ ...form, direction: "copy", copyTo: "s3://copy ", limit: "2" });
    expect(asked).toMatchObject({ from: "s3://orchard/photos", to: "s3://copy" });
    expect(asked.s3).toEqual({});
  });

  it("asks for what the form says, and passes the contract", () => {
    expect(requestOf(form)).toMatchObject({ from: "/photos", to: "s3://orchard/photos", delete: false });
    const asked = requestOf({
      ...form,
      direction: "download",
      only: "*.jpg, *.png",
      except: "raw/",
      remove: true,
      s3: { profile: "field ", region: "", endpoint: "" },
    });
    expect(syncRequestSchema.parse(asked)).toMatchObject({
      from: "s3://orchard/photos",
      to: "/photos",
      s3: { profile: "field" },
      rules: [
        { include: true, glob: "*.jpg" },
        { include: true, glob: "*.png" },
        { include: false, glob: "raw/" },
      ],
      delete: true,
      forceDelete: false,
    });
    expect(requestOf({ ...form, removeMost: true })).toMatchObject({ delete: false, forceDelete: false });
    const limited = requestOf({ ...form, limit: "2,5" });
    expect(limited).toMatchObject({ s3: { maxBandwidth: 2_500_000 } });
    expect(formOf({ work: { kind: "sync", request: syncRequestSchema.parse(limited) } } as Job).limit).toBe("2.5");
    for (const limit of ["fast", "-1", "0", "Infinity"]) expect(isComplete({ ...form, limit }), limit).toBe(false);
    expect(isComplete({ ...form, limit: "0.5" })).toBe(true);
    expect(globs("a b.jpg,\n,c ")).toEqual(["a b.jpg", "c"]);
  });

  it("is proposed again, but not its deletion", () => {
    const before = { ...form, folder: "/photos", direction: "download" as const, remove: true, except: "raw/" };
    const work = { kind: "sync", request: syncRequestSchema.parse(requestOf(before)) };
    expect(formOf({ work } as Job)).toEqual({ ...before, remove: false });
    expect(formOf(undefined)).toBe(EMPTY_FORM);
    const between = { kind: "sync", request: syncRequestSchema.parse({ from: "s3://a/x", to: "s3://b/x" }) };
    const copied = formOf({ work: between } as Job);
    expect(copied).toMatchObject({ direction: "copy", folder: "", bucket: "s3://a/x", copyTo: "s3://b/x" });
    expect(requestOf(copied)).toMatchObject({ from: "s3://a/x", to: "s3://b/x" });
  });

  it("is proposed by an address: what stands in a bucket, to a folder of the person's own", () => {
    const search = bringing("s3://orchard/runs/first", { endpoint: "https://s3.example.org", region: undefined });
    expect(proposedBy(new URLSearchParams(search.toString()), "/home/ana")).toEqual({
      ...EMPTY_FORM,
      direction: "download",
      bucket: "s3://orchard/runs/first",
      folder: "/home/ana/verger/first",
      s3: { profile: "", region: "", endpoint: "https://s3.example.org" },
    });
    expect(proposedBy(new URLSearchParams({ from: "/photos" }), "/home/ana")).toBeUndefined();
    expect(proposedBy(new URLSearchParams(), "/home/ana")).toBeUndefined();
  });

  it("leaves empty S3 options to the AWS environment", () => {
    expect(s3Options({ profile: " ", region: "eu-west-3", endpoint: "" })).toEqual({ region: "eu-west-3" });
  });

  it("is told in bytes and files, a run in images", () => {
    const common = { setAside: 0, rate: null, secondsLeft: null };
    expect(
      doneText(en, {
        ...common,
        ...{ stage: "transfer", done: 1_500_000, total: 3_000_000, unit: "bytes", also: { done: 2, total: 4 } },
      }),
    ).toBe("1.5 MB of 3 MB · 2 files");
    expect(doneText(en, { ...common, stage: "embed", done: 3, total: 0, unit: "images", also: null })).toBe("3");
    expect(rateText(en, 2_000_000, "bytes")).toBe("2 MB/s");
    expect(rateText(en, 480, "images")).toBe("480 images/s");
  });
});

describe("the run folder of a bucket's photos", () => {
  it("stands with the person, on whichever system", () => {
    expect(suggestedOut("s3://orchard/photos/2026/", "/home/ana")).toBe("/home/ana/verger/2026-run");
    expect(suggestedOut("s3://orchard", "C:\\Users\\ana")).toBe("C:\\Users\\ana\\verger\\orchard-run");
    expect(suggestedOut("s3://", "/home/ana")).toBe("");
    expect(suggestedOut("/data/features", "/home/ana", "pca")).toBe("/data/features-pca");
  });
});

describe("a report for others", () => {
  const check = { code: "disk.full", details: {} };
  it("says what was found, with advice under what is not in order", () => {
    const text = diagnosticText(
      {
        ...{ version: "1.2.3", licence: "Apache-2.0", libraries: [], models: [] },
        runtime: [{ name: "Node.js", version: "20.19.0" }],
        native: [{ name: "libpng", version: "1.6" }],
        places: { settings: "", history: "", models: "", sync: "", cache: "" },
      },
      {
        ...{ ok: false, version: "1.2.3" },
        checks: [
          { ...check, id: "node", title: "Node", state: "ok", found: "20.19.0" },
          { ...check, id: "disk", title: "Disk", state: "fail", found: "full", advice: "Free some space." },
        ],
      },
    );
    expect(text).toContain("Verger 1.2.3\nRuntime: Node.js 20.19.0");
    expect(text).toContain("ok    Node: 20.19.0\nfail  Disk: full\n      Free some space.");
  });
});
