import { describe, expect, it } from "vitest";
import { bytes, count, counted, duration, percent, rate, remaining } from "../../src-main/cli/format.js";
import { shellPath } from "../../src-main/cli/summary.js";
import { columns, displayWidth, pad, printable, truncate } from "../../src-main/cli/table.js";

describe("numbers", () => {
  it.each([
    [0, "0.00 s"],
    [0.424, "0.42 s"],
    [12.34, "12.3 s"],
    [59.94, "59.9 s"],
    [59.96, "1 min 00 s"],
    [119.7, "2 min 00 s"],
    [245, "4 min 05 s"],
    [3599.6, "1 h 00 min"],
    [7380, "2 h 03 min"],
    [Number.NaN, "?"],
    [Number.POSITIVE_INFINITY, "?"],
  ])("%d seconds read %s", (seconds, text) => expect(duration(seconds)).toBe(text));

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [412_345_678, "412 MB"],
    [999_600_000, "1.0 GB"],
  ])("%d bytes read %s", (value, text) => expect(bytes(value)).toBe(text));

  it("estimates no finer than it knows", () => {
    expect([remaining(0.2), remaining(8.01), remaining(59.4), remaining(245), remaining(Number.NaN)]).toEqual([
      "1 s",
      "9 s",
      "60 s",
      "4 min 05 s",
      "?",
    ]);
  });

  it("groups, counts and rounds the same whatever the locale", () => {
    expect(count(22_688)).toBe("22,688");
    expect(counted(1, "image")).toBe("1 image");
    expect(counted(6030, "image")).toBe("6,030 images");
    expect(percent(0.8007)).toBe("80.1 %");
    expect([rate(0), rate(3.1249), rate(42.42), rate(1435.4)]).toEqual(["0", "3.12", "42.4", "1,435"]);
  });
});

describe("layout", () => {
  it("measures cells, not characters", () => {
    expect(displayWidth("verger")).toBe(6);
    expect(displayWidth("\u001b[1mbold\u001b[22m")).toBe(4);
    expect(displayWidth("果物")).toBe(4);
    expect(displayWidth("e\u0301")).toBe(1);
    expect(displayWidth("🍎")).toBe(2);
  });

  it("pads and cuts by cells", () => {
    expect(pad("果", 4)).toBe("果  ");
    expect(pad("7", 3, "right")).toBe("  7");
    expect(truncate("verger", 6)).toBe("verger");
    expect(truncate("verger", 4)).toBe("ver…");
    expect(truncate("果物果物", 5)).toBe("果物…");
  });

  it("aligns columns without trailing blanks", () => {
    const text = columns(
      [
        ["a", "1", ""],
        ["long", "22", "x"],
      ],
      ["left", "right"],
    );
    expect(text).toBe("  a      1\n  long  22  x");
  });

  it("shows control characters of a name instead of obeying them", () => {
    expect(printable("a\u001b[2Jb\nc\u202e")).toBe("a\\u001b[2Jb\\u000ac\\u202e");
    expect(printable("Äpfel 果物 🍎")).toBe("Äpfel 果物 🍎");
  });
});

describe("paths to type", () => {
  it("is relative below the working directory and quoted where a shell needs it", () => {
    expect(shellPath("/data/runs/a", "/data")).toBe("runs/a");
    expect(shellPath("/data", "/data")).toBe(".");
    expect(shellPath("/data/b", "/other")).toBe("/data/b");
    if (process.platform !== "win32") {
      expect(shellPath("/data/it's here", "/data")).toBe("'it'\\''s here'");
      expect(shellPath("/data/-rf", "/data")).toBe("./-rf");
      expect(shellPath("/data/a\n'b\\\u001b[2J", "/data")).toBe("$'a\\u000a\\'b\\\\\\u001b[2J'");
    }
  });
});
