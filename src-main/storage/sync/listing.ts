/** A bucket's listing as entries of a sync. */
import { VergerError } from "../../core/errors.js";
import type { ObjectStore } from "../types.js";
import type { Entry } from "./entry.js";

/**
 * The objects below a prefix, in the order of the listing, with keys relative to the prefix. The empty object that
 * stands for the prefix itself is left out.
 *
 * @param folders take empty objects whose keys end in a slash as folders: so they are on a disk
 */
export async function* listObjects(
  store: ObjectStore,
  prefix: string,
  options: { readonly folders: boolean; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<readonly Entry[]> {
  for await (const page of store.list(prefix, { signal: options.signal })) {
    const entries: Entry[] = [];
    for (const { key, size, etag, modifiedMs } of page) {
      if (key.length === prefix.length) continue;
      const relative = key.slice(prefix.length);
      const kind = options.folders && size === 0 && relative.endsWith("/") ? "folder" : "file";
      entries.push({ key: relative, kind, size, etag, modifiedMs, problem: undefined });
    }
    if (entries.length > 0) yield entries;
  }
}

/** The error for a sequence of keys that does not ascend. */
export function disorder(side: string): (key: string, before: string) => VergerError {
  return (key, before) =>
    new VergerError(
      "sync/order",
      `Expected the names in ${side} in ascending order, but received "${key}" behind "${before}"; run the sync again, and use a server that sorts as Amazon S3 does.`,
      { details: { key } },
    );
}
