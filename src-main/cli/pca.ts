import type { Command } from "commander";
import type { PcaRequestInput } from "../api/contract.js";
import { VergerError } from "../core/errors.js";
import type { CommandContext } from "./context.js";
import {
  addBucketOptions,
  addFreshOption,
  addOutOption,
  addOutputOptions,
  addPcaOptions,
  type BucketOptions,
  examples,
  type PcaOptions,
} from "./options.js";
import { reportJob, withoutBucketOptions } from "./run.js";
import { wholeNumber } from "./usage.js";

interface Options extends PcaOptions, BucketOptions {
  out: string;
  pathColumn?: string;
  labelColumn?: string | false;
  featuresColumn?: string;
  threads?: number;
  fresh?: true;
  json?: true;
  quiet?: true;
}

/** `verger pca`: principal components of features that stand in Parquet, whoever wrote them. */
export function addPca(program: Command, context: CommandContext): void {
  const command = program
    .command("pca")
    .summary("principal components of features in Parquet, also Spark's or pandas'")
    .description(
      "Computes principal components of feature vectors in Parquet: columns path, label and features\n" +
        "(list of float or double, or a Spark ML vector), in one file or many.",
    )
    .argument("<features>", "a Parquet file, a folder of part files, a run folder or a glob; also s3://bucket/prefix");
  addOutOption(command, "the folder for the PCA");
  command
    .optionsGroup("Columns:")
    .option("--path-column <name>", "the column of paths (path unless given)")
    .option("--label-column <name>", "the column of labels (label unless given)")
    .option("--no-label-column", "leave labels out")
    .option("--features-column <name>", "the column of feature vectors (features unless given)");
  addPcaOptions(command);
  command
    .optionsGroup("Machine (chosen for it unless given):")
    .option("--threads <n>", "native threads", wholeNumber("--threads", "threads", 1, 1024));
  addBucketOptions(command);
  addFreshOption(command);
  addOutputOptions(command);
  command
    .addHelpText(
      "after",
      examples([
        ["verger pca features/ --out runs/spark", "Part files that Spark wrote, to 80 % of the variance."],
        ["verger pca runs/orchard -o runs/orchard-k20 --components 20", "Another PCA of a run's features."],
      ]),
    )
    .action(async (features: string, options: Options) => {
      const { pathColumn, labelColumn, featuresColumn, ...others } = withoutBucketOptions(options);
      const columns = {
        ...(pathColumn === undefined ? {} : { path: pathColumn }),
        // commander: true where neither is given, false for --no-label-column.
        ...(typeof labelColumn === "string" ? { label: labelColumn } : labelColumn === false ? { label: null } : {}),
        ...(featuresColumn === undefined ? {} : { features: featuresColumn }),
      };
      const named = Object.keys(columns).length > 0 ? { columns } : {};
      await pcaAndReport(context, { ...others, ...named, features }, options);
    });
}

async function pcaAndReport(context: CommandContext, request: PcaRequestInput, bucket: BucketOptions): Promise<void> {
  const { pcaJob } = await import("../core/run/index.js");
  await reportJob(
    context,
    { out: request.out, bucket },
    (options) => pcaJob(request, options),
    () => new VergerError("cancelled", "Stopped before the PCA was done. Run the same command again to compute it."),
  );
}
