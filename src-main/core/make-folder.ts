import { existsSync, mkdirSync, statSync } from "node:fs";
import path from "node:path";

/**
 * Makes a folder and those around it that are missing. Node's own `recursive` never returns where a folder that exists
 * answers ENOENT to a new name in it, as /proc and some mounts do: it makes the parent again, for ever.
 *
 * @param folder an absolute path
 * @returns what was made, the outermost first; nothing when it was there
 * @throws the system's error; `EEXIST` where a file stands in its place, or a link that leads nowhere
 */
export function makeFolder(folder: string): string[] {
  const missing: string[] = [];
  for (let at = folder; !existsSync(at); at = path.dirname(at)) {
    missing.unshift(at);
    if (path.dirname(at) === at) break;
  }
  if (missing.length === 0) missing.push(folder);
  const made: string[] = [];
  for (const name of missing) {
    try {
      mkdirSync(name);
      made.push(name);
    } catch (error) {
      // Somebody else was faster, or it was there from the start.
      if (!statSync(name, { throwIfNoEntry: false })?.isDirectory()) throw error;
    }
  }
  return made;
}
