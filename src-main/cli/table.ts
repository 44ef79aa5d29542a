/** Plain-text layout for terminals: aligned columns, labelled blocks, word wrap. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: matches the styles that `paint` writes.
const STYLES = /\u001b\[[0-9;]*m/g;
/** One cell a character, no need to look closer. */
const PLAIN = /^[\u0020-\u007e]*$/;
// East Asian wide and fullwidth blocks and emoji take two cells; combining marks are part of their grapheme.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|^\p{Emoji_Presentation}|^[\u{20000}-\u{3fffd}]/u;

let segmenter: Intl.Segmenter | undefined;

/** What people see as characters. The segmenter takes 12 ms to load: not before it is needed. */
function graphemes(text: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** Cells that `text` takes on a terminal, styles not counted. */
export function displayWidth(text: string): number {
  const shown = text.replace(STYLES, "");
  if (PLAIN.test(shown)) return shown.length;
  let width = 0;
  for (const { segment } of graphemes(shown)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** `text` without styles, cut to `width` cells with an ellipsis in its place. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let result = "";
  let used = 0;
  for (const { segment } of graphemes(text)) {
    const cells = WIDE.test(segment) ? 2 : 1;
    if (used + cells > width - 1) break;
    result += segment;
    used += cells;
  }
  return `${result}…`;
}

/** Control characters made visible, so that a file name cannot move the cursor or forge a line. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

export type Align = "left" | "right";

export function pad(text: string, width: number, align: Align = "left"): string {
  const fill = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + fill : fill + text;
}

/** Rows as aligned columns, two spaces apart, no trailing blanks. `aligns` covers the columns from the left. */
export function columns(rows: readonly (readonly string[])[], aligns: readonly Align[] = [], indent = 2): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell));
    });
  }
  const lead = " ".repeat(indent);
  return rows
    .map(
      (row) =>
        lead +
        row
          .map((cell, i) => pad(cell, widths[i] ?? 0, aligns[i]))
          .join("  ")
          .trimEnd(),
    )
    .join("\n");
}
