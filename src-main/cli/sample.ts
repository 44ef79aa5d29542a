import type { Command } from "commander";
import { isCancelled, VergerError } from "../core/errors.js";
import type { SampleSummary } from "../core/sample/index.js";
import type { CommandContext } from "./context.js";
import { interruptible } from "./interrupt.js";
import { addOutputOptions, examples } from "./options.js";
import { wholeNumber } from "./usage.js";

interface Options {
  images: number;
  labels: number;
  seed: number;
  size: number;
  force?: true;
}

/** `verger sample`: a drawn fruit set to try things with. */
export function addSample(program: Command, context: CommandContext): void {
  const command = program
    .command("sample")
    .summary("draw a labelled synthetic fruit set in the Fruits-360 layout")
    .description(
      "Draws photo-like images of fruit, one folder per label, in the layout of Fruits-360:\n" +
        "<dir>/Training/<label>/ and <dir>/Test/<label>/, four to one. The same options draw the same bytes everywhere.",
    )
    .argument("<dir>", "a new or empty folder, or an earlier sample to replace")
    .option("--images <n>", "images in all", wholeNumber("--images", "images", 1, 10_000_000), 600)
    .option("--labels <n>", "labels, one per variety of fruit", wholeNumber("--labels", "labels", 1, 2000), 24)
    .option(
      "--seed <n>",
      "another seed draws other varieties and views",
      wholeNumber("--seed", "seed", 0, 2 ** 32 - 1),
      1,
    )
    .option("--size <px>", "side of the square images", wholeNumber("--size", "pixels", 16, 2048), 100)
    .option("--force", "write among the files of a folder that holds something else");
  addOutputOptions(command);
  command
    .addHelpText(
      "after",
      examples([["verger sample photos/ --images 6000 --labels 60", "6,000 images of 60 varieties under photos/."]]),
    )
    .action(async (folder: string, options: Options) => {
      await drawAndReport(context, folder, options);
    });
}

async function drawAndReport(context: CommandContext, folder: string, options: Options): Promise<void> {
  const { output } = context;
  const [{ drawSample }, { openProgress }, { sampleReport }] = await Promise.all([
    import("../core/sample/index.js"),
    import("./progress.js"),
    import("./summary.js"),
  ]);
  const progress = openProgress(output);
  let summary: SampleSummary;
  progress.onEvent({ type: "stage", stage: "draw", state: "start", total: options.images });
  try {
    summary = await interruptible(output, (signal) =>
      drawSample(
        {
          folder,
          images: options.images,
          labels: options.labels,
          seed: options.seed,
          size: options.size,
          force: options.force === true,
        },
        {
          signal,
          onProgress: (done, total) =>
            progress.onEvent({ type: "progress", stage: "draw", done, total, unit: "images" }),
        },
      ),
    );
    progress.onEvent({ type: "stage", stage: "draw", state: "done", seconds: summary.seconds });
  } catch (error) {
    if (!isCancelled(error)) throw error;
    throw new VergerError("cancelled", `Stopped with part of ${folder} drawn. Run the same command again to draw it.`);
  } finally {
    progress.close();
  }
  output.document(summary);
  output.result(sampleReport(summary, output.paint));
}
