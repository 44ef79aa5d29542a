import type { ModelInfo, Registered, Verification } from "../models/index.js";
import { bytes, count } from "./format.js";
import type { Paint } from "./paint.js";
import { columns, printable } from "./table.js";

/** Results of `models` for people. */

const ORIGINS = { embedded: "with Verger", user: "yours", download: "to pull" } as const;

export function modelsReport(models: readonly ModelInfo[], paint: Paint): string {
  const header = ["name", "", "features", "input", "size", "preset"].map((title) => paint.dim(title));
  const rows = models.map((model) => [
    paint.bold(model.name),
    model.problem === null ? ORIGINS[model.origin] : paint.yellow("unusable"),
    model.dimension === null ? "" : count(model.dimension),
    `${model.width} x ${model.height}`,
    bytes(model.bytes),
    model.presets.join(", "),
  ]);
  const problems = models.flatMap(({ name, problem }) =>
    problem === null ? [] : [`\n  ${paint.yellow(name)}  ${printable(problem)}`],
  );
  const pull = models.find((model) => model.origin === "download");
  return (
    columns([header, ...rows], ["left", "left", "right", "left", "right"]) +
    (problems.length > 0 ? `\n${problems.join("")}` : "") +
    (pull
      ? `\n\n${paint.bold("Next")}\n  verger models pull ${pull.name}  ${paint.dim(printable(pull.description))}`
      : "")
  );
}

export function registeredReport(verb: string, { entry, file }: Registered, paint: Paint): string {
  return (
    `${paint.bold(verb)}  ${entry.name}\n` +
    columns([
      [paint.dim("features"), `${count(entry.output.dimension)} from tensor ${printable(entry.output.name)}`],
      [
        paint.dim("input"),
        `${entry.input.width} x ${entry.input.height} px, ${entry.input.layout}, ${entry.input.channels}, ` +
          `(v - [${entry.input.mean.join(", ")}]) / [${entry.input.std.join(", ")}]`,
      ],
      [paint.dim("file"), `${printable(file)}  ${paint.dim(bytes(entry.bytes))}`],
    ]) +
    `\n\n${paint.bold("Next")}\n  verger run <source> --out <dir> --model ${entry.name}`
  );
}

export function verificationReport(results: readonly Verification[], paint: Paint): string {
  return columns(
    results.map(({ name, ok, message }) => [
      ok ? paint.green("ok") : paint.red("fail"),
      name,
      ok ? "" : printable(message ?? ""),
    ]),
  );
}
