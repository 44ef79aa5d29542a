import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { EXIT, exitCodeOf } from "../../src-main/cli/exit.js";
import { Output } from "../../src-main/cli/output.js";
import { wantsColor } from "../../src-main/cli/paint.js";
import { stopped } from "../../src-main/cli/run.js";
import { cancelled, VergerError } from "../../src-main/core/errors.js";
import { recorded } from "../support/streams.js";

afterEach(() => vi.unstubAllEnvs());

describe("colours", () => {
  const terminal = { isTTY: true, hasColors: () => true } as const;
  it("needs a terminal, and NO_COLOR or FORCE_COLOR decide before it", () => {
    expect(wantsColor(terminal, {})).toBe(true);
    expect(wantsColor({ isTTY: false }, {})).toBe(false);
    expect(wantsColor({ isTTY: true, hasColors: () => false }, {})).toBe(false);
    expect(wantsColor(terminal, { NO_COLOR: "1" })).toBe(false);
    expect(wantsColor(terminal, { NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false);
    expect(wantsColor(terminal, { NO_COLOR: "" })).toBe(true);
    expect(wantsColor({ isTTY: false }, { FORCE_COLOR: "1" })).toBe(true);
    expect(wantsColor(terminal, { FORCE_COLOR: "0" })).toBe(false);
  });
});

describe("exit codes", () => {
  it.each([
    [new VergerError("usage/unknown-option", "x"), EXIT.usage],
    [new VergerError("request/invalid", "x"), EXIT.usage],
    [new VergerError("run/in-use", "x"), EXIT.failed],
    [cancelled(), EXIT.interrupted],
    [new DOMException("x", "AbortError"), EXIT.interrupted],
    [new Error("x"), EXIT.failed],
    ["x", EXIT.failed],
  ])("%s", (error, code) => expect(exitCodeOf(error)).toBe(code));
});

describe("a run that was stopped", () => {
  it("never says that something stands where nothing does", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "verger-stopped-"));
    expect(stopped(folder).message).toMatch(/^Stopped before anything was written/);
    writeFileSync(path.join(folder, "run.json"), "{}");
    expect(stopped(folder).message).toMatch(/^Stopped; what is done stands in .* resume/);
    rmSync(folder, { recursive: true });
    expect(stopped("s3://farm/run").message).toContain("resume");
  });
});

describe("output", () => {
  const open = (mode: { json?: boolean; quiet?: boolean }) => {
    vi.stubEnv("NO_COLOR", "1");
    const stdout = recorded();
    const stderr = recorded();
    const output = new Output(stdout.stream, stderr.stream, { json: false, quiet: false, ...mode });
    return { output, stdout, stderr };
  };

  it("puts the result on stdout and everything else on stderr", () => {
    const { output, stdout, stderr } = open({});
    output.notice("Provider cpu.");
    output.progressLine("line");
    output.result("result");
    output.document({ never: true });
    output.failure(new VergerError("run/in-use", "Expected a free folder."));
    expect(stdout.text()).toBe("result\n");
    expect(stderr.text()).toBe("verger: Provider cpu.\nline\nverger: Expected a free folder. [run/in-use]\n");
  });

  it("prints one document with --json, also for a failure", () => {
    const { output, stdout, stderr } = open({ json: true });
    output.result("result");
    output.failure(new VergerError("run/in-use", "Expected a free folder.", { details: { run: "/a" } }));
    expect(JSON.parse(stdout.text())).toEqual({
      error: { code: "run/in-use", message: "Expected a free folder.", details: { run: "/a" } },
    });
    expect(stderr.text()).toContain("[run/in-use]");
  });

  it("keeps failures with --quiet and nothing else", () => {
    const { output, stderr } = open({ quiet: true });
    output.notice("notice");
    output.progressLine("line");
    output.failure(new VergerError("a/b", "Expected."));
    expect(stderr.text()).toBe("verger: Expected. [a/b]\n");
  });

  it("says of a failure without a code of ours that nobody expected it", () => {
    const { output, stderr } = open({});
    output.failure(Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" }));
    output.failure(new Error("odd"));
    expect(stderr.text()).toMatch(/^verger: Unexpected failure: EMFILE: .*VERGER_DEBUG=1.* \[EMFILE\]$/m);
    expect(stderr.text()).toMatch(/^verger: Unexpected failure: odd .* \[internal\]$/m);
  });

  it("shows stacks only with VERGER_DEBUG=1, with their causes", () => {
    const error = new VergerError("a/b", "Expected.", { cause: new Error("origin") });
    const plain = open({});
    plain.output.failure(error);
    expect(plain.stderr.text()).not.toMatch(/^\s+at /m);
    vi.stubEnv("VERGER_DEBUG", "1");
    const debug = open({});
    debug.output.failure(error);
    expect(debug.stderr.text()).toMatch(/origin[\s\S]*^\s+at /m);
  });

  it("outlives a reader that goes away", async () => {
    const { output, stdout } = open({});
    stdout.stream.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    output.result("nobody reads this");
    expect(stdout.text()).toBe("");
    await output.delivered();
  });

  it("fails where a result is lost for another reason, and only there", async () => {
    const { output, stdout, stderr } = open({});
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    stderr.stream.emit("error", full);
    output.notice("nobody reads this");
    await output.delivered();
    stdout.stream.emit("error", full);
    await expect(output.delivered()).rejects.toMatchObject({
      code: "storage/write",
      message: expect.stringContaining("no space left"),
    });
  });

  it("keeps names in a sentence from moving the cursor or forging a line", () => {
    const { output, stderr } = open({});
    output.notice('1 name skipped, first "a\nverger: done\u001b[2J"');
    output.failure(new VergerError("a/b", "Expected \r\u0007."));
    expect(stderr.text()).toBe(
      'verger: 1 name skipped, first "a\\u000averger: done\\u001b[2J"\nverger: Expected \\u000d\\u0007. [a/b]\n',
    );
  });
});
