/** What is said of a job's progress, in its own unit. */
import type { Job } from "../../src-main/api/channels.js";
import type { Language } from "../../src-main/api/language.js";
import { byUrgency, isActive, shareDone } from "../../src-main/api/progress.js";
import { percentText } from "../../src-main/api/spoken.js";
import type { Speech } from "../i18n/index.js";
import { nameOf } from "./names.js";

/** What a job is called: the folder it writes, or what a transfer fills. */
export function titleOf(job: Job): string {
  return nameOf(job.out);
}

/** What a job reads. */
export function sourceOf({ work }: Job): string {
  if (work.kind === "run") return work.request.sources.join(", ");
  return work.kind === "pca" ? work.request.features : work.request.from;
}

/** How much is done, of how much where that is known. */
export function doneText({ t, bytes }: Speech, progress: NonNullable<Job["progress"]>): string {
  const { done, total, unit, also } = progress;
  if (unit !== "bytes") {
    return total > 0 ? t("jobs.progress", { done, total }) : t("jobs.progressUnknown", { done });
  }
  const files = also ? ` · ${t("transfers.files", { count: also.done })}` : "";
  if (total === 0) return t("jobs.progressUnknown", { done: bytes(done) }) + files;
  return t("jobs.progress", { done: bytes(done), total: bytes(total) }) + files;
}

/** The speed of the last seconds. */
export function rateText({ t, n, bytes }: Speech, rate: number, unit: NonNullable<Job["progress"]>["unit"]): string {
  return unit === "bytes" ? t("jobs.rate.bytes", { rate: bytes(rate) }) : t(`jobs.rate.${unit}`, { rate: n(rate) });
}

/** "43% · orchard – Verger" while a job is under way: what changes stands first, where a narrow tab still shows it. */
export function pageTitle(jobs: readonly Job[], language: Language): string {
  const [job] = byUrgency(jobs.filter(isActive));
  if (!job) return "Verger";
  const share = shareDone(job.progress);
  return `${share === null ? "" : `${percentText(language, share)} · `}${titleOf(job)} – Verger`;
}
