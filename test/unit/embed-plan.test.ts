import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { planCompute, usableProcessors } from "../../src-main/core/embed/plan.js";
import { providerCandidates } from "../../src-main/core/embed/provider.js";
import { chunkLength } from "../../src-main/core/run/embed-stage.js";

const folder = mkdtempSync(path.join(tmpdir(), "verger-plan-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function cgroup(content: string): string {
  const file = path.join(folder, `cpu.max.${Math.random()}`);
  writeFileSync(file, content);
  return file;
}

describe("usableProcessors", () => {
  it("takes the smaller of the affinity mask and the control group's quota", () => {
    expect(usableProcessors(16, cgroup("400000 100000\n"))).toBe(4);
    expect(usableProcessors(2, cgroup("400000 100000\n"))).toBe(2);
  });

  it("never answers zero for a quota below one processor", () => {
    expect(usableProcessors(8, cgroup("50000 100000\n"))).toBe(1);
  });

  it("ignores an unlimited quota and a missing file", () => {
    expect(usableProcessors(8, cgroup("max 100000\n"))).toBe(8);
    expect(usableProcessors(8, path.join(folder, "none"))).toBe(8);
  });
});

describe("planCompute", () => {
  const gib = 2 ** 30;
  const base = { provider: "cpu", width: 224, height: 224 } as const;

  it("gives a CPU one single-threaded session per processor", () => {
    expect(planCompute(base, 8, 16 * gib)).toMatchObject({ sessions: 8, threadsPerSession: 1, decodeThreads: 1 });
  });

  it("shares the processors when the threads of a session are stated", () => {
    expect(planCompute({ ...base, threads: 4 }, 8, 16 * gib)).toMatchObject({ sessions: 2, threadsPerSession: 4 });
  });

  it("uses every processor when the sessions are stated", () => {
    expect(planCompute({ ...base, sessions: 1 }, 4, 16 * gib)).toMatchObject({
      threadsPerSession: 4,
      decodeThreads: 4,
    });
  });

  it("opens fewer sessions where memory is short, and always one", () => {
    const short = planCompute(base, 64, gib / 2);
    expect(short.sessions).toBeLessThan(8);
    expect(short.sessions * short.threadsPerSession).toBeLessThanOrEqual(64);
    expect(planCompute(base, 64, 0).sessions).toBe(1);
  });

  it("keeps what is stated", () => {
    expect(planCompute({ ...base, sessions: 3, threads: 2, batch: 7 }, 2, gib)).toMatchObject({
      sessions: 3,
      threadsPerSession: 2,
      batch: 7,
    });
  });

  it("makes a CPU's batches as large as the input leaves room in the cache", () => {
    const batch = (side: number): number => planCompute({ ...base, width: side, height: side }, 2, gib).batch;
    expect([batch(128), batch(224)]).toEqual([8, 2]);
    expect(batch(2048)).toBe(1);
    expect(batch(8)).toBe(64);
  });

  it("sends a session several small batches at once, unless their size is stated", () => {
    expect(planCompute(base, 2, gib)).toMatchObject({ batch: 2, chunk: 16 });
    expect(planCompute({ ...base, provider: "cuda" }, 2, gib)).toMatchObject({ batch: 64, chunk: 64 });
    expect(planCompute({ ...base, batch: 1 }, 2, gib)).toMatchObject({ batch: 1, chunk: 1 });
  });

  it("fills a GPU with large batches from two sessions", () => {
    const plan = planCompute({ ...base, provider: "cuda" }, 16, 64 * gib);
    expect(plan.sessions).toBe(2);
    expect(plan.batch).toBeGreaterThan(16);
    expect(plan.decodeThreads).toBe(8);
  });
});

describe("chunkLength", () => {
  const plan = { sessions: 2, threadsPerSession: 1, decodeThreads: 1, batch: 4, chunk: 16 };

  it("sends whole chunks while there is plenty, and single batches at the end", () => {
    expect([1000, 64, 63, 40, 17, 15, 3].map((left) => chunkLength(plan, left, 4))).toEqual([16, 16, 12, 8, 4, 4, 4]);
  });

  it("never sends more than a chunk where the batch is larger than what is left", () => {
    expect(chunkLength({ ...plan, batch: 64, chunk: 64 }, 10, 4)).toBe(64);
  });
});

describe("providerCandidates", () => {
  it("ends with the CPU for auto and says why the platform's GPU cannot be tried", () => {
    const candidates = providerCandidates("auto", folder);
    expect(candidates.at(-1)).toEqual({ provider: "cpu" });
    if (process.platform === "linux") {
      expect(candidates[0]?.provider).toBe("cuda");
      expect(candidates[0]?.unavailable).toContain("libonnxruntime_providers_cuda.so");
    }
  });

  it("tries CUDA first once its library is there", () => {
    if (process.platform !== "linux") return;
    writeFileSync(path.join(folder, "libonnxruntime_providers_cuda.so"), "");
    expect(providerCandidates("auto", folder)).toEqual([{ provider: "cuda" }, { provider: "cpu" }]);
  });

  it("refuses a named provider that this system does not have", () => {
    const foreign = process.platform === "win32" ? "coreml" : "dml";
    expect(() => providerCandidates(foreign, folder)).toThrow(
      /Expected to run on provider .* use --provider auto or cpu/,
    );
  });
});
