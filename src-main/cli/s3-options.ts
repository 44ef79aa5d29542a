import { type Command, Option } from "commander";
import { VergerError } from "../core/errors.js";
import type { S3Options } from "../storage/types.js";
import { invalid, wholeNumber } from "./usage.js";

/** Options of every command that reaches S3: how the server is found. Credentials come from the AWS chain alone. */

/** What commander hands over for `addS3Options`. */
export interface S3Flags {
  profile?: string;
  region?: string;
  endpoint?: string;
  /** Undefined when neither --path-style nor --no-path-style was given. */
  pathStyle?: boolean;
}

/** What commander hands over for `addTransferOptions`. */
export interface TransferFlags {
  concurrency?: number;
  /** Bytes per second. */
  maxBandwidth?: number;
  /** Bytes. */
  partSize?: number;
}

/** --profile, --region, --endpoint, --path-style. */
export function addS3Options(command: Command): Command {
  return command
    .optionsGroup("S3 (from the AWS environment and profile files unless given):")
    .addOption(new Option("--profile <name>", "the AWS profile whose credentials and region are used"))
    .addOption(new Option("--region <name>", "the bucket's region"))
    .addOption(new Option("--endpoint <url>", "the address of an S3-compatible server").argParser(endpoint))
    .addOption(new Option("--path-style", "put the bucket into the path, not the host name (so with --endpoint)"))
    .addOption(new Option("--no-path-style", "put the bucket into the host name, also with --endpoint"));
}

/** --concurrency, --max-bandwidth and --part-size. */
export function addTransferOptions(command: Command): Command {
  return command
    .optionsGroup("Transfers:")
    .addOption(
      new Option("--concurrency <n>", "requests under way at once").argParser(
        wholeNumber("--concurrency", "requests", 1, 1024),
      ),
    )
    .addOption(
      new Option("--max-bandwidth <rate>", "bytes per second in all, such as 500k or 2M").argParser(
        byteCount("--max-bandwidth"),
      ),
    )
    .addOption(
      new Option("--part-size <bytes>", "of large files: what a broken link can cost at most (8Mi)").argParser(
        byteCount("--part-size", 64 * 1024, "5Mi or 64M"),
      ),
    );
}

/** The store's options from the flags of both groups; undefined fields are left out. */
export function s3Options(flags: S3Flags & TransferFlags): S3Options {
  const { profile, region, endpoint, pathStyle, concurrency, maxBandwidth, partSize } = flags;
  return Object.fromEntries(
    Object.entries({ profile, region, endpoint, pathStyle, concurrency, maxBandwidth, partBytes: partSize }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
};

/** A parser for bytes: `2M` is 2,000,000, `2Mi` is 2,097,152; `2MB`, `2MiB` and `2MB/s` are taken too. */
export function byteCount(flag: string, least = 1000, examples = "500k, 2M or 1Gi") {
  return (text: string): number => {
    const match = /^\+?(\d+(?:\.\d+)?)\s*([kmg]i?)?(?:b(?:\/s)?)?$/i.exec(text.trim());
    const value = match ? Number(match[1]) * (UNITS[(match[2] ?? "").toLowerCase()] ?? Number.NaN) : Number.NaN;
    if (!(value >= least)) throw invalid(flag, `a number of bytes of at least ${least}, such as ${examples}`, text);
    return Math.round(value);
  };
}

function endpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw invalid("--endpoint", "an http:// or https:// address", text);
  }
  if (url.username || url.password) {
    // Not repeated: it holds a secret.
    throw new VergerError(
      "usage/invalid-value",
      "Expected --endpoint to be an address without a user name or password, but received one; give credentials by the AWS environment or a profile.",
      { details: { option: "--endpoint" } },
    );
  }
  return text;
}
