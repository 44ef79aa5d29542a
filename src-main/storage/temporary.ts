/** The names under which transfers keep what is not finished: known to everyone who lists a folder. */
import { createHash } from "node:crypto";
import path from "node:path";

const TEMPORARY = /^\.verger-[0-9a-f]{24}\.(part|json)$/;

/**
 * True for the name, without its folder, of the temporary file of a download (`.part`) and of its journal (`.json`).
 */
export function isTransferTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * The temporary file of a download and its journal: beside the final name, the same for every attempt at the same
 * object, and short whatever the final name is.
 *
 * @param file final name
 */
export function transferTemporaries(file: string, bucket: string, key: string): { part: string; journal: string } {
  const digest = createHash("sha256")
    .update(`${path.basename(file)}\0${bucket}\0${key}`)
    .digest("hex")
    .slice(0, 24);
  const stem = path.join(path.dirname(file), `.verger-${digest}`);
  return { part: `${stem}.part`, journal: `${stem}.json` };
}
