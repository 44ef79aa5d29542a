import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src-main/api/contract.js";
import { Reporter } from "../../src-main/core/run/reporter.js";

const open = () => {
  const events: RunEvent[] = [];
  return { events, reporter: new Reporter((event) => events.push(event)) };
};

describe("a job's reporter", () => {
  it("tells the start and the end of a stage, and keeps its seconds", async () => {
    const { events, reporter } = open();
    expect(await reporter.stage("embed", 3, async () => "result")).toBe("result");
    expect(events).toEqual([
      { type: "stage", stage: "embed", state: "start", total: 3 },
      { type: "stage", stage: "embed", state: "done", total: 3, seconds: expect.any(Number) },
    ]);
    expect(reporter.seconds()).toMatchObject({ embed: expect.any(Number), total: expect.any(Number) });
  });

  it("never says of a stage that failed that it is done", async () => {
    const { events, reporter } = open();
    const failure = new Error("no");
    await expect(reporter.stage("scan", undefined, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(events).toEqual([{ type: "stage", stage: "scan", state: "start" }]);
    expect(reporter.seconds()).toHaveProperty("scan");
  });
});
