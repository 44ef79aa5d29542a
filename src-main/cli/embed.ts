import type { Command } from "commander";
import type { CommandContext } from "./context.js";
import {
  addBucketOptions,
  addEmbedOptions,
  addFreshOption,
  addOutputOptions,
  type EmbedOptions,
  examples,
} from "./options.js";
import { runAndReport, toRequest } from "./run.js";

/** `verger embed`: photos to features, without the PCA. */
export function addEmbed(program: Command, context: CommandContext): void {
  const command = program
    .command("embed")
    .summary("photos to embeddings only; `verger run` on the same folder adds the PCA")
    .description("Turns photos into feature vectors, written as Parquet into a run folder, and stops before the PCA.")
    .argument(
      "<source...>",
      "folders, globs, list files (.txt, .csv with path,label) or images; also s3://bucket/prefix",
    );
  addEmbedOptions(command);
  addBucketOptions(command);
  addFreshOption(command);
  addOutputOptions(command);
  command
    .addHelpText(
      "after",
      examples([
        [
          "verger embed photos/ --out runs/orchard",
          "Embed every photo under photos/ with the model of this machine's preset.",
        ],
      ]),
    )
    .action(async (sources: string[], options: EmbedOptions) => {
      await runAndReport(context, toRequest(sources, options, false), options);
    });
}
