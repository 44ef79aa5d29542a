/** From what is filled in to what is asked for. */
import type { Job, RequestOf } from "../../../src-main/api/channels.js";
import { isBucket, NO_S3, namesBucket, type S3Choice, s3Options } from "../../components/s3-choice.js";
import { suggestedOut } from "../new-run/suggested-out.js";

/** From a folder to a bucket, back from it, or from one bucket to another. */
export const DIRECTIONS = ["upload", "download", "copy"] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** What a person fills in. What the direction has no use for is kept for when it is chosen again. */
export interface TransferForm {
  readonly direction: Direction;
  readonly folder: string;
  /** The address of an upload or a download, and where a copy comes from. */
  readonly bucket: string;
  /** Where a copy goes. */
  readonly copyTo: string;
  readonly s3: S3Choice;
  /** Megabytes a second, as typed; empty for no limit. */
  readonly limit: string;
  /** Globs, apart by commas or line breaks. */
  readonly only: string;
  readonly except: string;
  readonly overwrite: boolean;
  readonly remove: boolean;
  /** Also when more than half of the target would go. */
  readonly removeMost: boolean;
}

export const EMPTY_FORM: TransferForm = {
  direction: "upload",
  folder: "",
  bucket: "",
  copyTo: "",
  s3: NO_S3,
  limit: "",
  only: "",
  except: "",
  overwrite: true,
  remove: false,
  removeMost: false,
};

/** Less is taken for a slip of the pen. */
const LEAST_BYTES_PER_SECOND = 10_000;

export type SyncInput = RequestOf<"transfers.preview">["request"];

/** The two sides that the direction has. */
export function sidesOf({ direction, folder, bucket, copyTo }: TransferForm): { from: string; to: string } {
  const [local, remote] = [folder.trim(), bucket.trim()];
  if (direction === "copy") return { from: remote, to: copyTo.trim() };
  return direction === "upload" ? { from: local, to: remote } : { from: remote, to: local };
}

/** True when both sides are there and the limit is a number. */
export function isComplete(form: TransferForm): boolean {
  const { direction, folder, bucket, copyTo } = form;
  if (!namesBucket(bucket)) return false;
  // Between buckets the server copies: there is nothing to limit.
  if (direction === "copy") return namesBucket(copyTo);
  return folder.trim() !== "" && !isBucket(folder) && bytesPerSecond(form.limit) !== null;
}

/** Megabytes a second, with a point or a comma, in bytes; undefined for no limit, null for what is no speed. */
export function bytesPerSecond(limit: string): number | undefined | null {
  if (limit.trim() === "") return undefined;
  const bytes = Math.round(Number(limit.trim().replace(",", ".")) * 1e6);
  return Number.isSafeInteger(bytes) && bytes >= LEAST_BYTES_PER_SECOND ? bytes : null;
}

/** Globs of one field, in their order. */
export function globs(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((glob) => glob.trim())
    .filter(Boolean);
}

export function requestOf(form: TransferForm): SyncInput {
  const maxBandwidth = form.direction === "copy" ? undefined : bytesPerSecond(form.limit);
  return {
    ...sidesOf(form),
    s3: { ...s3Options(form.s3), ...(maxBandwidth ? { maxBandwidth } : {}) },
    // The last rule that matches decides: what is left out is left out of what is taken in.
    rules: [
      ...globs(form.only).map((glob) => ({ include: true, glob })),
      ...globs(form.except).map((glob) => ({ include: false, glob })),
    ],
    overwrite: form.overwrite,
    delete: form.remove,
    forceDelete: form.remove && form.removeMost,
  };
}

/** The form of the last transfer: the same two sides again are what people mostly want. Deletion has to be asked for anew. */
export function formOf(job: Job | undefined): TransferForm {
  if (job?.work.kind !== "sync") return EMPTY_FORM;
  const { from, to, s3, rules, overwrite } = job.work.request;
  const listed = (include: boolean) =>
    rules
      .filter((rule) => rule.include === include)
      .map(({ glob }) => glob)
      .join(", ");
  return {
    ...EMPTY_FORM,
    ...sidesIn(from, to),
    s3: { profile: s3.profile ?? "", region: s3.region ?? "", endpoint: s3.endpoint ?? "" },
    limit: s3.maxBandwidth === undefined ? "" : String(s3.maxBandwidth / 1e6),
    only: listed(true),
    except: listed(false),
    overwrite,
  };
}

function sidesIn(from: string, to: string): Pick<TransferForm, "direction" | "folder" | "bucket" | "copyTo"> {
  const none = { folder: "", bucket: "", copyTo: "" };
  if (!isBucket(from)) return { ...none, direction: "upload", folder: from, bucket: to };
  if (!isBucket(to)) return { ...none, direction: "download", folder: to, bucket: from };
  return { ...none, direction: "copy", bucket: from, copyTo: to };
}

const S3_NAMES = ["profile", "region", "endpoint"] as const;

/** What the view's address says to propose that a run be brought from a bucket to this machine. */
export function bringing(
  address: string,
  s3: Partial<Record<keyof S3Choice, string | undefined>> = {},
): URLSearchParams {
  const search = new URLSearchParams({ from: address });
  for (const name of S3_NAMES) if (s3[name]) search.set(name, s3[name]);
  return search;
}

/** The form that the view's address proposes; undefined where it proposes none. @param home as for `suggestedOut` */
export function proposedBy(search: URLSearchParams, home: string): TransferForm | undefined {
  const bucket = search.get("from");
  if (bucket === null || !namesBucket(bucket)) return undefined;
  const [profile = "", region = "", endpoint = ""] = S3_NAMES.map((name) => search.get(name) ?? "");
  const folder = suggestedOut(bucket, home, "");
  return { ...EMPTY_FORM, direction: "download", bucket, folder, s3: { profile, region, endpoint } };
}
