import type { Command, CommanderError } from "commander";
import type { LabelFrom } from "../api/contract.js";
import { errorMessage, VergerError } from "../core/errors.js";
import { labelRule } from "../core/manifest/label.js";

/** Checks of command-line values. A parser throws `usage/invalid-value`, which ends the process with exit code 2. */

/** What a parser throws. @param expected what the option's value should have been */
export function invalid(flag: string, expected: string, received: string): VergerError {
  return new VergerError("usage/invalid-value", `Expected ${flag} to be ${expected}, but received "${received}".`, {
    details: { option: flag, received },
  });
}

/** A parser for whole numbers in [min, max]. */
export function wholeNumber(flag: string, what: string, min: number, max = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = /^\+?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
      throw invalid(flag, `a whole number ${range} (${what})`, text);
    }
    return value;
  };
}

/** A parser for a share in (0, 1]. */
export function share(flag: string, what: string) {
  return (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!(value > 0 && value <= 1)) throw invalid(flag, `above 0 and at most 1 (${what})`, text);
    return value;
  };
}

/** A parser for one of a few words. */
export function oneOf<const T extends string>(flag: string, words: readonly T[]) {
  return (text: string): T => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw invalid(flag, `one of ${words.join(", ")}`, text);
    return word;
  };
}

/** The parser of --label-from: `parent`, `none` or `filename:<regex>`, by the rules of the scan. */
export function labelFrom(text: string): LabelFrom {
  try {
    labelRule(text);
    return text as LabelFrom;
  } catch (error) {
    throw new VergerError("usage/invalid-value", errorMessage(error), {
      cause: error,
      details: { option: "--label-from", received: text },
    });
  }
}

const CODES: Readonly<Record<string, string>> = {
  "commander.unknownOption": "usage/unknown-option",
  "commander.unknownCommand": "usage/unknown-command",
  "commander.missingArgument": "usage/missing-argument",
  "commander.optionMissingArgument": "usage/missing-value",
  "commander.conflictingOption": "usage/conflict",
  "commander.excessArguments": "usage/excess-arguments",
};

/** Commander's complaint as one of our sentences with a stable code; its suggestion is kept. */
export function toUsageError(error: CommanderError, command: Command): VergerError {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const hint = /^\(Did you mean (.+)\?\)$/.exec(rest.join(" ").trim())?.[1];
  const path = commandPath(command);
  const [a, b] = [...first.matchAll(/'([^']*)'/g)].map((match) => match[1]);
  const help = `"${path} --help" tells what there is`;
  const later = command.commands.some((child) => child.options.some(({ short, long }) => a === short || a === long));
  const ending = hint ? `did you mean ${hint}?` : later ? "it goes behind the command's name." : `${help}.`;
  const sentences: Readonly<Record<string, string>> = {
    "commander.unknownOption": `Expected an option of ${path}, but received ${a}; ${ending}`,
    "commander.unknownCommand": `Expected a command of ${path}, but received ${a}; ${ending}`,
    "commander.missingArgument": `Expected <${a}> after ${path}, but it was not given; ${help}.`,
    "commander.optionMissingArgument": `Expected a value after ${a}, but none was given; ${help}.`,
    "commander.conflictingOption": `Expected either ${a} or ${b}, but received both; drop one.`,
    "commander.excessArguments": `Expected fewer arguments (${first}); ${help}.`,
  };
  return new VergerError(
    CODES[error.code] ?? "usage/invalid",
    sentences[error.code] ?? `Expected a command line that ${path} understands (${first}); ${help}.`,
    hint ? { details: { suggestion: hint.replace(/^one of /, "") } } : {},
  );
}

/** `verger models add`. */
export function commandPath(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at; at = at.parent) names.unshift(at.name());
  return names.join(" ");
}

/** A parser for three numbers separated by commas, one a channel. */
export function threeNumbers(flag: string, positive = false) {
  return (text: string): [number, number, number] => {
    const [a, b, c, ...more] = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
    const values = [a ?? Number.NaN, b ?? Number.NaN, c ?? Number.NaN] as [number, number, number];
    if (more.length > 0 || !values.every((value) => Number.isFinite(value) && (!positive || value > 0))) {
      throw invalid(flag, `three ${positive ? "positive " : ""}numbers separated by commas`, text);
    }
    return values;
  };
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** A parser for times: `90s`, `30min`, `12h`, `2d`, `1w`. @returns seconds */
export function duration(flag: string) {
  return (text: string): number => {
    const match = /^(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)$/i.exec(text.trim());
    const unit = SECONDS[(match?.[2] ?? "").toLowerCase()];
    if (!match || unit === undefined) throw invalid(flag, "a time such as 30min, 12h or 2d", text);
    return Number(match[1]) * unit;
  };
}
