import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LabelOverlay } from "../../src-main/core/labels/overlay.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "verger-labels-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): string => path.join(folder, "labels.jsonl");

async function opened(): Promise<LabelOverlay> {
  const overlay = new LabelOverlay(folder);
  await overlay.refresh();
  return overlay;
}

const labelsOf = (overlay: LabelOverlay): Record<string, string | null> => Object.fromEntries(overlay.labels);

describe("label corrections", () => {
  it("leave no file before the first", async () => {
    const overlay = await opened();
    expect(labelsOf(overlay)).toEqual({});
    expect([overlay.canUndo, overlay.canRedo, existsSync(file())]).toEqual([false, false, false]);
    await expect(overlay.undo()).rejects.toMatchObject({ code: "labels/nothing-to-undo" });
    await expect(overlay.redo()).rejects.toMatchObject({ code: "labels/nothing-to-undo" });
  });

  it("are undone and redone in order, also by a later process", async () => {
    const first = await opened();
    await first.edit(["a", "b"], "Pear");
    await first.edit(["b", "c"], null);
    expect(labelsOf(first)).toEqual({ a: "Pear", b: null, c: null });
    await first.undo();
    expect(labelsOf(first)).toEqual({ a: "Pear", b: "Pear" });
    const second = await opened();
    expect(labelsOf(second)).toEqual({ a: "Pear", b: "Pear" });
    await second.undo();
    expect(labelsOf(second)).toEqual({});
    await second.redo();
    await second.redo();
    expect(labelsOf(second)).toEqual({ a: "Pear", b: null, c: null });
    await expect(second.redo()).rejects.toMatchObject({ code: "labels/nothing-to-undo" });
  });

  it("forget what was undone once there is a new one", async () => {
    const overlay = await opened();
    await overlay.edit(["a"], "Pear");
    await overlay.undo();
    await overlay.edit(["a"], "Quince");
    expect(overlay.canRedo).toBe(false);
    expect(labelsOf(await opened())).toEqual({ a: "Quince" });
  });

  it("lose nothing that another window writes between the look at the file and the line", async () => {
    const one = await opened();
    const other = await opened();
    await one.edit(["a"], "Pear");
    await other.edit(["b"], "Quince");
    // As if the look had been just before the other's line.
    one.refresh = () => Promise.resolve(false);
    await one.edit(["c"], "Plum");
    expect(labelsOf(await opened())).toEqual({ a: "Pear", b: "Quince", c: "Plum" });
  });

  it("take in what another process has saved meanwhile, before they add to it", async () => {
    const one = await opened();
    const other = await opened();
    await one.edit(["a"], "Pear");
    await other.edit(["b"], "Plum");
    expect(labelsOf(other)).toEqual({ a: "Pear", b: "Plum" });
    expect(await one.refresh()).toBe(true);
    expect(await one.refresh()).toBe(false);
    expect(labelsOf(one)).toEqual({ a: "Pear", b: "Plum" });
  });

  it("survive a line that a crash cut short, which the next one replaces", async () => {
    const overlay = await opened();
    await overlay.edit(["é"], "Pêche");
    appendFileSync(file(), '{"at":"2026-01-01T00:00:00.000Z","label":"Lost","pa');
    const after = await opened();
    expect(labelsOf(after)).toEqual({ é: "Pêche" });
    await after.edit(["b"], "Plum");
    expect(labelsOf(await opened())).toEqual({ é: "Pêche", b: "Plum" });
    expect(readFileSync(file(), "utf8")).not.toContain("Lost");
  });

  it("say what is wrong with a damaged or newer file", async () => {
    writeFileSync(file(), '{"format":"verger labels","schemaVersion":1}\n{"at":1}\n');
    await expect(opened()).rejects.toMatchObject({
      code: "labels/corrupt",
      message: expect.stringContaining("line 2"),
    });
    writeFileSync(file(), '{"format":"verger labels","schemaVersion":9}\n');
    await expect(opened()).rejects.toMatchObject({ code: "labels/newer" });
    writeFileSync(file(), "{}\n");
    await expect(opened()).rejects.toMatchObject({ code: "labels/corrupt" });
  });
});
