/** Kills a process at a chosen change of a folder, by a small preloaded library: Linux with a C compiler only. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type CliResult, cli } from "./run-cli.js";

const SOURCE = path.join(path.dirname(fileURLToPath(import.meta.url)), "run-kill-at.c");

/** Why this machine cannot do it, or undefined when it can. */
export function whyNoKillAt(): string | undefined {
  if (process.platform !== "linux") return "it needs Linux";
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "it needs a C compiler";
  }
}

/** One change that a process made. */
export interface Change {
  /** From 1. */
  readonly number: number;
  /** `mkdir`, `rename`, `unlink`, `unlinkat`, `rmdir` or `write`. */
  readonly call: string;
  /** Relative to the root; of a rename the new name. */
  readonly file: string;
}

/** Runs command lines that die at the N-th change of one folder. */
export class KillAt {
  private readonly library: string;
  private readonly log: string;

  /**
   * @param scratch a folder for the library and its log
   * @param root absolute real folder whose changes count
   */
  constructor(
    scratch: string,
    private readonly root: string,
  ) {
    this.library = path.join(scratch, "run-kill-at.so");
    this.log = path.join(scratch, "run-kill-at.log");
    execFileSync("cc", ["-O1", "-shared", "-fPIC", "-o", this.library, SOURCE, "-ldl"]);
  }

  /** Runs to the end, which must be `exit`, and tells the changes that were made, in order. */
  async record(args: readonly string[], exit: number): Promise<Change[]> {
    rmSync(this.log, { force: true });
    const result = await this.start(args, { VERGER_KILL_LOG: this.log });
    if (result.code !== exit) throw new Error(`verger ${args.join(" ")} failed:\n${result.stderr}`);
    const lines = existsSync(this.log) ? readFileSync(this.log, "utf8").trimEnd().split("\n") : [];
    return lines.map((line) => {
      const [, number, call, file] = /^(\d+) (\w+) (.*)$/.exec(line) ?? [];
      return { number: Number(number), call: String(call), file: path.relative(this.root, String(file)) };
    });
  }

  /** @param change from 1 */
  killAt(args: readonly string[], change: number): Promise<CliResult> {
    return this.start(args, { VERGER_KILL_AT: String(change) });
  }

  private start(args: readonly string[], env: Record<string, string>): Promise<CliResult> {
    return cli(args, { env: { ...env, LD_PRELOAD: this.library, VERGER_KILL_ROOT: this.root } });
  }
}
