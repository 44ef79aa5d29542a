/** --include and --exclude. */
import picomatch from "picomatch";
import type { SyncRule } from "../../api/contract.js";

/** True for keys that take part in a sync. */
export type KeyFilter = (key: string) => boolean;

/**
 * Compiles rules. The last rule that matches a key decides; a key that no rule matches takes part unless the first rule
 * is an include. So `--include '*.jpg'` alone means only those, and `--exclude '*.tmp'` alone everything else.
 *
 * A glob without a slash is compared with the last part of the key, at any depth; one with a slash with the whole key,
 * from its beginning (`/a.jpg`: only at the top). A slash at the end means everything below. `*` stays within a folder,
 * `**` does not; names that start with a dot are names like others; upper and lower case differ.
 */
export function compileFilter(rules: readonly SyncRule[]): KeyFilter {
  const [first] = rules;
  if (first === undefined) return () => true;
  const compiled = rules.map(({ include, glob }) => ({ include, match: compileGlob(glob) })).reverse();
  const otherwise = !first.include;
  return (key) => {
    for (const { include, match } of compiled) if (match(key)) return include;
    return otherwise;
  };
}

function compileGlob(glob: string): KeyFilter {
  const below = glob.endsWith("/") ? `${glob}**` : glob;
  const anchored = below.includes("/");
  const match = picomatch(below.replace(/^\//, ""), { dot: true, nonegate: true });
  if (anchored) return (key) => match(key);
  return (key) => {
    // The name of a folder, too, is its last part.
    const end = key.endsWith("/") ? key.length - 1 : key.length;
    return match(key.slice(key.lastIndexOf("/", end - 1) + 1, end));
  };
}
