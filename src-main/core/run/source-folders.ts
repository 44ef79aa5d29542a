/** Tells photos that went one by one from a disk that was unplugged. */
import { opendirSync } from "node:fs";
import { VergerError } from "../errors.js";
import type { Manifest } from "../manifest/index.js";
import { isAddress } from "../remote.js";

/** What the reader says of a photo whose disk has gone. */
const GONE = new Set(["image/missing", "image/unreadable"]);

/**
 * The folders that photos are read from. A photo that is gone is set aside; where a whole folder is gone, every photo to
 * come would be, and the run would end as one that is done.
 */
export class SourceFolders {
  private readonly standing: readonly string[];

  constructor({ root, sources }: Pick<Manifest, "root" | "sources">) {
    this.standing = [...new Set([root, ...sources])].filter((place) => !isAddress(place) && holdsAnything(place));
  }

  /**
   * Call with the failures of a batch, before they are taken for those of single photos.
   *
   * @throws VergerError `source/gone` when a folder that stood at the beginning is no longer there
   */
  check(failures: readonly { readonly code: string }[]): void {
    if (!failures.some(({ code }) => GONE.has(code))) return;
    const path = this.standing.find((folder) => !holdsAnything(folder));
    if (path === undefined) return;
    throw new VergerError(
      "source/gone",
      `Expected the photos to stay in "${path}" while they are read, but the folder has gone: a disk unplugged or a ` +
        "network drive lost, perhaps; bring it back and run the same command again, which goes on where it stopped.",
      { details: { path } },
    );
  }
}

/** Looks for a name in the folder: what is left of a mount is an empty folder, and of a pulled disk one that fails. */
function holdsAnything(folder: string): boolean {
  try {
    const directory = opendirSync(folder);
    try {
      return directory.readSync() !== null;
    } finally {
      directory.closeSync();
    }
  } catch {
    return false;
  }
}
