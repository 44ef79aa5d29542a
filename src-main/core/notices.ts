/**
 * What Verger tells beside results: one sentence with a stable code and what it is about, so that the window can say it in
 * the person's language (src-renderer/i18n/fr-said.ts). `count` decides singular or plural there.
 */
import type { Notice } from "../api/contract.js";
import { counted } from "./counted.js";

export type { Notice } from "../api/contract.js";

interface Skipped {
  readonly count: number;
  /** The first in code point order. */
  readonly example: string;
}

const skipped =
  (noun: string, why: string) =>
  ({ count, example }: Skipped): string =>
    `${counted(count, noun)} skipped, first "${example}": ${why}.`;

const SENTENCES = {
  "scan/ignored-files": ({ count, extensions }: { count: number; extensions: string }) =>
    `${counted(count, "file")} ignored: not images (${extensions}).`,
  "scan/hidden": skipped("hidden name", "names that start with a dot are not read"),
  "scan/runs": skipped("run folder", "Verger's own output is not a source"),
  "scan/repeated-folders": skipped("linked folder", "a folder is read only once, by its own name"),
  "scan/unreadable-folders": skipped("folder", "not readable"),
  "scan/name-encoding": skipped("name", "not in UTF-8, rename it"),
  "scan/duplicates": ({ count }: { count: number }) =>
    `${counted(count, "image")} named more than once: each counts once.`,
  "scan/label-conflicts": ({ count, example }: Skipped) =>
    `${counted(count, "image")} stated with different labels, first "${example}": the first label is kept.`,
  "run/unchanged": () => "Nothing has changed since this run was finished: every feature vector is reused.",
  "run/uploading": ({ run, mebibytes }: { run: string; mebibytes: number }) =>
    `Waiting until ${run} has the last ${mebibytes} MiB of the run.`,
  /**
   * `reasons`: why the providers before this one could not be used, in English; may be empty. `without`: the last of
   * those; `library`: what it lacks, where that is why.
   */
  "run/provider": ({ provider, sessions, threads, reasons }: ProviderFacts) =>
    `Provider ${provider}, ${counted(sessions, "session")} x ${counted(threads, "thread")}${reasons === "" ? "" : ` (${reasons})`}.`,
  "labels/applied": ({ count }: { count: number }) =>
    `${counted(count, "image")} in pca/ with a label that people corrected (labels.jsonl).`,
  "labels/kept": ({ count }: { count: number }) =>
    `${counted(count, "label correction")} kept from the run that --fresh discards: the sources are the same.`,
  "labels/set-aside": ({ count, file }: { count: number; file: string }) =>
    `${counted(count, "label correction")} of other photos set aside as ${file}, not deleted.`,
  "features/fetching": ({ count, mebibytes, from }: { count: number; mebibytes: number; from: string }) =>
    `Fetching ${counted(count, "feature file")} (${mebibytes} MiB) from ${from}.`,
  "cache/unavailable": ({ reason }: { reason: string }) => `Photos are not kept for later: ${reason}`,
  "job/interrupted": () => "Verger ended while this job was under way; what was done is kept, and it can be resumed.",
} as const;

interface ProviderFacts {
  readonly provider: string;
  readonly sessions: number;
  readonly threads: number;
  readonly reasons: string;
  readonly without?: string;
  readonly library?: string;
}

export type NoticeCode = keyof typeof SENTENCES;
/** Every code there is. */
export const NOTICE_CODES = Object.keys(SENTENCES) as NoticeCode[];

type Details<C extends NoticeCode> = Parameters<(typeof SENTENCES)[C]> extends [infer D] ? D : Record<string, never>;

/** The notice of a code, with its English sentence. */
export function notice<C extends NoticeCode>(code: C, details: Details<C>): Notice {
  const sentence = SENTENCES[code] as (details: Details<C>) => string;
  return { code, message: sentence(details), details: { ...(details as Notice["details"]) } };
}
