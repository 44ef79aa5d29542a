/** A folder that a sync writes into and deletes from: never outside of it, and never through a link. */
import { lstatSync, mkdirSync, rmdirSync, rmSync, type Stats } from "node:fs";
import path from "node:path";
import { errorCode, errorMessage, VergerError } from "../../core/errors.js";
import { collision, linkInTarget } from "./problems.js";

/** Folders remembered as made; forgotten all at once beyond that. */
const REMEMBERED = 20_000;

export class TargetFolder {
  private readonly made = new Set<string>();
  private readonly emptied = new Set<string>();

  /** @param root absolute; links on the way to it are the user's choice, those below are not followed */
  constructor(readonly root: string) {}

  /** The path of a key that `nameProblem` has found nothing against. */
  path(key: string): string {
    return path.join(this.root, key.endsWith("/") ? key.slice(0, -1) : key);
  }

  /**
   * Makes the folder that a file is to stand in.
   *
   * @param expected whether the listing showed a file there
   * @returns the file's path
   * @throws VergerError `sync/link`, `sync/collision`, `sync/unwritable`
   */
  prepare(key: string, expected: boolean): string {
    this.makeFolder(key.includes("/") ? key.slice(0, key.lastIndexOf("/")) : "");
    const file = this.path(key);
    const standing = look(file);
    // A file system that folds names shows a file that the listing has under another name: it would be replaced.
    if (standing && (!standing.isFile() || !expected)) throw obstacle(key, standing);
    return file;
  }

  /** Makes a folder and those above it. @param folder key without a slash at its end; "" is the root */
  makeFolder(folder: string): void {
    if (folder === "" || this.made.has(folder)) return;
    const slash = folder.lastIndexOf("/");
    if (slash >= 0) this.makeFolder(folder.slice(0, slash));
    const system = path.toNamespacedPath(path.join(this.root, folder));
    try {
      mkdirSync(system);
    } catch (error) {
      const standing = errorCode(error) === "EEXIST" ? look(system) : undefined;
      if (!standing) throw unwritable(folder, error);
      if (!standing.isDirectory()) throw obstacle(folder, standing);
    }
    if (this.made.size >= REMEMBERED) this.made.clear();
    this.made.add(folder);
  }

  /**
   * Deletes a file that the listing showed.
   *
   * @returns false when it was gone already
   * @throws VergerError `sync/link`, `sync/collision`, `sync/unwritable`
   */
  delete(key: string): boolean {
    const parts = key.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join("/");
      const standing = look(this.path(folder));
      if (standing && !standing.isDirectory()) throw obstacle(folder, standing);
    }
    const standing = look(this.path(key));
    if (!standing) return false;
    if (!standing.isFile()) throw obstacle(key, standing);
    try {
      rmSync(path.toNamespacedPath(this.path(key)));
    } catch (error) {
      throw unwritable(key, error);
    }
    if (parts.length > 1) this.emptied.add(parts.slice(0, -1).join("/"));
    return true;
  }

  /** Removes the folders that `delete` has emptied, and those above them that are empty then. */
  removeEmptied(): void {
    for (let folder of this.emptied) {
      try {
        for (;;) {
          rmdirSync(path.toNamespacedPath(this.path(folder)));
          const slash = folder.lastIndexOf("/");
          if (slash < 0) break;
          folder = folder.slice(0, slash);
        }
      } catch {
        // It still holds something, or was removed on the way up from another.
      }
    }
    this.emptied.clear();
  }
}

function look(file: string): Stats | undefined {
  return lstatSync(path.toNamespacedPath(file), { throwIfNoEntry: false });
}

function obstacle(key: string, standing: Stats): VergerError {
  const { code, message } = standing.isSymbolicLink() ? linkInTarget(key) : collision(key);
  return new VergerError(code, message, { details: { key } });
}

function unwritable(key: string, error: unknown): VergerError {
  return new VergerError(
    "sync/unwritable",
    `Expected to write "${key}" in the target, but: ${errorMessage(error)}; free some space or change the permissions.`,
    { cause: error, details: { key, reason: errorCode(error) } },
  );
}
