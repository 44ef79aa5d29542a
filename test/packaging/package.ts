/** Packages made for tests, and what is common to looking into them. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { repositoryRoot } from "../support/run-cli.js";

/** What no package may hold: sources, maps, declarations, tests, notes for developers. */
export const FOREIGN =
  /\.(map|ts|tsx|mts|cts|md|markdown|c|cc|cpp|h|hpp|gyp|py|tsbuildinfo|log)$|(^|\/)(test|tests|__tests__|docs?|examples?|bench|script|scripts)\//i;

/**
 * Runs `npm run package` in a process of its own.
 *
 * @throws Error with its output when it fails
 */
export function packageWith(args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  const script = path.join("scripts", "package.mjs");
  // Vitest's own NODE_ENV: people have none.
  const { NODE_ENV: _test, ...inherited } = process.env;
  const result = spawnSync(process.execPath, [script, ...args], {
    cwd: repositoryRoot,
    encoding: "utf8",
    env: { ...inherited, ...env },
    maxBuffer: 1 << 26,
  });
  if (result.status !== 0)
    throw new Error(`scripts/package.mjs ${args.join(" ")}:\n${result.stdout}\n${result.stderr}`);
}

/** True where a program is on the PATH. */
export function has(program: string): boolean {
  return (process.env.PATH ?? "").split(path.delimiter).some((folder) => existsSync(path.join(folder, program)));
}

/** Output of a program; its own words are in the error when it fails. */
export function outputOf(program: string, args: readonly string[], cwd?: string): string {
  return execFileSync(program, [...args], { cwd, encoding: "utf8", maxBuffer: 1 << 26 });
}

/** A module of packaging/tools, which ensureTools has installed. */
export async function tool<T>(name: string): Promise<T> {
  const module = new URL("../../scripts/package/tools.mjs", import.meta.url).href;
  const { requireTool } = (await import(module)) as { requireTool(name: string): T };
  return requireTool(name);
}
