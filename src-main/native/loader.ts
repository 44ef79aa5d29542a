import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { VergerError } from "../core/errors.js";
import { packageRoot } from "./root.js";

/**
 * Loads the compiled addon, trying the packaged place before the checkout's build folder, and lists every attempt with
 * its reason when none works.
 *
 * @throws VergerError `native/missing`
 */
export function loadAddon(): unknown {
  const root = packageRoot();
  const candidates = [
    path.join(root, "native", "verger.node"),
    path.join(root, "build", "Release", "verger.node"),
    path.join(root, "build", "Debug", "verger.node"),
  ];
  const require = createRequire(import.meta.url);
  const attempts: string[] = [];
  for (const candidate of candidates) {
    if (!existsSync(candidate)) {
      attempts.push(`${candidate}: no such file`);
      continue;
    }
    try {
      return require(candidate) as unknown;
    } catch (error) {
      attempts.push(`${candidate}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new VergerError(
    "native/missing",
    `Expected the native addon for ${process.platform}-${process.arch}, but none could be loaded ` +
      `(${attempts.join("; ")}); run "npm run build" in a checkout or reinstall Verger.`,
  );
}
