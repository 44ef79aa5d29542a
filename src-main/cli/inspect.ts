import type { Command } from "commander";
import { isS3Url } from "../storage/location.js";
import type { CommandContext } from "./context.js";
import { interruptible } from "./interrupt.js";
import { addOutputOptions, examples } from "./options.js";
import { addS3Options, type S3Flags, s3Options } from "./s3-options.js";
import { wholeNumber } from "./usage.js";

/** `verger inspect`: what a run folder holds. */
export function addInspect(program: Command, context: CommandContext): void {
  const command = program
    .command("inspect")
    .summary("what a run holds: counts, labels, stages, variance, images set aside")
    .description("Shows what a run folder holds, finished or not: counts, labels, stages, variance, images set aside.")
    .argument("<run>", "a run folder, also s3://bucket/prefix")
    .option("--limit <n>", "how many labels and images set aside to list", wholeNumber("--limit", "entries", 0), 10);
  addS3Options(command);
  addOutputOptions(command);
  command
    .addHelpText(
      "after",
      examples([["verger inspect runs/orchard --limit 50", "The run's report with up to 50 entries a list."]]),
    )
    .action(async (folder: string, options: { limit: number } & S3Flags) => {
      const [{ inspectRun }, { inspectReport }] = await Promise.all([
        import("../core/inspect/index.js"),
        import("./summary.js"),
      ]);
      const { limit } = options;
      const inspection = isS3Url(folder)
        ? await interruptible(context.output, async (signal) => {
            const { inspectS3Run } = await import("../storage/run/index.js");
            return inspectS3Run(folder, { limit, s3: s3Options(options), signal });
          })
        : await inspectRun(folder, { limit });
      context.output.document(inspection);
      context.output.result(inspectReport(inspection, context.output.paint));
    });
}
