/** Lists a folder of this machine, for choosing photos or a run where the client has no file dialog of its own. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import type { ResponseOf } from "../api/channels.js";
import { errorMessage, VergerError } from "../core/errors.js";
import { compareCodePoints, IMAGE_EXTENSIONS } from "../core/manifest/index.js";

type Listing = ResponseOf<"files.browse">;
type Kind = Listing["entries"][number]["kind"];

const MOST_ENTRIES = 2_000;
const LISTS = new Set([".txt", ".csv", ".lst", ".list"]);
const FEATURES = new Set([".parquet", ".parq", ".pq"]);
const ORDER: readonly Kind[] = ["folder", "run", "features", "list", "image"];

/**
 * Folders first, then runs, features, lists and images, by name; hidden ones are left out.
 *
 * @param folder the user's home when absent
 * @throws VergerError `files/not-readable`
 */
export async function browse(folder: string | undefined): Promise<Listing> {
  const here = path.resolve(folder ?? homedir());
  let found: { name: string; folder: boolean }[];
  try {
    found = (await readdir(here, { withFileTypes: true }))
      .filter(({ name }) => !name.startsWith("."))
      // A link may lead to a folder: entering it tells.
      .map((entry) => ({ name: entry.name, folder: entry.isDirectory() || entry.isSymbolicLink() }));
  } catch (cause) {
    throw new VergerError(
      "files/not-readable",
      `Expected to list ${here}, but: ${errorMessage(cause)}; choose another folder or check the right to read it.`,
      { cause },
    );
  }
  const entries = found
    .flatMap(({ name, folder }) => {
      const kind = kindOf(here, name, folder);
      return kind ? [{ name, path: path.join(here, name), kind }] : [];
    })
    .sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || compareCodePoints(a.name, b.name));
  const parent = path.dirname(here);
  return {
    path: here,
    parent: parent === here ? null : parent,
    places: [
      { name: "home", path: homedir() },
      { name: "work", path: process.cwd() },
      { name: "root", path: path.parse(here).root },
    ],
    entries: entries.slice(0, MOST_ENTRIES),
    truncated: entries.length > MOST_ENTRIES,
  };
}

function kindOf(here: string, name: string, folder: boolean): Kind | undefined {
  const extension = path.extname(name).toLowerCase();
  if (IMAGE_EXTENSIONS.includes(extension)) return "image";
  if (!folder || FEATURES.has(extension)) {
    // Spark writes a folder of parts and names it as one file.
    if (FEATURES.has(extension)) return "features";
    return LISTS.has(extension) ? "list" : undefined;
  }
  return existsSync(path.join(here, name, "run.json")) ? "run" : "folder";
}
