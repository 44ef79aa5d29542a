/**
 * A folder for what is made of a source: beside it and named after it, `/data/fruit` gives `/data/fruit-run`. Beside a
 * bucket nothing can stand: what is made of one goes to a folder of the person's own. Empty for what is no path.
 *
 * @param home the person's folder on the machine that serves
 * @param suffix behind a hyphen; empty for the source's own name
 */
export function suggestedOut(source: string, home = "", suffix = "run"): string {
  const trimmed = source.replace(/[\\/]+$/, "");
  if (/[*?]/.test(trimmed)) return "";
  const [, key] = /^s3:\/\/([^/].*)$/i.exec(trimmed) ?? [];
  if (key !== undefined) {
    const name = key.split("/").at(-1) ?? key;
    const slash = home.includes("\\") ? "\\" : "/";
    return home === "" ? "" : [home.replace(/[\\/]+$/, ""), "verger", named(name, suffix)].join(slash);
  }
  if (!/[\\/]/.test(trimmed) || trimmed.includes("://")) return "";
  return named(trimmed, suffix);
}

const named = (name: string, suffix: string): string => (suffix === "" ? name : `${name}-${suffix}`);
