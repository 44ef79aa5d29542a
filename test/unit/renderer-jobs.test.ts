import { describe, expect, it } from "vitest";
import type { Job } from "../../src-main/api/channels.js";
import { byUrgency } from "../../src-main/api/progress.js";
import { percentText } from "../../src-main/api/spoken.js";
import { pageTitle } from "../../src-renderer/components/job-words.js";

function job(name: string, state: Job["state"], done = 0, total = 0): Job {
  return { id: name, out: `/runs/${name}`, state, progress: { done, total } } as unknown as Job;
}

describe("the title of the page", () => {
  it.each([
    ["without a job", [], "Verger"],
    ["with jobs that are over", [job("old", "done"), job("late", "paused", 5, 10)], "Verger"],
    ["at a job's start", [job("orchard", "running")], "orchard – Verger"],
    [
      "while one waits for another",
      [job("next", "queued"), job("orchard", "running", 437, 1000)],
      "43% · orchard – Verger",
    ],
  ])("says %s what is under way", (_when, jobs, title) => {
    expect(pageTitle(jobs, "en")).toBe(title);
  });

  it("is written as the language writes numbers", () => {
    expect(pageTitle([job("verger", "running", 1, 2)], "fr")).toMatch(/^50\s% · verger – Verger$/);
  });
});

it("a percentage is never more than is done", () => {
  const texts = [-0.1, 0, 0.29, 0.57, 0.999, 1, 1.5].map((share) => percentText("en", share));
  expect(texts).toEqual(["0%", "0%", "29%", "57%", "99%", "100%", "100%"]);
});

it("what runs comes before what waits, and that before what is paused", () => {
  const jobs = [job("a", "paused"), job("b", "queued"), job("c", "stopping"), job("d", "running")];
  expect(byUrgency(jobs).map(({ id }) => id)).toEqual(["c", "d", "b", "a"]);
});
