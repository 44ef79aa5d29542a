/** Runs the command line in a process of its own, as people and scripts do. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { RunSummary } from "../../src-main/api/contract.js";

export const repositoryRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "..");
const VERGER = path.join(repositoryRoot, "bin", "verger");

/** Longer than any run of a test takes; a hang must fail the test that caused it, not the suite's time limit. */
const LIMIT_MS = 120_000;

/** How a process ended and what it said. */
export interface CliResult {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that starts the process instead: it is given node and its arguments. */
  readonly wrapper?: readonly string[];
}

/** A command line that is under way. */
export class CliProcess {
  readonly ended: Promise<CliResult>;
  stdout = "";
  stderr = "";
  private readonly child: ChildProcess;
  private readonly watchers = new Set<() => void>();
  private over = false;

  constructor(args: readonly string[], options: CliOptions = {}) {
    const [command, ...rest] = [...(options.wrapper ?? []), process.execPath, VERGER, ...args] as [string, ...string[]];
    this.child = spawn(command, rest, {
      cwd: options.cwd ?? repositoryRoot,
      // No model that someone has added on this machine may change what a test sees.
      env: { ...process.env, NO_COLOR: "1", VERGER_HOME: "/nonexistent", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      for (const watcher of this.watchers) watcher();
    });
    const timer = setTimeout(() => this.child.kill("SIGKILL"), LIMIT_MS);
    this.ended = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("close", (code, signal) => {
        clearTimeout(timer);
        this.over = true;
        for (const watcher of this.watchers) watcher();
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Waits until `condition` holds, looked at whenever stderr grows and every few milliseconds; false if it ended first. */
  async until(condition: () => boolean): Promise<boolean> {
    for (;;) {
      if (condition()) return true;
      if (this.over) return false;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.watchers.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, 4);
        this.watchers.add(wake);
      });
    }
  }
}

/** Runs a command line to its end. */
export function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return new CliProcess(args, options).ended;
}

/** Runs `verger <args> --json`, checks the exit code and parses the only document on stdout. */
export async function cliJson<T = RunSummary>(
  args: readonly string[],
  expectedCode = 0,
  options: CliOptions = {},
): Promise<T> {
  const result = await cli([...args, "--json"], options);
  if (result.code !== expectedCode) {
    throw new Error(
      `verger ${args.join(" ")}: expected exit code ${expectedCode}, got ${result.code ?? result.signal}\n${result.stderr}`,
    );
  }
  return JSON.parse(result.stdout) as T;
}

/** What `--json` prints for a command that failed. */
export interface CliFailure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * Runs a command line that must fail, and checks what every failure owes its reader: the exit code, one sentence that
 * begins with what was expected, the same sentence and code on stderr and in the document, and no stack trace.
 */
export async function cliFailure(
  args: readonly string[],
  expectedExit = 1,
  options: CliOptions = {},
): Promise<CliFailure> {
  const result = await cli([...args, "--json"], options);
  const context = `verger ${args.join(" ")}\nexit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`;
  if (result.code !== expectedExit) throw new Error(`Expected exit code ${expectedExit}: ${context}`);
  const { error } = JSON.parse(result.stdout) as { error?: CliFailure };
  if (!error) throw new Error(`Expected a document with an error: ${context}`);
  const { code, message } = error;
  if (!/^[a-z][a-z0-9]*\/[a-z-]+$/.test(code)) throw new Error(`Expected a stable code area/reason: ${context}`);
  if (!/^Expected [^\n]+[.?]$/.test(message))
    throw new Error(`Expected one sentence that begins "Expected": ${context}`);
  if (!result.stderr.includes(`${message} [${code}]`)) throw new Error(`Expected the sentence on stderr: ${context}`);
  if (/^\s+at /m.test(result.stderr)) throw new Error(`Expected no stack trace: ${context}`);
  return error;
}

/** Starts a process as an ordinary user: as this one, or as another where this one is root; undefined where it cannot. */
export function asOrdinaryUser(): CliOptions | undefined {
  if (process.getuid === undefined) return undefined;
  if (process.getuid() !== 0) return {};
  if (!existsSync("/usr/bin/setpriv")) return undefined;
  return {
    wrapper: ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"],
    env: { HOME: "/nonexistent" },
  };
}
