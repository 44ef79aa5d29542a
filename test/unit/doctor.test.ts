import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { paintFor } from "../../src-main/cli/paint.js";
import { doctorReport } from "../../src-main/cli/summary.js";
import { checkFolder, checkMemory, checkNode } from "../../src-main/core/doctor/index.js";

const work = mkdtempSync(path.join(tmpdir(), "verger-doctor-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe("checks", () => {
  it.each([
    ["20.19.0", "ok"],
    ["20.20.2", "ok"],
    ["24.1.0", "ok"],
    ["20.18.9", "fail"],
    ["18.20.0", "fail"],
  ])("Node %s is %s", (version, state) => {
    expect(checkNode(version).state).toBe(state);
  });

  it("warns of little memory and says what to do", () => {
    expect(checkMemory(8e9, 16e9)).toMatchObject({ state: "ok", found: "8.0 GB available of 16.0 GB" });
    const tight = checkMemory(0.4e9, 2e9);
    expect(tight.state).toBe("warn");
    expect(tight.advice).toContain("--sessions 1");
  });

  it("tries a folder by writing to it, and leaves and creates nothing", async () => {
    expect(await checkFolder(work)).toMatchObject({ state: expect.stringMatching(/^(ok|warn)$/) });
    const missing = path.join(work, "a", "b");
    expect(await checkFolder(missing)).toMatchObject({ found: expect.stringContaining(missing) });
    expect(existsSync(path.join(work, "a"))).toBe(false);
    expect(readdirSync(work)).toEqual([]);
  });

  it.skipIf(!existsSync("/proc/self"))("fails where nothing can be written", async () => {
    const finding = await checkFolder("/proc/self");
    expect(finding.state).toBe("fail");
    expect(finding.advice).toMatch(/folder/);
  });
});

describe("the report", () => {
  const paint = paintFor(false);
  it("says under each failing line what to do, and the verdict", () => {
    const text = doctorReport(
      {
        ok: false,
        version: "1.2.3",
        checks: [
          { id: "node", title: "Node", state: "ok", found: "20.19.0" },
          { id: "memory", title: "Memory", state: "warn", found: "0.4 GB", advice: "Close other programs." },
          { id: "addon", title: "Native addon", state: "fail", found: "none", advice: "Reinstall." },
        ],
      },
      paint,
    );
    expect(text.split("\n")).toEqual([
      "Doctor  Verger 1.2.3",
      "  ok    Node          20.19.0",
      "  warn  Memory        0.4 GB",
      "                      → Close other programs.",
      "  fail  Native addon  none",
      "                      → Reinstall.",
      "",
      "1 check failed: Verger cannot work here yet.",
    ]);
  });
});
