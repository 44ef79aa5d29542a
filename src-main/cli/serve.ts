import type { Command } from "commander";
import type { CommandContext } from "./context.js";
import { interruptible } from "./interrupt.js";
import { addOutputOptions, examples } from "./options.js";
import { wholeNumber } from "./usage.js";

interface ServeFlags {
  host?: string;
  port?: number;
  allowRemote?: true;
  open?: true;
}

/** `verger serve`: the window in a browser, on this machine alone unless told otherwise. */
export function addServe(program: Command, context: CommandContext): void {
  const command = program
    .command("serve")
    .summary("the window in a browser: explore runs, start and watch jobs")
    .description(
      "Serves the window to a browser on this machine, behind a random token in the address it prints.\n" +
        "Ctrl-C ends it; jobs under way are saved and can be resumed.",
    )
    .argument("[run...]", "run folders to put at the head of the list")
    .option("--port <n>", "listen on this port (default: any free one)", wholeNumber("--port", "a TCP port", 1, 65_535))
    .option("--host <address>", "listen on this address (default: 127.0.0.1)")
    .option("--allow-remote", "allow a --host that other machines can reach; the connection is not encrypted")
    .option("--open", "open the page in the browser");
  addOutputOptions(command);
  command
    .addHelpText(
      "after",
      examples([
        ["verger serve --open", "The window with the runs opened before."],
        ["verger serve runs/first --port 8080", "One run, always at the same port."],
      ]),
    )
    .action((runs: string[], flags: ServeFlags) => serveUntilInterrupted(context, runs, flags));
}

async function serveUntilInterrupted(
  { output }: CommandContext,
  runs: readonly string[],
  flags: ServeFlags,
): Promise<void> {
  const [{ createEngine }, { systemReveal }, { serve }, { openInBrowser }] = await Promise.all([
    import("../engine/index.js"),
    import("../engine/reveal.js"),
    import("../server/server.js"),
    import("../server/open-browser.js"),
  ]);
  const engine = await createEngine({
    carrier: "http",
    checkResponses: process.env.VERGER_CHECK_API === "1",
    // Who comes from elsewhere does not see this machine's display.
    reveal: flags.allowRemote ? undefined : systemReveal(),
  });
  // The last one opened stands first in the list.
  for (const run of [...runs].reverse()) await engine.open(run);
  const { host, port, allowRemote } = flags;
  const server = await serve({
    engine,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(allowRemote ? { allowRemote } : {}),
  });
  if (allowRemote) {
    output.notice(
      "Other machines can reach this server; whoever has the address below may list folders, read photos, start jobs and " +
        "write files as you, and the connection is not encrypted.",
    );
  }
  output.document({ url: server.url, origin: server.origin, port: server.port });
  output.result(`Verger is at ${server.url}\nCtrl-C ends it.`);
  const opened = flags.open ? await openInBrowser(server.url, server.port) : undefined;
  if (opened === null) output.notice("No browser could be opened here; open the address yourself.");
  await interruptible(output, async (signal) => {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    await server.close();
  });
  await opened?.();
}
