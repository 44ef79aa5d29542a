/** `verger serve` as people start it, and photos to serve. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { dateFiles } from "../support/exif.js";
import { cliJson, repositoryRoot } from "../support/run-cli.js";
import { copyRealPhotos, drawPhotos, imagesBelow } from "../support/run-photos.js";

/** A server in a process of its own. */
export interface Served {
  /** With its token. */
  readonly url: string;
  readonly port: number;
  /** Ctrl-C, and waits for the end. */
  stop(): Promise<void>;
  /** As if the machine went down. */
  kill(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @param home where it keeps what people set, away from this machine's own
 * @param port the same again after a restart; any free one when left out
 * @param env more of the environment
 */
export async function startServer(
  home: string,
  runs: readonly string[],
  port?: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const args = ["serve", ...runs, "--json", ...(port === undefined ? [] : ["--port", `${port}`])];
  const child = spawn(process.execPath, [path.join(repositoryRoot, "bin", "verger"), ...args], {
    cwd: repositoryRoot,
    // Every answer is checked by its schema: a view that works on a wrong answer would hide it.
    env: { ...process.env, ...env, VERGER_HOME: home, XDG_DATA_HOME: path.join(home, "data"), VERGER_CHECK_API: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { url, port: listening } = await addressOf(child);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  return { url, port: listening, stop: () => end("SIGINT"), kill: () => end("SIGKILL") };
}

function addressOf(child: ChildProcess): Promise<{ url: string; port: number }> {
  return new Promise((resolve, reject) => {
    let out = "";
    let said = "";
    child.stderr?.on("data", (text) => {
      said += text;
    });
    child.stdout?.on("data", (text) => {
      out += text;
      try {
        resolve(JSON.parse(out));
      } catch {
        // Not all of the document has come.
      }
    });
    child.once("exit", (code) => reject(new Error(`verger serve ended with ${code}: ${said}`)));
  });
}

/** Photos with labels: real ones where the checkout has them beside it, else drawn. */
export async function makePhotos(folder: string, varieties: number, each: number): Promise<void> {
  if (copyRealPhotos(folder, varieties, each) === 0) await drawPhotos(folder, varieties * each, varieties, 100);
  dateFiles(imagesBelow(folder).map((name) => path.join(folder, name)));
}

/** Embeds photos into a run folder with the fastest preset. */
export async function makeRun(photos: string, out: string): Promise<void> {
  await cliJson(["run", photos, "--out", out, "--preset", "fast"]);
}
