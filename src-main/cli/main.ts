import { CommanderError } from "commander";
import { forbidRuntimeTelemetry } from "../core/embed/telemetry.js";
import { appVersion } from "../core/run/version.js";
import { EXIT, type ExitCode, exitCodeOf } from "./exit.js";
import { Output } from "./output.js";
import { buildProgram } from "./program.js";

/**
 * Runs one command line.
 *
 * @param args what follows `verger` or `verger --cli`
 * @returns the exit code; the caller sets it and lets the process end by itself, so that pipes are flushed
 */
export async function main(args: readonly string[]): Promise<ExitCode> {
  forbidRuntimeTelemetry();
  const switches = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const output = new Output(process.stdout, process.stderr, {
    json: switches.includes("--json"),
    // Short options may be written together: -qo dir.
    quiet: switches.some((word) => word === "--quiet" || /^-y*q/.test(word)),
  });
  let exitCode: ExitCode = EXIT.done;
  const context = {
    output,
    finish: (code: ExitCode): void => {
      exitCode = code;
    },
  };
  try {
    if (output.json && asksForVersion(switches)) {
      const { components } = await import("../engine/about.js");
      output.document(await components());
    } else {
      await buildProgram(context, appVersion()).parseAsync([...args], { from: "user" });
    }
    await output.delivered();
    return exitCode;
  } catch (error) {
    // Help and version end by throwing, and have printed what they had to.
    if (!(error instanceof CommanderError)) output.failure(error);
    return exitCodeOf(error);
  }
}

/** `verger --version` or `-V`, and no command. */
function asksForVersion(switches: readonly string[]): boolean {
  return (
    switches.some((word) => word === "--version" || word === "-V") && switches.every((word) => word.startsWith("-"))
  );
}
