import { Command, CommanderError } from "commander";
import { VergerError } from "../core/errors.js";
import type { CommandContext } from "./context.js";
import { addDoctor } from "./doctor.js";
import { addEmbed } from "./embed.js";
import { addInspect } from "./inspect.js";
import { addModels } from "./models.js";
import { examples } from "./options.js";
import { addPca } from "./pca.js";
import { addRun } from "./run.js";
import { addSample } from "./sample.js";
import { addServe } from "./serve.js";
import { addSync } from "./sync.js";
import { toUsageError } from "./usage.js";

/**
 * The command tree. Only names, options and help live here and in the command files: what a command does is imported
 * when it runs, so that `--help` costs nothing.
 */
export function buildProgram(context: CommandContext, version: string): Command {
  const { output } = context;
  const program = new Command("verger");
  program
    .description("Photos of fruit to embeddings, a PCA and Parquet: on one machine, offline.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help for a command")
    .configureOutput({
      writeOut: (text) => output.stdout.write(text),
      writeErr: (text) => output.stderr.write(text),
      // Complaints are thrown, rewritten and printed once, by `main`.
      outputError: () => {},
    })
    .configureHelp({ styleTitle: (title) => output.paint.bold(title), sortSubcommands: false })
    .addHelpText(
      "after",
      examples([
        ["verger sample photos/", "Draw a labelled set of fruit to try things with."],
        ["verger run photos/ --out runs/first", "Embed it, compute its principal components, write Parquet."],
        ["verger inspect runs/first", "See what the run holds."],
      ]) +
        "\n\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 done with images set aside, 130 interrupted (run again to resume).",
    );

  program.commandsGroup("Work:");
  addRun(program, context);
  addEmbed(program, context);
  addPca(program, context);
  addSync(program, context);
  program.commandsGroup("Look:");
  addInspect(program, context);
  addServe(program, context);
  program.commandsGroup("Set up:");
  addSample(program, context);
  addModels(program, context);
  addDoctor(program, context);
  program.helpCommand("help [command]", "show help for a command");

  program.hook("preAction", requireCurrentFolder);
  throwComplaints(program);
  return program;
}

/** Threads and ONNX Runtime need one, even where every path is absolute. @throws VergerError `storage/not-found` */
function requireCurrentFolder(): void {
  try {
    process.cwd();
  } catch (error) {
    throw new VergerError(
      "storage/not-found",
      "Expected to be called in a folder that exists, but the current one has been removed; change to another (cd) and run again.",
      { cause: error },
    );
  }
}

/** Makes every command throw: usage errors as `VergerError`, help and version as CommanderError with exit code 0. */
function throwComplaints(command: Command): void {
  command.exitOverride((error: CommanderError) => {
    if (error.exitCode === 0) throw error;
    // No command given: commander has shown the help already.
    if (error.code === "commander.help") throw new CommanderError(2, error.code, "");
    throw toUsageError(error, command);
  });
  for (const child of command.commands) throwComplaints(child);
}
