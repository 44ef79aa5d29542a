/** Figures as JSON, for a terminal and for docs/performance.md. */
import { readFileSync, writeFileSync } from "node:fs";

/**
 * @typedef {object} Figure
 * @property {string} measure what was measured, against what
 * @property {string} unit `x` for a ratio
 * @property {{ at: "least" | "most", value: number } | undefined} reach the figure, where it names one
 * @property {{ median: number, min: number, max: number, n: number }} summary
 *
 * @typedef {object} Result
 * @property {string} name
 * @property {string} title
 * @property {Figure[]} figures
 * @property {Record<string, unknown>} details how it was measured and what stands behind the figures
 * @property {string} commit
 * @property {number} seconds that the benchmark took
 * @property {number | undefined} others share of the machine that other processes used meanwhile
 */

/** Above this share of foreign work a figure says more about the neighbours than about Verger. */
const NOISY = 0.05;

/** Three significant digits, or whole numbers. */
export function number(value) {
  if (!Number.isFinite(value)) return String(value);
  const digits = Math.max(0, 3 - Math.ceil(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function quantity(value, unit) {
  if (unit === "%") return `${number(value)} %`;
  return unit === "x" ? `${number(value)}x` : `${number(value)} ${unit}`;
}

function reachText({ reach, unit }) {
  return reach ? `${reach.at === "least" ? ">=" : "<="} ${quantity(reach.value, unit)}` : "";
}

/** True when a figure has no reach or attains it. @param {Figure} figure */
export function reached({ reach, summary }) {
  if (!reach) return true;
  return reach.at === "least" ? summary.median >= reach.value : summary.median <= reach.value;
}

function rows(result) {
  return result.figures.map((figure) => {
    const { median, min, max, n } = figure.summary;
    return [
      figure.measure,
      reachText(figure),
      quantity(median, figure.unit) + (reached(figure) ? "" : " (short)"),
      n > 1 ? `${number(min)} to ${number(max)}` : "",
      String(n),
    ];
  });
}

const HEADINGS = ["measure", "reach", "median", "min to max", "n"];

function notes(result) {
  const lines = Object.entries(result.details)
    .filter(([, value]) => typeof value === "string")
    .map(([name, value]) => `${name}: ${value}`);
  if (result.others !== undefined && result.others > NOISY) {
    lines.push(
      `Noisy: other processes used ${(100 * result.others).toFixed(0)} % of the machine while this was measured.`,
    );
  }
  return lines;
}

/** For people at a terminal. @param {Result} result */
export function asText(result) {
  const table = [HEADINGS, ...rows(result)];
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join("  ")}`.trimEnd());
  return [result.title, ...lines, ...notes(result).map((line) => `  ${line}`), ""].join("\n");
}

/** @param {Result} result */
function asMarkdown(result) {
  const row = (cells) => `| ${cells.join(" | ")} |`;
  return [
    row(HEADINGS),
    row(HEADINGS.map(() => "---")),
    ...rows(result).map(row),
    "",
    ...notes(result).map((line) => `- ${line}`),
    `- Commit ${result.commit}; took ${result.seconds.toFixed(0)} s.`,
  ].join("\n");
}

/** The text between `<!-- bench:name -->` and `<!-- /bench:name -->`, which stand on lines of their own. */
function replaceBlock(text, name, body, file) {
  const pattern = new RegExp(`(<!-- bench:${name} -->\\n)[\\s\\S]*?(<!-- /bench:${name} -->)`);
  if (!pattern.test(text)) {
    throw new Error(`Expected ${file} to hold the lines <!-- bench:${name} --> and <!-- /bench:${name} -->.`);
  }
  return text.replace(pattern, (_, open, close) => `${open}${body}\n${close}`);
}

/** Replaces the generated blocks of a page; the prose around them stays. */
export function writePage(file, machine, results) {
  const table = Object.entries(machine).map(([name, value]) => `| ${name} | ${value} |`);
  let text = readFileSync(file, "utf8");
  text = replaceBlock(text, "machine", ["| machine | |", "| --- | --- |", ...table].join("\n"), file);
  for (const result of results) text = replaceBlock(text, result.name, asMarkdown(result), file);
  writeFileSync(file, text);
}
