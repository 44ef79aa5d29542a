import { type Command, Option } from "commander";
import type { LabelFrom, Preset, ProviderChoice, Solver } from "../api/contract.js";
import { VergerError } from "../core/errors.js";
import { addS3Options, byteCount, type S3Flags } from "./s3-options.js";
import { commandPath, labelFrom, oneOf, share, wholeNumber } from "./usage.js";

/** Options that several commands share, in groups as --help shows them. */

const PRESETS = ["fast", "balanced", "exact"] as const satisfies readonly Preset[];
const PROVIDERS = ["auto", "cpu", "cuda", "dml", "coreml"] as const satisfies readonly ProviderChoice[];
const SOLVERS = ["auto", "exact", "randomized"] as const satisfies readonly Solver[];

/** Options of `run`, `embed` and `pca` for what stands in S3. */
export interface BucketOptions extends S3Flags {
  /** Bytes. */
  cacheSize?: number;
  /** False with --no-cache. */
  cache: boolean;
}

/** Options of `run` and `embed`. */
export interface EmbedOptions extends BucketOptions {
  out: string;
  labelFrom: LabelFrom;
  preset?: Preset;
  model?: string;
  size?: number;
  provider: ProviderChoice;
  sessions?: number;
  threads?: number;
  batch?: number;
  tolerateTruncated?: true;
  pixelLimit?: number;
  retry?: true;
  thumbnails?: true;
  fresh?: true;
}

/** Options of `run` and `pca`. */
export interface PcaOptions {
  variance?: number;
  components?: number;
  standardize: boolean;
  solver: Solver;
}

/**
 * --out, which must be given. Not commander's mandatory option: that complains before it looks for misspelt ones, and
 * `--ot dir` deserves the better answer.
 */
export function addOutOption(command: Command, what: string): Command {
  return command.addOption(new Option("-o, --out <dir>", `${what} (required)`)).hook("preAction", (_, action) => {
    if (action.opts<{ out?: string }>().out) return;
    throw new VergerError(
      "usage/missing-option",
      `Expected --out <dir> to say where ${commandPath(action)} shall write, but it was not given.`,
      { details: { option: "--out" } },
    );
  });
}

export function addEmbedOptions(command: Command): Command {
  addOutOption(command, "the run folder; an earlier run in it is continued");
  return command
    .addOption(
      new Option("--label-from <rule>", "where labels come from: parent, none, or filename:<regex> (first group)")
        .argParser(labelFrom)
        .default("parent"),
    )
    .optionsGroup("Model:")
    .addOption(
      new Option(
        "--preset <name>",
        `${PRESETS.join(", ")}; balanced on a CPU and exact on a GPU unless given`,
      ).argParser(oneOf("--preset", PRESETS)),
    )
    .addOption(new Option("--model <name|file>", "a model from `verger models list`, or an ONNX file"))
    .addOption(
      new Option("--size <px>", "side of the square that each image is resized to").argParser(
        wholeNumber("--size", "pixels", 32, 4096),
      ),
    )
    .addOption(
      new Option("--provider <name>", `what computes: ${PROVIDERS.join(", ")}`)
        .argParser(oneOf("--provider", PROVIDERS))
        .default("auto"),
    )
    .optionsGroup("Images:")
    .addOption(new Option("--tolerate-truncated", "embed files that end too early instead of setting them aside"))
    .addOption(
      new Option(
        "--pixel-limit <px>",
        "set larger images aside from their header alone (268 million pixels unless given)",
      ).argParser(wholeNumber("--pixel-limit", "pixels", 1)),
    )
    .addOption(new Option("--retry", "try the images again that an earlier attempt set aside"))
    .addOption(new Option("--thumbnails", "keep small pictures of large photos, for `verger serve` to show at once"))
    .optionsGroup("Machine (chosen for it unless given):")
    .addOption(
      new Option("--sessions <n>", "inference sessions side by side").argParser(
        wholeNumber("--sessions", "sessions", 1, 1024),
      ),
    )
    .addOption(
      new Option("--threads <n>", "threads of each session").argParser(wholeNumber("--threads", "threads", 1, 1024)),
    )
    .addOption(new Option("--batch <n>", "images per batch").argParser(wholeNumber("--batch", "images", 1, 4096)));
}

export function addPcaOptions(command: Command): Command {
  return command
    .optionsGroup("PCA:")
    .addOption(
      new Option("--variance <share>", "keep the fewest components that explain this share (0.8 unless given)")
        .argParser(share("--variance", "the share of the variance to explain"))
        .conflicts("components"),
    )
    .addOption(
      new Option("--components <k>", "keep exactly k components").argParser(
        wholeNumber("--components", "components", 1),
      ),
    )
    .addOption(new Option("--no-standardize", "centre the features only; do not scale them to unit variance"))
    .addOption(new Option("--solver <name>", SOLVERS.join(", ")).argParser(oneOf("--solver", SOLVERS)).default("auto"));
}

/** How S3 is reached, and how much of it is kept here. */
export function addBucketOptions(command: Command): Command {
  return addS3Options(command)
    .addOption(
      new Option("--cache-size <bytes>", "what may be kept on this machine of S3, such as 500M (2Gi unless given)")
        .argParser(byteCount("--cache-size"))
        .conflicts("cache"),
    )
    .addOption(new Option("--no-cache", "keep nothing of S3 on this machine"));
}

/** --fresh for commands that write a run folder. */
export function addFreshOption(command: Command): Command {
  return command.optionsGroup("Run:").addOption(new Option("--fresh", "discard what stands in --out and start anew"));
}

/** --json and --quiet, which `main` reads before the command line is parsed: even a usage error follows them. */
export function addOutputOptions(command: Command): Command {
  return command
    .optionsGroup("Output:")
    .addOption(new Option("--json", "print one JSON document on stdout, also for a failure"))
    .addOption(new Option("-q, --quiet", "show no progress and no notices"));
}

/** The lines under a command's help. Each example is a command line and what it does. */
export function examples(lines: readonly (readonly [command: string, what: string])[]): string {
  const body = lines.map(([command, what]) => `  ${command}\n      ${what}`).join("\n");
  return `\n${lines.length === 1 ? "Example:" : "Examples:"}\n${body}`;
}
