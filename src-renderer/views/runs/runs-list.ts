/** Which runs are listed, and in what order. */
import type { RunCard } from "../../../src-main/api/channels.js";

export const SORTS = ["opened", "updated", "name", "photos"] as const;
export type RunSort = (typeof SORTS)[number];

/** With fewer runs than this everything is seen at a glance. */
export const MANY_RUNS = 12;

const time = (text: string | null): number => (text === null ? 0 : Date.parse(text) || 0);

/**
 * The cards whose name, folder or model holds every word of the search, in order.
 *
 * @param compare orders names as the language does
 */
export function listRuns(
  runs: readonly RunCard[],
  search: string,
  sort: RunSort,
  compare: (a: string, b: string) => number,
): RunCard[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = runs.filter(({ name, path, model }) => {
    const text = `${name} ${path} ${model ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const orders: Readonly<Record<RunSort, (a: RunCard, b: RunCard) => number>> = {
    opened: (a, b) => time(b.openedAt) - time(a.openedAt),
    updated: (a, b) => time(b.updatedAt) - time(a.updatedAt),
    name: (a, b) => compare(a.name, b.name),
    photos: (a, b) => b.images - a.images,
  };
  return found.sort((a, b) => orders[sort](a, b) || compare(a.path, b.path));
}
