import { describe, expect, it } from "vitest";
import {
  dateColumn,
  EMPTY_LINK,
  packRows,
  readLink,
  readPlace,
  unpackRows,
  writeLink,
  writePlace,
} from "../../src-renderer/app/link.js";
import { speechOf } from "../../src-renderer/i18n/index.js";
import { toOklab } from "../../src-renderer/plots/colour.js";
import { markOf, SHAPES } from "../../src-renderer/plots/shapes.js";
import {
  byScore,
  byTime,
  combine,
  countUnknown,
  DISTINCT_LABELS,
  extent,
  filterMask,
  histogram,
  isShown,
  type LabelStyle,
  labelColour,
  labelColours,
  labelShape,
  normalise,
  percentiles,
  rankOf,
  rowsOf,
  shownRows,
  valueScale,
  valueSizes,
} from "../../src-renderer/state/explore-logic.js";
import { joinPath, parentOf } from "../../src-renderer/views/explore/paths.js";
import { readEnd, writeEnd } from "../../src-renderer/views/explore/range-ends.js";
import { sayValue } from "../../src-renderer/views/explore/say-value.js";
import { suggestedOut } from "../../src-renderer/views/new-run/suggested-out.js";
import { componentsFor, cumulate } from "../../src-renderer/views/variance/cumulate.js";

const none = new Set<number>();
const plain: LabelStyle = { isolated: none, hidden: none, own: new Map(), ownShapes: new Map(), shapes: "auto" };

describe("what is shown", () => {
  const ids = Uint32Array.of(0, 1, 2, 0, 1, 2);

  it("is everything without a filter", () => {
    expect(filterMask(ids, { isolated: none, hidden: none }, null)).toBeNull();
    expect(shownRows(6, null, null)).toEqual(Uint32Array.of(0, 1, 2, 3, 4, 5));
  });

  it("is what labels and search both let through", () => {
    const mask = filterMask(ids, { isolated: new Set([0, 1]), hidden: new Set([1]) }, Uint32Array.of(0, 1, 5));
    expect(mask).toEqual(Uint8Array.of(1, 0, 0, 0, 0, 0));
    expect(filterMask(ids, { isolated: none, hidden: none }, new Uint32Array(0))).toEqual(new Uint8Array(6));
  });

  it("is what lies in every range; an unknown value lies in none", () => {
    const bytes = Float64Array.of(1, 2, 3, 4, Number.NaN, 6);
    const small = { values: bytes, low: Number.NEGATIVE_INFINITY, high: 4 };
    const large = { values: bytes, low: 2, high: Number.POSITIVE_INFINITY };
    const all = { isolated: none, hidden: none };
    expect(filterMask(ids, all, null, [small, large])).toEqual(Uint8Array.of(0, 1, 1, 1, 0, 0));
    expect(filterMask(ids, { ...all, hidden: new Set([1]) }, Uint32Array.of(1, 2), [small, large])).toEqual(
      Uint8Array.of(0, 0, 1, 0, 0, 0),
    );
    expect(extent(bytes)).toEqual({ low: 1, high: 6 });
    expect(extent([Number.NaN])).toBeUndefined();
    expect(histogram(bytes, { low: 1, high: 6 }, 5)).toEqual(Uint32Array.of(1, 1, 1, 1, 1));
    expect(histogram([3, 3], { low: 3, high: 3 }, 2)).toEqual(Uint32Array.of(2, 0));
  });

  it("takes typed ends: kB, pixels, whole days", () => {
    expect(readEnd("size", "12.5", "from")).toBe(12_500);
    expect(writeEnd("size", 12_500)).toBe("12.5");
    expect(readEnd("width", "x", "to")).toBeUndefined();
    const day = new Date(2026, 4, 1);
    expect(readEnd("modified", "2026-05-01", "from")).toBe(day.getTime());
    expect(readEnd("modified", "2026-05-01", "to")).toBe(new Date(2026, 4, 2).getTime() - 1);
    expect(writeEnd("modified", day.getTime())).toBe("2026-05-01");
    // By the camera's own clock, wherever this window is.
    expect(readEnd("captured", "2026-05-01", "from")).toBe(Date.UTC(2026, 4, 1));
    expect(readEnd("captured", "2026-05-31", "to")).toBe(Date.UTC(2026, 5, 1) - 1);
    expect(writeEnd("captured", Date.UTC(2026, 4, 1, 23, 59))).toBe("2026-05-01");
    expect(readEnd("captured", "1 May 2026", "from")).toBeUndefined();
    // Within one outing to the minute.
    const twenty = Date.UTC(2026, 4, 1, 10, 20);
    expect(writeEnd("captured", twenty + 30_000, true)).toBe("2026-05-01T10:20");
    expect(readEnd("captured", "2026-05-01T10:20", "from")).toBe(twenty);
    expect(readEnd("captured", "2026-05-01T10:20", "to")).toBe(twenty + 59_999);
    const here = new Date(2026, 4, 1, 10, 20).getTime();
    expect(writeEnd("modified", here, true)).toBe("2026-05-01T10:20");
    expect(readEnd("modified", "2026-05-01T10:20", "from")).toBe(here);
  });

  it("is dated by when photos were taken, else by their files, and says which", () => {
    expect(dateColumn(["size", "captured", "modified"])).toBe("captured");
    expect(dateColumn(["size", "modified"])).toBe("modified");
    expect(dateColumn(["size"])).toBeUndefined();
    const { t } = speechOf("en");
    expect(t("explore.colour.captured")).toBe("Date taken");
    expect(t("explore.colour.modified")).toBe("File date");
    const fr = speechOf("fr");
    expect(fr.t("explore.colour.captured")).not.toBe(fr.t("explore.colour.modified"));
  });

  it("tells days, and within one outing hours, by the camera's clock", () => {
    const morning = Date.UTC(2026, 4, 1, 6, 20, 30);
    for (const language of ["en", "fr"] as const) {
      const speech = speechOf(language);
      expect(sayValue(speech, "captured", morning)).not.toContain("06:20");
      expect(sayValue(speech, "captured", morning, 3_600_000)).toContain("06:20");
    }
    expect(sayValue(speechOf("en"), "captured", morning)).toBe("1 May 2026");
    expect(sayValue(speechOf("fr"), "captured", morning)).toBe("1 mai 2026");
  });

  it("can be in the order of time, unknown times last", () => {
    const times = Float64Array.of(30, Number.NaN, 10, 30, 20);
    expect(byTime(Uint32Array.of(0, 1, 2, 3, 4), times)).toEqual(Uint32Array.of(2, 4, 0, 3, 1));
    expect(byTime(Uint32Array.of(1, 0), times)).toEqual(Uint32Array.of(0, 1));
    expect(countUnknown(times)).toBe(1);
  });

  it("is the selection among what passes the filter", () => {
    expect(shownRows(6, Uint8Array.of(1, 1, 0, 1, 1, 1), Uint8Array.of(0, 1, 1, 0, 0, 1))).toEqual(
      Uint32Array.of(1, 5),
    );
  });

  it("hides a label even when it is isolated", () => {
    expect(isShown(1, { isolated: new Set([1]), hidden: new Set([1]) })).toBe(false);
    expect(isShown(2, { isolated: new Set([1]), hidden: none })).toBe(false);
  });
});

describe("selection", () => {
  it("is replaced, added to and taken from", () => {
    const first = combine(null, Uint32Array.of(1, 2), "replace", 5);
    expect(first && rowsOf(first)).toEqual(Uint32Array.of(1, 2));
    const more = combine(first, Uint32Array.of(4), "add", 5);
    expect(more && rowsOf(more)).toEqual(Uint32Array.of(1, 2, 4));
    // What was given stays as it was: React compares by identity.
    expect(first && rowsOf(first)).toEqual(Uint32Array.of(1, 2));
    expect(combine(more, Uint32Array.of(1, 2, 4), "subtract", 5)).toBeNull();
    expect(combine(null, Uint32Array.of(1), "subtract", 5)).toBeNull();
  });

  it("lists outliers first and unknown scores last", () => {
    const scores = Float32Array.of(1, Number.NaN, 5, 5);
    expect(byScore(Uint32Array.of(0, 1, 2, 3), scores)).toEqual(Uint32Array.of(2, 3, 0, 1));
  });
});

describe("colours of points", () => {
  it("makes labels transparent that are not shown, and takes the person's own colour", () => {
    const labels = [{ name: "a" }, { name: null }, { name: "b" }];
    const entries = labelColours(
      labels,
      { ...plain, hidden: new Set([2]), own: new Map([["a", "#010203"]]), ownShapes: new Map([["a", "cross"]]) },
      "light",
    );
    expect([...entries.subarray(0, 4)]).toEqual([1, 2, 3, markOf("cross")]);
    expect(entries[7]).toBe(markOf("circle"));
    expect(entries[11]).toBe(0);
  });

  it("gives each of 131 labels a colour and shape of its own, and like colours different shapes", () => {
    const names = Array.from({ length: 131 }, (_, label) => `label ${label}`);
    const looks = names.map((name, label) => ({
      lab: toOklab(labelColour(label, name, plain.own, "light")),
      shape: labelShape(label, name, names.length, plain),
    }));
    const nearest = (among: typeof looks) =>
      Math.min(
        ...among.flatMap((one, i) =>
          among.slice(i + 1).map((other) => Math.hypot(...one.lab.map((x, j) => x - (other.lab[j] as number)))),
        ),
      );
    for (const shape of SHAPES) {
      const same = looks.filter((look) => look.shape === shape);
      expect(same.length).toBeGreaterThan(10);
      // Colours of one shape lie farther apart than colours at large.
      expect(nearest(same)).toBeGreaterThan(1.4 * nearest(looks));
    }
  });

  it("takes the colours again with other shapes when there are more labels than colours", () => {
    const look = (label: number) => {
      const name = `label ${label}`;
      const shape = labelShape(label, name, 5000, plain);
      return `${labelColour(label, name, plain.own, "dark").join()} ${shape}`;
    };
    expect(new Set(Array.from({ length: DISTINCT_LABELS }, (_, label) => look(label))).size).toBe(DISTINCT_LABELS);
    expect(look(DISTINCT_LABELS)).toBe(look(0));
  });

  it("leaves few labels, and those who want it so, with circles", () => {
    expect(labelShape(3, "d", 12, plain)).toBe("circle");
    expect(labelShape(3, "d", 131, { ...plain, shapes: "circle" })).toBe("circle");
    expect(labelShape(3, "d", 12, { ...plain, ownShapes: new Map([["d", "wedge"]]) })).toBe("wedge");
    expect(labelShape(3, null, 131, plain)).toBe("circle");
  });

  it("sizes points by a value, the unknown ones smallest", () => {
    expect(valueSizes(Float32Array.of(0, 1, 2, Number.NaN))).toEqual(Uint8Array.of(0, 128, 255, 0));
    expect(valueSizes(new Float32Array(2))).toEqual(new Uint8Array(2));
  });

  it("spreads values between the percentiles and gives unknown ones their own grey", () => {
    const values = Float64Array.from({ length: 1000 }, (_, i) => i);
    values[500] = Number.NaN;
    const { index, palette, low, high } = valueScale(values, "dark");
    expect(low).toBeCloseTo(10, -1);
    expect(high).toBeCloseTo(989, -1);
    expect(index[0]).toBe(0);
    expect(index[999]).toBe(255);
    expect(index[500]).toBe(256);
    expect(palette).toHaveLength(4 * 257);
    expect(valueScale(new Float32Array(3), "light").index).toEqual(new Uint16Array(3));
  });

  it("takes percentiles of what is a number", () => {
    expect(percentiles([Number.NaN, 3, 1, 2], 0, 1)).toEqual([1, 3]);
    expect(percentiles([], 0, 1)).toEqual([0, 0]);
    expect(rankOf([1, 2, 3, Number.NaN, 4], 3)).toBe(0.5);
  });
});

describe("points of the plot", () => {
  it("fill the square, and an axis without extent lies in the middle", () => {
    const xy = normalise(Float32Array.of(2, 4, 3), Float32Array.of(7, 7, 7), [
      [2, 4],
      [7, 7],
    ]);
    expect(xy).toEqual(Float32Array.of(-1, 0, 1, 0, 0, 0));
  });
});

describe("links", () => {
  it("leave out what is as at the start", () => {
    expect(writeLink(EMPTY_LINK).toString()).toBe("");
    expect(readLink(new URLSearchParams())).toEqual(EMPTY_LINK);
  });

  it("bring back every state", () => {
    const link = {
      components: [3, 0],
      third: 2,
      colour: "outlier",
      shapes: "circle",
      sort: "similar",
      isolated: ["Pêche & Cie", null],
      hidden: ["-", "=x"],
      text: "golden 1?",
      ranges: new Map([
        ["size", { low: 1e-7, high: 4096.5 }],
        ["captured", { low: Date.UTC(2026, 4, 1), high: Number.POSITIVE_INFINITY }],
        ["outlier", { low: 2, high: Number.POSITIVE_INFINITY }],
      ] as const),
      aside: true,
      row: 0,
      selection: Uint32Array.of(0, 1, 2, 9, 40, 41),
      camera: { x: 0.25, y: -0.5, zoom: 3 },
    } as const;
    expect(readLink(new URLSearchParams(writeLink(link).toString()))).toEqual(link);
  });

  it("take what cannot be read as at the start", () => {
    const search = new URLSearchParams(
      "axes=0,x&colour=mauve&sort=&photo=-1&rows=3-!&view=1,2&third=0&size=9..1&width=a..b&aside=yes",
    );
    expect(readLink(search)).toEqual({ ...EMPTY_LINK, camera: null });
  });

  it("pack rows as runs, and never take a list that would fill the memory", () => {
    expect(packRows(Uint32Array.of(3, 4, 5, 6, 7, 17))).toBe("3-4.9");
    expect(unpackRows("3-4.9")).toEqual(Uint32Array.of(3, 4, 5, 6, 7, 17));
    expect(unpackRows("0-zzzzz")).toBeUndefined();
    expect(unpackRows("")).toBeUndefined();
  });

  it("leave a selection out that is too scattered for an address", () => {
    const selection = Uint32Array.from({ length: 5000 }, (_, i) => 2 * i);
    expect(writeLink({ ...EMPTY_LINK, selection }).has("rows")).toBe(false);
  });

  it("name places", () => {
    const run = "0123456789abcdef";
    for (const place of [{ view: "runs" }, { view: "explore", run }, { view: "variance", run }] as const) {
      expect(readPlace(writePlace(place)).place).toEqual(place);
    }
    expect(readPlace("").place).toEqual({ view: "runs" });
    expect(readPlace("#/run/../explore").place).toEqual({ view: "unknown" });
    expect(readPlace(`#/run/${run}/explore?q=a`).search.get("q")).toBe("a");
  });
});

describe("variance", () => {
  it("finds the fewest components, rounding errors or not", () => {
    const sums = cumulate([0.1, 0.1, 0.1, 0.5]);
    expect(componentsFor(sums, 0.3)).toBe(3);
    expect(componentsFor(sums, 0.31)).toBe(4);
    expect(componentsFor(sums, 0.9)).toBeUndefined();
  });
});

describe("run folder", () => {
  it("is suggested beside the photos", () => {
    expect(suggestedOut("/data/fruit/")).toBe("/data/fruit-run");
    expect(suggestedOut("C:\\fruit")).toBe("C:\\fruit-run");
    expect(suggestedOut("s3://bucket/fruit")).toBe("");
    expect(suggestedOut("/data/*.jpg")).toBe("");
    expect(suggestedOut("fruit")).toBe("");
  });
});

describe("paths of the machine that serves", () => {
  it("have their own separators", () => {
    expect(parentOf("/home/me/run")).toBe("/home/me");
    expect(parentOf("/run")).toBe("/");
    expect(parentOf("C:\\runs\\a")).toBe("C:\\runs");
    expect(parentOf("C:\\a")).toBe("C:\\");
    expect(joinPath("/home/me/", "a.csv")).toBe("/home/me/a.csv");
    expect(joinPath("/", "a.csv")).toBe("/a.csv");
    expect(joinPath("C:\\runs", "a.csv")).toBe("C:\\runs\\a.csv");
  });
});
