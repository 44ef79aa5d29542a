import { readFileSync } from "node:fs";
import path from "node:path";
import { packageRoot } from "../../native/root.js";

let version: string | undefined;

/** Verger's own version, from its package.json. */
export function appVersion(): string {
  version ??= (JSON.parse(readFileSync(path.join(packageRoot(), "package.json"), "utf8")) as { version: string })
    .version;
  return version;
}
