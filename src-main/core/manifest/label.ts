/** Where an image's label comes from when its source does not state one. */

import { VergerError } from "../errors.js";

/** `parent`: the folder's name; `filename:<regex>`: a group of a regular expression over the file's name; `none`. */
export type LabelFrom = "parent" | "none" | `filename:${string}`;

/** Gives the label of the file called `name` in a folder whose own name is `folder`, or null. */
export type LabelRule = (folder: string, name: string) => string | null;

/**
 * Turns `--label-from` into a rule. A regular expression is tried on the name in Unicode's NFC, as people type it; of its
 * groups the one named `label` counts, else the first. A name that does not match, or an empty group, gives null.
 *
 * @throws VergerError `manifest/label-from`
 */
export function labelRule(labelFrom: string): LabelRule {
  if (labelFrom === "none") return () => null;
  if (labelFrom === "parent") return (folder) => folder || null;
  if (!labelFrom.startsWith("filename:")) {
    throw new VergerError(
      "manifest/label-from",
      `Expected parent, none or filename:<regular expression> for where labels come from, but received "${labelFrom}".`,
    );
  }
  const source = labelFrom.slice("filename:".length);
  const expression = compile(source);
  // An alternative that matches nothing makes every group show up in the result, so that they can be counted.
  const groups = new RegExp(`${expression.source}|`, expression.flags).exec("");
  if (groups === null || groups.length < 2) {
    throw new VergerError(
      "manifest/label-from",
      `Expected a group in the regular expression for labels, such as ^(\\w+)_, but "${source}" has none.`,
    );
  }
  return (_folder, name) => {
    const match = expression.exec(name.normalize("NFC"));
    if (match === null) return null;
    return (match.groups && "label" in match.groups ? match.groups.label : match[1]) || null;
  };
}

function compile(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    // Unicode mode refuses harmless escapes such as \- that people write; \p{L} needs it.
    try {
      return new RegExp(source);
    } catch (error) {
      throw new VergerError(
        "manifest/label-from",
        `Expected a valid regular expression for labels, but received "${source}": ${(error as Error).message}.`,
        { cause: error },
      );
    }
  }
}
