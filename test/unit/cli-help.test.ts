import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { Output } from "../../src-main/cli/output.js";
import { buildProgram } from "../../src-main/cli/program.js";
import { labelFrom, oneOf, share, wholeNumber } from "../../src-main/cli/usage.js";
import { VergerError } from "../../src-main/core/errors.js";
import { recorded } from "../support/streams.js";

function open() {
  const stdout = recorded();
  const stderr = recorded();
  const output = new Output(stdout.stream, stderr.stream, { json: false, quiet: false });
  return { stdout, stderr, program: buildProgram({ output, finish: () => {} }, "1.2.3") };
}

function leaves(command: Command, path: string[] = []): string[][] {
  return command.commands.length === 0
    ? [path]
    : command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
}

async function complaint(...args: string[]): Promise<VergerError> {
  try {
    await open().program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof VergerError) return error;
    throw error;
  }
  throw new Error(`verger ${args.join(" ")} was accepted`);
}

describe("help", () => {
  const commands = leaves(open().program);
  it("covers the commands of the product", () => {
    const names = new Set(commands.map(([name]) => name));
    expect([...names].sort()).toEqual([
      "doctor",
      "embed",
      "inspect",
      "models",
      "pca",
      "run",
      "sample",
      "serve",
      "sync",
    ]);
  });

  it.each(commands.map((path) => [path.join(" "), path] as const))(
    "of %s has a working example",
    async (name, path) => {
      const { program, stdout, stderr } = open();
      await expect(program.parseAsync([...path, "--help"], { from: "user" })).rejects.toMatchObject({ exitCode: 0 });
      expect(stderr.text()).toBe("");
      const help = stdout.text();
      expect(help).toContain(`Usage: verger ${name}`);
      const examples = [...help.slice(help.search(/^Examples?:$/m)).matchAll(/^ {2}verger (.+)$/gm)].map(
        (match) => match[1],
      );
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) {
        // The example's own words must parse; its action is replaced, since its files do not exist.
        const fresh = open().program;
        let command = fresh;
        for (const step of path) command = command.commands.find((child) => child.name() === step) as Command;
        let called = false;
        command.action(() => {
          called = true;
        });
        await fresh.parseAsync(
          (example ?? "").split(" ").map((word) => word.replace(/^'|'$/g, "")),
          { from: "user" },
        );
        expect(called, example).toBe(true);
      }
    },
  );
});

describe("wrong usage", () => {
  it.each([
    [["run", "photos", "--ot", "x"], "usage/unknown-option", "did you mean --out?"],
    [["run", "photos", "--varience", "0.8", "--out", "x"], "usage/unknown-option", "did you mean --variance?"],
    [["sample", "x", "--imges", "3"], "usage/unknown-option", "did you mean --images?"],
    [["--json", "run", "photos"], "usage/unknown-option", "behind the command's name"],
    [["rum", "photos"], "usage/unknown-command", "did you mean run?"],
    [["models", "lst"], "usage/unknown-command", "did you mean list?"],
    [["run", "--out", "x"], "usage/missing-argument", "<source>"],
    [["run", "photos"], "usage/missing-option", "--out <dir>"],
    [["run", "photos", "--out"], "usage/missing-value", "--out <dir>"],
    [["pca", "a", "b", "--out", "x"], "usage/excess-arguments", "but got 2"],
    [["run", "a", "-o", "x", "--variance", "0.5", "--components", "3"], "usage/conflict", "drop one"],
    [["run", "a", "-o", "x", "--variance", "80"], "usage/invalid-value", 'received "80"'],
    [["run", "a", "-o", "x", "--preset", "quick"], "usage/invalid-value", "fast, balanced, exact"],
  ])("verger %j", async (args, code, text) => {
    const error = await complaint(...args);
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
    expect(error.message).toMatch(/^Expected [^\n]+[.?]$/);
  });

  it("names the nearest for programs too", async () => {
    expect((await complaint("run", "photos", "--ot", "x")).details).toEqual({ suggestion: "--out" });
  });
});

describe("values", () => {
  it("takes whole numbers in their range only", () => {
    const parse = wholeNumber("--batch", "images", 1, 64);
    expect([parse("1"), parse("64"), parse(" 8 ")]).toEqual([1, 64, 8]);
    for (const text of ["0", "65", "1.5", "-1", "1e3", "", "x", "0x10", "99999999999999999999"]) {
      expect(() => parse(text), text).toThrow(/^Expected --batch to be a whole number from 1 to 64/);
    }
  });

  it("takes shares above 0 and up to 1 only", () => {
    const parse = share("--variance", "share");
    expect([parse("1"), parse("0.8"), parse(".5")]).toEqual([1, 0.8, 0.5]);
    for (const text of ["0", "-0.1", "1.01", "80%", "", "NaN"]) expect(() => parse(text), text).toThrow(VergerError);
  });

  it("takes words and label rules only", () => {
    expect(oneOf("--x", ["a", "b"])("b")).toBe("b");
    expect(() => oneOf("--x", ["a", "b"])("c")).toThrow(/one of a, b/);
    // The last as people write it: what the scan takes, the command line takes.
    for (const text of ["parent", "none", "filename:^(.+)_\\d+", "filename:^(\\w+)\\-"])
      expect(labelFrom(text)).toBe(text);
    for (const text of ["folder", "filename:", "filename:(", "filename:no group"]) {
      expect(() => labelFrom(text), text).toThrowError(expect.objectContaining({ code: "usage/invalid-value" }));
    }
  });
});

describe("docs/cli.md", () => {
  const text = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
  const walk = (command: Command): Command[] => [command, ...command.commands.flatMap(walk)];
  const options = walk(open().program).flatMap((command) => command.options.map((option) => option.long ?? ""));

  it.each([...new Set(options)].filter((flag) => flag !== "--version"))("tells of %s", (flag) => {
    expect(text).toMatch(new RegExp(`${flag}\\b`));
  });
});
