import type { Command } from "commander";
import type { CommandContext } from "./context.js";
import { EXIT } from "./exit.js";
import { addOutputOptions, examples } from "./options.js";

/** `verger doctor`: whether this machine can do the work, and what to do where it cannot. */
export function addDoctor(program: Command, context: CommandContext): void {
  const command = program
    .command("doctor")
    .summary("check this machine, and say what to do where something is missing")
    .description("Checks Node, the native addon, the processor, ONNX Runtime, the model files, memory and disk.")
    .argument("[dir]", "a folder that runs shall be written to", ".");
  addOutputOptions(command);
  command
    .addHelpText(
      "after",
      examples([["verger doctor /data/runs", "Check this machine and whether /data/runs can hold runs."]]),
    )
    .action(async (folder: string) => {
      const [{ examine }, { doctorReport }] = await Promise.all([
        import("../core/doctor/index.js"),
        import("./summary.js"),
      ]);
      const diagnosis = await examine({ folder });
      context.output.document(diagnosis);
      context.output.result(doctorReport(diagnosis, context.output.paint));
      if (!diagnosis.ok) context.finish(EXIT.failed);
    });
}
