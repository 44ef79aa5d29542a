/** Obstacles on a disk that more than one step of a sync can meet. */
import type { Problem } from "./entry.js";

/** Two keys, one name on disk. */
export function collision(key: string): Problem {
  return {
    code: "sync/collision",
    message: `Expected names that stay apart on a disk, but "${key}" falls together with another there, in another spelling or as file and folder; rename one of them, or leave one out with --exclude.`,
  };
}

/** A link stands where a sync would write or delete. */
export function linkInTarget(key: string): Problem {
  return {
    code: "sync/link",
    message: `Expected a file or folder at "${key}" in the target, but it is a link, which may lead anywhere; replace it by what it shall hold.`,
  };
}
