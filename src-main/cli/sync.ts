import { type Command, Option } from "commander";
import type { Amount, SweepSummary, SyncRequestInput, SyncRule, SyncSummary } from "../api/contract.js";
import { isCancelled, VergerError } from "../core/errors.js";
import type { CommandContext } from "./context.js";
import { EXIT } from "./exit.js";
import { interruptible } from "./interrupt.js";
import { addOutputOptions, examples } from "./options.js";
import type { Output } from "./output.js";
import { addS3Options, addTransferOptions, type S3Flags, s3Options, type TransferFlags } from "./s3-options.js";
import { oneOf, duration as parseDuration } from "./usage.js";

interface SyncFlags extends S3Flags, TransferFlags {
  rules?: SyncRule[];
  names: "portable" | "system";
  overwrite: boolean;
  delete?: true;
  yes?: true;
  forceDelete?: true;
  dryRun?: true;
  sweep?: true;
  olderThan: number;
}

/** `verger sync`: folders and buckets, in either direction. */
export function addSync(program: Command, context: CommandContext): void {
  const command = program
    .command("sync")
    .summary("make a folder or bucket hold what another does, resumable in both directions")
    .description(
      "Copies what is new or changed from one side to the other: a folder to S3, S3 to a folder, or S3 to S3.\n" +
        "A sync that was stopped, or whose link broke, continues where it stood when it is run again.",
    )
    .argument("[from]", "a folder or s3://bucket/prefix")
    .argument("[to]", "a folder or s3://bucket/prefix; one of both sides is in S3")
    .optionsGroup("What takes part (the last rule that matches a key decides):");
  addRules(command);
  command
    .addOption(
      new Option(
        "--names <rule>",
        "of files: portable (what Windows and macOS hold too) or system (what this machine does)",
      )
        .argParser(oneOf("--names", ["portable", "system"]))
        .default("portable"),
    )
    .optionsGroup("What is done:")
    .addOption(new Option("--dry-run", "decide, but change nothing; with --json every action is listed"))
    .addOption(new Option("--no-overwrite", "leave what stands in the target as it is"))
    .addOption(new Option("--delete", "remove from the target, within the rules, what the source does not hold"))
    .addOption(new Option("-y, --yes", "do not ask before deleting"))
    .addOption(new Option("--force-delete", "also when that is more than half of the target"))
    .addOption(new Option("--sweep", "instead, abort uploads below one s3:// prefix that were begun and never ended"))
    .addOption(
      new Option("--older-than <time>", "of --sweep: the age from which an upload counts as given up")
        .argParser(parseDuration("--older-than"))
        .default(24 * 3600, "1d"),
    );
  addTransferOptions(command);
  addS3Options(command);
  addOutputOptions(command);
  command
    .addHelpText(
      "after",
      examples([
        ["verger sync photos/ s3://orchard/photos", "Upload what is new or changed under photos/."],
        [
          "verger sync s3://orchard/photos photos/ --include '*.jpg' --exclude 'raw/' --delete --dry-run",
          "What a mirror of the photos, but for raw/, would copy and delete.",
        ],
        ["verger sync --sweep s3://orchard/photos --older-than 2d", "Abort uploads that nobody will finish."],
      ]),
    )
    .action(async (from: string | undefined, to: string | undefined, flags: SyncFlags) => {
      if (flags.sweep) await sweep(context, from, to, flags);
      else await sync(context, from, to, flags);
    });
}

/** --include and --exclude share one list: their order counts. */
function addRules(command: Command): void {
  const collect = (include: boolean) => (glob: string) => {
    const rules: SyncRule[] = command.getOptionValue("rules") ?? [];
    command.setOptionValue("rules", [...rules, { include, glob }]);
    return glob;
  };
  command
    .addOption(
      new Option("--include <glob>", "keys to take in; before any --exclude, only those").argParser(collect(true)),
    )
    .addOption(new Option("--exclude <glob>", "keys to leave out").argParser(collect(false)));
}

async function sync(
  context: CommandContext,
  from: string | undefined,
  to: string | undefined,
  flags: SyncFlags,
): Promise<void> {
  const { output } = context;
  if (from === undefined || to === undefined) throw missing(from === undefined ? "from" : "to", "verger sync");
  const asks = flags.delete === true && !flags.yes && !flags.dryRun;
  if (asks && !canAsk(output)) {
    throw new VergerError(
      "usage/missing-option",
      "Expected --yes beside --delete where nobody can be asked, but it was not given; look at what would be deleted with --dry-run first.",
      { details: { option: "--yes" } },
    );
  }
  const request: SyncRequestInput = {
    ...{ from, to, s3: s3Options(flags), rules: flags.rules ?? [], names: flags.names, overwrite: flags.overwrite },
    dryRun: flags.dryRun === true,
    delete: flags.delete === true,
    forceDelete: flags.forceDelete === true,
    listActions: flags.dryRun === true && output.json,
  };
  const [{ syncJob }, { openProgress }, { syncReport }] = await Promise.all([
    import("../storage/sync/index.js"),
    import("./progress.js"),
    import("./sync-report.js"),
  ]);
  let progress = openProgress(output);
  /** Without the bar, which would write over the question. */
  const confirmDelete = async (deleted: Amount, signal: AbortSignal): Promise<boolean> => {
    progress.close();
    try {
      return await askToDelete(output, deleted, to, signal);
    } finally {
      progress = openProgress(output);
    }
  };
  let summary: SyncSummary;
  try {
    summary = await interruptible(output, (signal) =>
      syncJob(request, {
        signal,
        onEvent: (event) => progress.onEvent(event),
        ...(asks ? { confirmDelete: (deleted: Amount) => confirmDelete(deleted, signal) } : {}),
      }),
    );
  } catch (error) {
    throw isCancelled(error) ? stopped() : error;
  } finally {
    progress.close();
  }
  output.document(summary);
  output.result(syncReport(summary, output.paint));
  if (summary.conflicts.files + summary.failed.files > 0) context.finish(EXIT.setAside);
}

async function sweep(
  context: CommandContext,
  target: string | undefined,
  second: string | undefined,
  flags: SyncFlags,
): Promise<void> {
  const { output } = context;
  if (target === undefined) throw missing("s3://bucket/prefix", "verger sync --sweep");
  if (second !== undefined) {
    throw new VergerError(
      "usage/excess-arguments",
      `Expected one s3://bucket/prefix after verger sync --sweep, but received ${target} and ${second}; sweep one at a time.`,
    );
  }
  const [{ sweepUploads }, { sweepReport }] = await Promise.all([
    import("../storage/sync/index.js"),
    import("./sync-report.js"),
  ]);
  const summary: SweepSummary = await interruptible(output, (signal) =>
    sweepUploads(target, {
      s3: s3Options(flags),
      olderThan: flags.olderThan,
      dryRun: flags.dryRun === true,
      signal,
    }),
  );
  output.document(summary);
  output.result(sweepReport(summary, output.paint));
  if (summary.failed > 0) context.finish(EXIT.setAside);
}

/** Only where the question is seen and an answer can be typed. */
function canAsk(output: Output): boolean {
  return process.stdin.isTTY === true && output.stderr.isTTY === true && !output.json && !output.quiet;
}

async function askToDelete(
  output: Output,
  { files, bytes }: Amount,
  to: string,
  signal: AbortSignal,
): Promise<boolean> {
  const [{ createInterface }, format] = await Promise.all([import("node:readline/promises"), import("./format.js")]);
  const prompt = createInterface({ input: process.stdin, output: output.stderr });
  // The prompt takes Ctrl-C for itself; and at the end of the input (Ctrl-D) nobody answers any more.
  prompt.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const ended = new Promise<string>((resolve) => prompt.once("close", () => resolve("")));
  try {
    const what = `${format.counted(files, "file")} (${format.bytes(bytes)})`;
    const answer = await Promise.race([prompt.question(`Delete ${what} from ${to}? [y/N] `, { signal }), ended]);
    return /^(y|yes|o|oui)$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

function missing(argument: string, command: string): VergerError {
  return new VergerError(
    "usage/missing-argument",
    `Expected <${argument}> after ${command}, but it was not given; "verger sync --help" tells what there is.`,
  );
}

function stopped(): VergerError {
  return new VergerError(
    "cancelled",
    "Stopped; what has been transferred stays, and so do the parts of large files. Run the same command again to go on.",
  );
}
