/** Child processes and what they cost. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** Peak resident set of a living process in bytes; 0 where /proc is missing or the process has gone. */
export function peakRss(pid) {
  try {
    const match = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return match ? Number(match[1]) * 1024 : 0;
  } catch {
    return 0;
  }
}

/** Time between two looks at a child's peak: it only grows, so what is missed is growth in the last moment. */
const PEAK_INTERVAL_MS = 50;

/**
 * Runs a program to its end.
 *
 * @param {readonly string[]} [codes] exit codes that are no failure
 * @returns {Promise<{ stdout: string, stderr: string, seconds: number, peakRssBytes: number, code: number }>} seconds
 *   from just before the process is made to its exit
 */
export async function execute(program, args, { cwd = ROOT, env = {}, codes = [0], stderr = "pipe" } = {}) {
  const began = performance.now();
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", stderr] });
  const out = [];
  const err = [];
  child.stdout.on("data", (chunk) => out.push(chunk));
  child.stderr?.on("data", (chunk) => err.push(chunk));
  let peakRssBytes = 0;
  const timer = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, peakRss(child.pid));
  }, PEAK_INTERVAL_MS);
  let seconds = 0;
  const closed = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => {
      seconds = (performance.now() - began) / 1000;
    });
    child.once("close", (code) => resolve(code ?? -1));
  });
  try {
    const code = await closed;
    const result = {
      stdout: Buffer.concat(out).toString(),
      stderr: Buffer.concat(err).toString(),
      seconds,
      peakRssBytes,
      code,
    };
    if (!codes.includes(code)) {
      throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${result.stderr.slice(-2000)}`);
    }
    return result;
  } finally {
    clearInterval(timer);
  }
}

/**
 * Runs `bin/verger` as a person would.
 *
 * @returns {Promise<{ summary: any, seconds: number, peakRssBytes: number, code: number }>} the --json document, the
 *   wall clock of the whole process and the peak that the system saw
 */
export async function verger(args, options = {}) {
  const command = [path.join(ROOT, "bin", "verger"), ...args, "--json", "--quiet"];
  const { stdout, ...rest } = await execute(process.execPath, command, { codes: [0, 3], ...options });
  return { summary: JSON.parse(stdout), ...rest };
}
