/** Paths of the machine that serves, which need not be like this one's. */

/** The separator that a path uses. */
function separatorOf(path: string): string {
  return /^[a-z]:|^\\\\/i.test(path) ? "\\" : "/";
}

/** The folder that something stands in; "" for a bare name. */
export function parentOf(path: string): string {
  const separator = separatorOf(path);
  const parts = path.split(separator);
  if (parts.length < 2) return "";
  const parent = parts.slice(0, -1).join(separator);
  return parent === "" || /^[a-z]:$/i.test(parent) ? `${parent}${separator}` : parent;
}

/** A name inside a folder. */
export function joinPath(folder: string, name: string): string {
  const separator = separatorOf(folder);
  return `${folder.trim().replace(/[\\/]+$/, "")}${separator}${name}`;
}
