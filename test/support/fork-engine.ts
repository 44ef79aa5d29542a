/** The desktop app's engine in a real process of plain Node, behind the interface of Electron's utilityProcess. */
import { type ChildProcess, fork } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { EngineChild } from "../../src-main/electron/engine-host.js";
import type { FromEngine } from "../../src-main/electron/engine-messages.js";
import { repositoryRoot } from "./run-cli.js";

/** @param home where it keeps what people set, away from this machine's own */
export function forkEngine(home: string): EngineChild & { readonly process: ChildProcess } {
  const child = fork(path.join(repositoryRoot, "dist", "electron", "engine-entry.js"), {
    serialization: "advanced",
    execArgv: ["--import", pathToFileURL(path.join(repositoryRoot, "test", "support", "utility-process.mjs")).href],
    env: { ...process.env, VERGER_HOME: home, VERGER_CHECK_API: "1" },
  });
  return {
    process: child,
    postMessage(message) {
      // One that has just died takes nothing any more, as Electron's: the exit tells.
      if (child.connected) child.send(message, () => {});
    },
    on: (_event, listener) => child.on("message", (message) => listener(message as FromEngine)),
    once: (_event, listener) => child.once("exit", (code) => listener(code ?? -1)),
    kill: () => child.kill(),
  };
}
