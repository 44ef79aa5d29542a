import type { Command, CommanderError } from "commander";
import { VergerError } from "../core/errors.js";

/** Checks of command-line values. A parser throws `usage/invalid-value`, which ends the process with exit code 2. */

function invalid(flag: string, expected: string, received: string): VergerError {
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

/** The parser of --label-from: `parent`, `none` or `filename:<regex>`. */
export function labelRule(text: string): "parent" | "none" | `filename:${string}` {
  if (text === "parent" || text === "none") return text;
  const pattern = /^filename:(.+)$/s.exec(text)?.[1];
  if (pattern === undefined) throw invalid("--label-from", "parent, none or filename:<regular expression>", text);
  try {
    new RegExp(pattern, "u");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new VergerError(
      "usage/invalid-value",
      `Expected a regular expression after --label-from filename:, but "${pattern}" is none (${reason}).`,
      { details: { option: "--label-from", received: text } },
    );
  }
  return `filename:${pattern}`;
}

const CODES: Readonly<Record<string, string>> = {
  "commander.unknownOption": "usage/unknown-option",
  "commander.unknownCommand": "usage/unknown-command",
  "commander.missingArgument": "usage/missing-argument",
  "commander.optionMissingArgument": "usage/missing-value",
  "commander.missingMandatoryOptionValue": "usage/missing-option",
  "commander.conflictingOption": "usage/conflict",
  "commander.excessArguments": "usage/excess-arguments",
  "commander.invalidArgument": "usage/invalid-value",
};

/** Commander's own complaint as one sentence with a stable code, its suggestion kept, and where to read more. */
export function toUsageError(error: CommanderError, command: Command): VergerError {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const hint = /^\(Did you mean (.+)\?\)$/.exec(rest.join(" ").trim())?.[1];
  const sentence = first.charAt(0).toUpperCase() + first.slice(1).replace(/[.\s]+$/, "");
  const suggestion = hint ? `; did you mean ${hint}?` : ".";
  const path = commandPath(command);
  return new VergerError(
    CODES[error.code] ?? "usage/invalid",
    `${sentence}${suggestion} Run "${path} --help" for what it takes.`,
    hint ? { details: { suggestion: hint.replace(/^one of /, "") } } : {},
  );
}

/** `verger models add`. */
export function commandPath(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at; at = at.parent) names.unshift(at.name());
  return names.join(" ");
}
