/** What becomes of label corrections when `--fresh` discards the run they stand in. */
import { readCorrections } from "../labels/corrections.js";
import { notice } from "../notices.js";
import type { Reporter } from "./reporter.js";
import type { RunStore } from "./store.js";

/**
 * Label corrections are hours of somebody's work: no command deletes them. Those of the same sources stay; those of others
 * would be taken for corrections of photos that happen to have the same names, and are set aside.
 *
 * @param sources of the new run; undefined where no photos are named
 * @throws VergerError `labels/*`, `storage/*`, `s3/*`
 */
export async function keepLabels(
  store: RunStore,
  reporter: Reporter,
  sources: readonly string[] | undefined,
): Promise<void> {
  const { size: count } = (await readCorrections(store.folder)).labels;
  const before = sourcesOf(store);
  if (before && sources && JSON.stringify(before) === JSON.stringify(sources)) {
    if (count > 0) reporter.notice(notice("labels/kept", { count }));
    return;
  }
  const file = await store.setLabelsAside();
  if (file !== undefined) reporter.notice(notice("labels/set-aside", { count, file }));
}

/** The sources of the run that stands; undefined where it does not say. */
function sourcesOf(store: RunStore): readonly string[] | undefined {
  try {
    return store.read()?.identity?.sources;
  } catch {
    // A run that this version cannot read may be of any photos.
    return undefined;
  }
}
