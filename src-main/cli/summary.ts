import path from "node:path";
import type { RunSummary } from "../api/contract.js";
import type { Check, Diagnosis } from "../core/doctor/index.js";
import type { Inspection, Reason } from "../core/inspect/index.js";
import { isAddress } from "../core/remote.js";
import type { SampleSummary } from "../core/sample/index.js";
import type { S3Diagnosis } from "../storage/s3/doctor.js";
import { bytes, count, counted, duration, percent, rate } from "./format.js";
import type { Paint } from "./paint.js";
import { columns, pad, printable } from "./table.js";

/** Results for people: one heading, labelled lines, and what to do next. */

type Line = readonly [label: string, value: string];

const LABEL_WIDTH = 11;

function heading(title: string, subject: string, paint: Paint): string {
  return `${paint.bold(title)}  ${printable(subject)}\n`;
}

function block(lines: readonly (Line | undefined)[], paint: Paint): string {
  return lines
    .filter((line) => line !== undefined)
    .map(([label, value]) => `  ${paint.dim(pad(label, LABEL_WIDTH))}  ${value}`)
    .join("\n");
}

function section(title: string, body: string, paint: Paint): string {
  return `\n\n${paint.bold(title)}\n${body}`;
}

/** A path or address as the reader would type it from where they stand, quoted if a shell needs it. */
export function shellPath(target: string, from = process.cwd()): string {
  const relative = isAddress(target) ? target : path.relative(from, target);
  const near = relative === "" ? "." : relative.startsWith("..") || path.isAbsolute(relative) ? target : relative;
  // Quotes do not keep a name from being taken for an option.
  const shown = near.startsWith("-") ? `./${near}` : near;
  if (/^[\w@%+=:,./-]+$/.test(shown)) return shown;
  if (process.platform === "win32") return `"${shown}"`;
  // What could move the cursor is written as the shell's own escapes.
  if (printable(shown) !== shown) return `$'${printable(shown.replace(/[\\']/g, "\\$&"))}'`;
  return `'${shown.replaceAll("'", "'\\''")}'`;
}

function next(commands: readonly Line[], paint: Paint): string {
  return section("Next", columns(commands.map(([command, what]) => [command, paint.dim(what)])), paint);
}

function reasonsText(reasons: readonly Reason[]): string {
  const shown = reasons.slice(0, 3).map((reason) => `${reason.code} ${count(reason.images)}`);
  if (reasons.length > shown.length) shown.push(`${counted(reasons.length - shown.length, "other reason")}`);
  return shown.join(", ");
}

function modelText(parts: {
  model: string | null;
  preset: string | null;
  provider: string | null;
}): string | undefined {
  if (parts.model === null) return undefined;
  return [parts.model, parts.preset === null ? undefined : `preset ${parts.preset}`, parts.provider ?? undefined]
    .filter((part) => part !== undefined)
    .join(", ");
}

/** Stages with their seconds, without the total: `scan 0.10 s, embed 12.1 s`. */
function timingsText(timings: Readonly<Record<string, number>>): string {
  return Object.entries(timings)
    .filter(([stage]) => stage !== "total")
    .map(([stage, seconds]) => `${stage} ${duration(seconds)}`)
    .join(", ");
}

/**
 * The report of `run`, `embed` and `pca`.
 *
 * @param reasons why images were set aside, most frequent first
 */
export function runReport(summary: RunSummary, reasons: readonly Reason[], paint: Paint): string {
  const { pca, timings } = summary;
  const model = modelText(summary);
  const total = timings.total;
  const origin =
    summary.reused === 0 || model === undefined
      ? ""
      : paint.dim(`  ${count(summary.embedded)} embedded, ${count(summary.reused)} reused`);
  const lines: (Line | undefined)[] = [
    ["images", `${count(summary.images)}${origin}`],
    [
      "labels",
      `${count(summary.labels)}${summary.corrected > 0 ? paint.dim(`  ${counted(summary.corrected, "image")} corrected`) : ""}`,
    ],
    summary.setAside > 0
      ? [
          "set aside",
          `${paint.yellow(count(summary.setAside))}${reasons.length > 0 ? paint.dim(`  ${reasonsText(reasons)}`) : ""}`,
        ]
      : undefined,
    model === undefined ? undefined : ["model", model],
    pca
      ? [
          "PCA",
          `${counted(pca.components, "component")} ${pca.components === 1 ? "explains" : "explain"} ${percent(pca.explainedVarianceRatio)} of the variance`,
        ]
      : undefined,
    ["time", `${total === undefined ? "" : `${duration(total)}  `}${paint.dim(timingsText(timings))}`],
    summary.embedded > 0 ? ["rate", `${rate(summary.imagesPerSecond)} images/s`] : undefined,
    ["memory", `${bytes(summary.peakRssBytes)} at most`],
  ];
  const run = shellPath(summary.run);
  const steps: Line[] = [[`verger inspect ${run}`, "labels, stages, variance, images set aside"]];
  if (!pca) steps.push([`verger pca ${run} --out ${run}-pca`, "principal components of these features"]);
  return heading("Run", summary.run, paint) + block(lines, paint) + next(steps, paint);
}

/** The report of `sample`. */
export function sampleReport(summary: SampleSummary, paint: Paint): string {
  const lines: Line[] = [
    [
      "images",
      `${count(summary.images)}${paint.dim(`  ${count(summary.training)} Training, ${count(summary.test)} Test`)}`,
    ],
    ["labels", count(summary.labels.length)],
    ["size", `${summary.size} x ${summary.size} px, seed ${summary.seed}`],
    ["time", `${duration(summary.seconds)}${paint.dim(`  ${rate(summary.images / summary.seconds)} images/s`)}`],
  ];
  const folder = shellPath(summary.folder);
  return (
    heading("Sample", summary.folder, paint) +
    block(lines, paint) +
    next([[`verger run ${folder} --out ${folder}-run`, "embeddings, PCA and Parquet"]], paint)
  );
}

/** The report of `doctor`: one line a check, and what to do under each that is not ok. */
export function doctorReport(diagnosis: Diagnosis, paint: Paint): string {
  const failed = diagnosis.checks.filter((check) => check.state === "fail").length;
  const warned = diagnosis.checks.filter((check) => check.state === "warn").length;
  const verdict =
    failed > 0
      ? paint.red(`${counted(failed, "check")} failed: Verger cannot work here yet.`)
      : warned > 0
        ? paint.yellow(`Verger can work here; ${counted(warned, "warning")}.`)
        : "Verger can work here.";
  return `${paint.bold("Doctor")}  Verger ${diagnosis.version}\n${checkLines(diagnosis.checks, paint)}\n\n${verdict}`;
}

/** The report of `doctor s3://...`: the same, and the permissions that are missing. */
export function s3DoctorReport(diagnosis: S3Diagnosis, paint: Paint): string {
  const { checks, missing, target } = diagnosis;
  const failed = checks.filter((check) => check.state === "fail").length;
  const lines =
    failed === 0
      ? ["Verger can work here."]
      : missing.length === 0
        ? [paint.red(`${counted(failed, "check")} failed.`)]
        : [
            paint.red("These credentials lack:"),
            ...missing.map(({ action, resource }) => `  ${printable(action)} on ${printable(resource)}`),
          ];
  return `${paint.bold("Doctor")}  ${printable(target)}\n${checkLines(checks, paint)}\n\n${lines.join("\n")}`;
}

function checkLines(checks: readonly Check[], paint: Paint): string {
  const state = { ok: paint.green("ok  "), warn: paint.yellow("warn"), fail: paint.red("fail") } as const;
  const width = Math.max(...checks.map((check) => check.title.length));
  return checks
    .map((check) => {
      const line = `  ${state[check.state]}  ${paint.bold(pad(check.title, width))}  ${printable(check.found)}`;
      return check.advice ? `${line}\n  ${" ".repeat(width + 8)}${paint.yellow("→")} ${printable(check.advice)}` : line;
    })
    .join("\n");
}

/** When the photos of a run were taken, to the minute. @param embedded how many photos were asked */
function capturedText(
  { photos, first, last }: NonNullable<Inspection["captured"]>,
  embedded: number,
  paint: Paint,
): string {
  if (first === null || last === null) return paint.dim("no photo says when");
  const [from, to] = [first, last].map((time) => time.slice(0, "2026-05-01T10:20".length).replace("T", " "));
  const span = from === to ? from : `${from} to ${to}`;
  const missing = embedded - photos;
  return `${span}${missing > 0 ? paint.dim(`  ${counted(missing, "photo")} without a date`) : ""}`;
}

/** The report of `inspect`. */
export function inspectReport(inspection: Inspection, paint: Paint): string {
  const { counts, pca } = inspection;
  const lines: (Line | undefined)[] = [
    ["state", inspection.state === "done" ? paint.green("done") : paint.yellow(inspection.state)],
    inspection.failure
      ? ["failure", paint.red(`${inspection.failure.message} [${inspection.failure.code}]`)]
      : undefined,
    ["written", `${inspection.updatedAt}${paint.dim(`  by Verger ${inspection.version}`)}`],
    inspection.sources.length > 0 ? ["sources", inspection.sources.map(printable).join(", ")] : undefined,
    inspection.featuresFrom === null ? undefined : ["features", printable(inspection.featuresFrom)],
    [
      "images",
      count(counts.images) +
        (inspection.kind === "run"
          ? paint.dim(`  ${count(counts.embedded)} embedded, ${count(counts.reused)} reused`)
          : ""),
    ],
    inspection.kind === "run"
      ? ["set aside", counts.setAside > 0 ? paint.yellow(count(counts.setAside)) : "0"]
      : undefined,
    inspection.captured
      ? ["taken", capturedText(inspection.captured, counts.images - counts.setAside, paint)]
      : undefined,
    inspection.model ? ["model", modelText(inspection.model) ?? ""] : undefined,
    inspection.model
      ? [
          "features",
          `${count(inspection.model.dimension)} from ${inspection.model.width} x ${inspection.model.height} px`,
        ]
      : undefined,
    inspection.machine ? ["machine", inspection.machine] : undefined,
    inspection.peakRssBytes > 0 ? ["memory", `${bytes(inspection.peakRssBytes)} at most`] : undefined,
  ];
  let text = heading("Run", inspection.run, paint) + block(lines, paint);

  if (inspection.stages.length > 0) {
    const rows = inspection.stages.map((stage) => [
      stage.stage,
      duration(stage.seconds),
      stage.perSecond === null ? "" : `${rate(stage.perSecond)} ${stage.unit}/s`,
    ]);
    text += section("Stages", columns(rows, ["left", "right", "right"]), paint);
  }
  if (pca) {
    const rows = pca.reached.map(({ share, components }) => [
      percent(share),
      components === null ? paint.dim(`beyond the ${count(pca.components)} kept`) : counted(components, "component"),
    ]);
    text += section(
      "Variance",
      `  ${counted(pca.components, "component")} kept${pca.dimension === null ? "" : ` of ${count(pca.dimension)} features`}, ` +
        `${percent(pca.explainedVarianceRatio)} explained, solver ${pca.solver}\n${columns(rows, ["right"])}`,
      paint,
    );
  }
  if (inspection.labels.total > 0 || inspection.labels.top.length > 0) {
    const rows = inspection.labels.top.map(({ label, images }) => [
      label === null ? paint.dim("(no label)") : printable(label),
      count(images),
    ]);
    const rest = inspection.labels.total - inspection.labels.top.filter(({ label }) => label !== null).length;
    if (rest > 0) rows.push([paint.dim(`${counted(rest, "other label")}`), count(inspection.labels.restImages)]);
    const { total, corrected } = inspection.labels;
    const title = `Labels (${count(total)}${corrected > 0 ? `, ${counted(corrected, "image")} corrected` : ""})`;
    text += section(title, columns(rows, ["left", "right"]), paint);
  }
  if (inspection.setAside.images > 0) {
    const reasons = inspection.setAside.reasons.map((reason) => [reason.code, reason.stage, count(reason.images)]);
    const images = inspection.setAside.listed.map(
      (image) => `  ${printable(image.path)}\n      ${printable(image.message)}`,
    );
    const rest = inspection.setAside.images - inspection.setAside.listed.length;
    text += section(
      `Set aside (${count(inspection.setAside.images)})`,
      columns(reasons, ["left", "left", "right"]) +
        (images.length > 0 ? `\n\n${images.join("\n")}` : "") +
        (rest > 0
          ? `\n  ${paint.dim(`${counted(rest, "more image")}; all of them: ${inspection.setAside.files}`)}`
          : ""),
      paint,
    );
  }
  return text;
}
