/** From what is filled in to what is asked for. */
import type { Job, RequestOf } from "../../../src-main/api/channels.js";
import { isBucket, NO_S3, type S3Choice, s3Options } from "../../components/s3-choice.js";

export type Direction = "upload" | "download";

/** What a person fills in. */
export interface TransferForm {
  readonly direction: Direction;
  readonly folder: string;
  readonly bucket: string;
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

/** True when both sides are there and the limit is a number. */
export function isComplete({ folder, bucket, limit }: TransferForm): boolean {
  return folder.trim() !== "" && /^s3:\/\/[^/]/i.test(bucket.trim()) && bytesPerSecond(limit) !== null;
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
  const [folder, bucket] = [form.folder.trim(), form.bucket.trim()];
  const maxBandwidth = bytesPerSecond(form.limit);
  return {
    ...(form.direction === "upload" ? { from: folder, to: bucket } : { from: bucket, to: folder }),
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
  const [local, remote] = isBucket(from) ? [to, from] : [from, to];
  if (isBucket(local)) return EMPTY_FORM;
  const listed = (include: boolean) =>
    rules
      .filter((rule) => rule.include === include)
      .map(({ glob }) => glob)
      .join(", ");
  return {
    ...EMPTY_FORM,
    direction: isBucket(from) ? "download" : "upload",
    folder: local,
    bucket: remote,
    s3: { profile: s3.profile ?? "", region: s3.region ?? "", endpoint: s3.endpoint ?? "" },
    limit: s3.maxBandwidth === undefined ? "" : String(s3.maxBandwidth / 1e6),
    only: listed(true),
    except: listed(false),
    overwrite,
  };
}
