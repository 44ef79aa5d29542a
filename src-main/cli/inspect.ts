import type { Command } from "commander";
import type { CommandContext } from "./context.js";
import { addOutputOptions, examples } from "./options.js";
import { wholeNumber } from "./usage.js";

/** `verger inspect`: what a run folder holds. */
export function addInspect(program: Command, context: CommandContext): void {
  const command = program
    .command("inspect")
    .summary("what a run holds: counts, labels, stages, variance, images set aside")
    .description("Shows what a run folder holds, finished or not: counts, labels, stages, variance, images set aside.")
    .argument("<run>", "a run folder")
    .option("--limit <n>", "how many labels and images set aside to list", wholeNumber("--limit", "entries", 0), 10);
  addOutputOptions(command);
  command
    .addHelpText(
      "after",
      examples([["verger inspect runs/orchard --limit 50", "The run's report with up to 50 entries a list."]]),
    )
    .action(async (folder: string, options: { limit: number }) => {
      const [{ inspectRun }, { inspectReport }] = await Promise.all([
        import("../core/inspect/index.js"),
        import("./summary.js"),
      ]);
      const inspection = await inspectRun(folder, { limit: options.limit });
      context.output.document(inspection);
      context.output.result(inspectReport(inspection, context.output.paint));
    });
}
