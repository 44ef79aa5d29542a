import path from "node:path";
import { describe, expect, it } from "vitest";
import { cliArguments, pathArguments, type Started } from "../../../src-main/electron/arguments.js";

const packaged = (...args: string[]): Started => ({ argv: ["/opt/verger", ...args], versions: { electron: "45" } });
const checkout = (...args: string[]): Started => ({
  argv: ["/x/electron", ".", ...args],
  versions: { electron: "45" },
  defaultApp: true,
});
const node = (...args: string[]): Started => ({ argv: ["/usr/bin/node", "main.js", ...args], versions: {} });

describe("the command line", () => {
  it.each([
    ["packaged", packaged],
    ["of a checkout", checkout],
    ["of plain Node", node],
  ])("%s holds a command behind --cli", (_name, started) => {
    expect(cliArguments(started("--cli", "run", "photos", "--out", "x"))).toEqual(["run", "photos", "--out", "x"]);
    expect(cliArguments(started("--cli"))).toEqual([]);
    expect(cliArguments(started())).toBeUndefined();
  });

  it("may hold Chromium's switches before --cli, but nothing else", () => {
    expect(cliArguments(packaged("--no-sandbox", "--cli", "doctor"))).toEqual(["doctor"]);
    expect(cliArguments(packaged("runs/first", "--cli"))).toBeUndefined();
  });

  it("of a checkout may hold switches before the app's folder", () => {
    const started = (...args: string[]): Started => ({
      argv: ["/x/electron", "--inspect=0", "--no-sandbox", "/work/verger", ...args],
      versions: { electron: "45" },
      defaultApp: true,
    });
    expect(pathArguments(started(), "/data")).toEqual([]);
    expect(pathArguments(started("runs/first"), "/data")).toEqual([path.resolve("/data/runs/first")]);
    expect(cliArguments(started("--cli", "doctor"))).toEqual(["doctor"]);
  });

  it("gives an argument of the command that is called --cli to the command", () => {
    expect(cliArguments(packaged("--cli", "run", "--cli"))).toEqual(["run", "--cli"]);
  });

  it("names folders to open, relative to where it was given", () => {
    const here = path.resolve("/data");
    expect(pathArguments(packaged("runs/first", "/tmp/second"), here)).toEqual([
      path.resolve("/data/runs/first"),
      path.resolve("/tmp/second"),
    ]);
    expect(pathArguments(checkout("runs/first"), here)).toEqual([path.resolve("/data/runs/first")]);
    expect(pathArguments(packaged("--force-dark-mode", "--", "--odd-name"), here)).toEqual([
      path.resolve("/data/--odd-name"),
    ]);
    expect(pathArguments(packaged(), here)).toEqual([]);
  });
});
