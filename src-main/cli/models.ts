import type { Command } from "commander";
import type { CommandContext } from "./context.js";
import { EXIT } from "./exit.js";
import { interruptible } from "./interrupt.js";
import { addOutputOptions, examples } from "./options.js";
import { oneOf, threeNumbers, wholeNumber } from "./usage.js";

/** `verger models`: the networks that turn a photo into a feature vector. */
export function addModels(program: Command, context: CommandContext): void {
  const models = program
    .command("models")
    .summary("list, add, pull, verify and remove models")
    .description("The networks that turn a photo into a feature vector: those that come with Verger and your own.");
  addList(models, context);
  addAdd(models, context);
  addPull(models, context);
  addVerify(models, context);
  addRemove(models, context);
}

function addList(models: Command, { output }: CommandContext): void {
  const command = models
    .command("list")
    .summary("the models that can be used or pulled")
    .description("Lists the models that come with Verger, those you have added, and those that can be pulled.");
  addOutputOptions(command)
    .addHelpText("after", examples([["verger models list", "Names, features, presets and where each stands."]]))
    .action(async () => {
      const [{ listModels }, { modelsReport }] = await Promise.all([
        import("../models/index.js"),
        import("./models-report.js"),
      ]);
      const list = await listModels();
      output.document({ models: list });
      output.result(modelsReport(list, output.paint));
    });
}

interface AddFlags {
  name?: string;
  output?: string;
  size?: number;
  mean?: [number, number, number];
  std?: [number, number, number];
  layout?: "nchw" | "nhwc";
  channels?: "rgb" | "bgr";
  filter?: "bilinear" | "bicubic";
  fit?: "stretch" | "cover";
  description?: string;
  licence?: string;
  source?: string;
  replace?: true;
}

function addAdd(models: Command, { output }: CommandContext): void {
  const command = models
    .command("add")
    .summary("register an ONNX classifier or backbone as a source of features")
    .description(
      "Registers an ONNX file. With --output, that inner tensor becomes the features and what follows it is dropped;\n" +
        "a map of height x width is averaged over its area.",
    )
    .argument("<file>", "an ONNX file")
    .option("--name <name>", "what to call it; the file's name unless given")
    .option("--output <tensor>", "the tensor that holds the features; the graph's first output unless given")
    .optionsGroup("Input (read from the graph, or ImageNet's custom, unless given):")
    .option("--size <px>", "width and height", wholeNumber("--size", "pixels", 1, 16_384))
    .option("--mean <r,g,b>", "subtracted from values of 0 to 255", threeNumbers("--mean"))
    .option("--std <r,g,b>", "divides what remains", threeNumbers("--std", true))
    .option("--layout <order>", "nchw, nhwc", oneOf("--layout", ["nchw", "nhwc"]))
    .option("--channels <order>", "rgb, bgr", oneOf("--channels", ["rgb", "bgr"]))
    .option("--filter <name>", "bilinear, bicubic", oneOf("--filter", ["bilinear", "bicubic"]))
    .option("--fit <how>", "stretch the whole photo, or cover with its middle", oneOf("--fit", ["stretch", "cover"]))
    .optionsGroup("Entry:")
    .option("--description <text>", "shown by `models list`")
    .option("--licence <name>", "the model's licence")
    .option("--source <text>", "where it comes from")
    .option("--replace", "replace a model of the same name");
  addOutputOptions(command)
    .addHelpText(
      "after",
      examples([
        [
          "verger models add resnet50.onnx --output /avgpool/GlobalAveragePool_output_0",
          "The features before ResNet's classifier, as model resnet50.",
        ],
      ]),
    )
    .action(async (file: string, flags: AddFlags & { json?: true; quiet?: true }) => {
      const { json: _json, quiet: _quiet, ...options } = flags;
      const [{ addModel }, { registeredReport }] = await Promise.all([
        import("../models/index.js"),
        import("./models-report.js"),
      ]);
      const registered = await addModel(file, options);
      output.document({ model: { ...registered.entry, origin: registered.origin, file: registered.file } });
      output.result(registeredReport("Added", registered, output.paint));
    });
}

function addPull(models: Command, { output }: CommandContext): void {
  const command = models
    .command("pull")
    .summary("fetch a published model and check it by its hash")
    .description("Fetches a published model, checks it by its hash and registers it. A broken download is continued.")
    .argument("<name>", "a model that `models list` shows for download")
    .option("--url <url>", "a mirror to fetch it from; the hash must be the same")
    .option("--replace", "replace a model of the same name");
  addOutputOptions(command)
    .addHelpText("after", examples([["verger models pull mobilenetv2", "MobileNetV2, 14 MB, checked by SHA-256."]]))
    .action(async (name: string, flags: { url?: string; replace?: true }) => {
      const [{ pullModel }, { openProgress }, { registeredReport }] = await Promise.all([
        import("../models/index.js"),
        import("./progress.js"),
        import("./models-report.js"),
      ]);
      const progress = openProgress(output);
      try {
        const registered = await interruptible(output, (signal) =>
          pullModel(name, {
            url: flags.url,
            replace: flags.replace,
            signal,
            onProgress: ({ received, total }) =>
              progress.onEvent({ type: "progress", stage: "pull", done: received, total, unit: "bytes" }),
          }),
        );
        progress.close();
        output.document({ model: { ...registered.entry, origin: registered.origin, file: registered.file } });
        output.result(registeredReport("Pulled", registered, output.paint));
      } finally {
        progress.close();
      }
    });
}

function addVerify(models: Command, context: CommandContext): void {
  const { output } = context;
  const command = models
    .command("verify")
    .summary("compare model files with the hashes they were registered with")
    .description("Hashes the files of one model or of all, and compares with what they were registered with.")
    .argument("[name]", "a model; all that are installed unless given");
  addOutputOptions(command)
    .addHelpText("after", examples([["verger models verify", "Check every installed model."]]))
    .action(async (name: string | undefined) => {
      const [{ verifyModels }, { verificationReport }] = await Promise.all([
        import("../models/index.js"),
        import("./models-report.js"),
      ]);
      const results = await interruptible(output, (signal) => verifyModels(name, signal));
      output.document({ models: results });
      output.result(verificationReport(results, output.paint));
      if (results.some((result) => !result.ok)) context.finish(EXIT.failed);
    });
}

function addRemove(models: Command, { output }: CommandContext): void {
  const command = models
    .command("remove")
    .summary("remove a model that was added or pulled")
    .description("Removes a model that was added or pulled. Those that come with Verger stay.")
    .argument("<name>", "a model that `models list` shows as yours");
  addOutputOptions(command)
    .addHelpText("after", examples([["verger models remove mobilenetv2", "Its file and its entry."]]))
    .action(async (name: string) => {
      const { removeModel } = await import("../models/index.js");
      const removed = await removeModel(name);
      output.document({ name, removed });
      output.result(`Removed ${name}`);
    });
}
