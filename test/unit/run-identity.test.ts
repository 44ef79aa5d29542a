import { describe, expect, it } from "vitest";
import type { RunIdentity } from "../../src-main/api/contract.js";
import { compareIdentity, requireSameIdentity } from "../../src-main/core/run/identity.js";

const begun: RunIdentity = {
  model: "efficientnet-lite0-int8",
  modelSha256: "a".repeat(64),
  output: "features",
  dimension: 1280,
  width: 128,
  height: 128,
  filter: "bicubic",
  fit: "stretch",
  layout: "nchw",
  channels: "rgb",
  mean: [127, 127, 127],
  std: [128, 128, 128],
  preset: "fast",
  sources: ["/photos"],
  rowsPerPart: 1024,
};

describe("run identity", () => {
  it("finds nothing between equals", () => {
    expect(compareIdentity(begun, { ...begun, mean: [127, 127, 127] })).toEqual([]);
    expect(() => requireSameIdentity("/run", begun, { ...begun })).not.toThrow();
  });

  it("names every difference and offers --fresh", () => {
    const received: RunIdentity = { ...begun, preset: "balanced", width: 224, height: 224, sources: ["/others"] };
    let thrown: unknown;
    try {
      requireSameIdentity("/run", begun, received);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: "run/mismatch",
      details: { differences: ["sources", "preset", "input size"] },
    });
    expect(String(thrown)).toContain("sources /photos, but received /others");
    expect(String(thrown)).toContain("preset fast, but received balanced");
    expect(String(thrown)).toContain("input size 128x128 px, but received 224x224 px");
    expect(String(thrown)).toContain("--fresh");
  });

  it.each([
    ["modelSha256", { modelSha256: "b".repeat(64) }],
    ["output", { output: "logits" }],
    ["filter", { filter: "bilinear" as const }],
    ["std", { std: [1, 1, 1] }],
    ["rowsPerPart", { rowsPerPart: 512 }],
  ])("notices a change of %s", (_, change) => {
    expect(compareIdentity(begun, { ...begun, ...change })).toHaveLength(1);
  });
});
