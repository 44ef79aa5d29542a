/** The command line from outside: exit codes, which stream carries what, signals, pipes that close. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliProcess, cli, cliFailure, cliJson, repositoryRoot } from "../support/run-cli.js";
import { drawPhotos, workFolder } from "../support/run-photos.js";

const { folder, dispose } = workFolder("cli");
const photos = path.join(folder, "photos");
const run = path.join(folder, "run");

beforeAll(async () => {
  await drawPhotos(photos, 40, 4);
  writeFileSync(path.join(photos, "Training", "Banana 1", "broken.jpg"), "no image at all");
});
afterAll(dispose);

describe("exit codes and streams", () => {
  it("prints help on stdout and ends with 0", async () => {
    for (const args of [["--help"], ["help"], ["run", "--help"], ["help", "run"], ["--cli", "run", "--help"]]) {
      const result = await cli(args);
      expect(result, args.join(" ")).toMatchObject({ code: 0, stderr: "" });
      expect(result.stdout).toContain("Usage: verger");
    }
  });

  it("prints help on stderr and ends with 2 when no command is given", async () => {
    const result = await cli([]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain("Usage: verger");
  });

  it("prints the version of package.json", async () => {
    const result = await cli(["--version"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("ends with 2 on wrong usage, names the nearest, and says so as a document too", async () => {
    const failure = await cliFailure(["run", photos, "--ot", run], 2);
    expect(failure).toMatchObject({ code: "usage/unknown-option", details: { suggestion: "--out" } });
    expect(existsSync(run)).toBe(false);
  });

  it("ends with 1 on a failure, and keeps the stack for VERGER_DEBUG=1", async () => {
    const missing = path.join(folder, "missing");
    const failure = await cliFailure(["inspect", missing]);
    expect(failure).toMatchObject({ code: "run/not-a-run", details: { run: missing } });
    const debug = await cli(["inspect", missing], { env: { VERGER_DEBUG: "1" } });
    expect(debug.stderr).toMatch(/^\s+at /m);
    expect(debug.stdout).toBe("");
  });

  it("ends with 3 with images set aside, names the reasons, and draws progress on stderr only", async () => {
    const result = await cli(["run", photos, "--out", run, "--preset", "fast", "--components", "5"]);
    expect(result.code).toBe(3);
    expect(result.stdout).toMatch(/^ {2}images +41\n/m);
    expect(result.stdout).toMatch(/^ {2}set aside +1 +image\/[a-z-]+ 1\n/m);
    expect(result.stdout).toMatch(/^ {2}PCA +5 components explain \d+\.\d % of the variance\n/m);
    expect(result.stdout).not.toContain("\u001b");
    expect(result.stderr).toMatch(/^verger: embed: done, 41 images in /m);
    expect(result.stderr).not.toMatch(/[\r]/);
  });

  it("says nothing on stderr with --quiet", async () => {
    const result = await cli(["run", photos, "--out", run, "--preset", "fast", "--components", "5", "--quiet"]);
    expect(result).toMatchObject({ code: 3, stderr: "" });
    expect(await cli(["embed", photos, "-qo", run, "--preset", "fast"])).toMatchObject({ code: 3, stderr: "" });
  });

  it("colours a pipe only when forced to", async () => {
    const forced = await cli(["inspect", run], { env: { NO_COLOR: "", FORCE_COLOR: "1" } });
    expect(forced.stdout).toContain("\u001b[1m");
    const both = await cli(["inspect", run], { env: { NO_COLOR: "1", FORCE_COLOR: "1" } });
    expect(both.stdout).not.toContain("\u001b");
  });
});

describe("inspect", () => {
  it("reports counts, labels, stages, variance and images set aside", async () => {
    const inspection = await cliJson<{
      counts: unknown;
      stages: { stage: string; seconds: number }[];
      pca: {
        components: number;
        explainedVarianceRatio: number;
        reached: { share: number; components: number | null }[];
      };
      labels: unknown;
      setAside: { images: number; reasons: unknown; listed: { path: string; code: string; message: string }[] };
    }>(["inspect", run, "--limit", "2"]);
    expect(inspection.counts).toMatchObject({ images: 41, setAside: 1, labels: 4 });
    expect(inspection.stages.map(({ stage }) => stage)).toEqual(
      expect.arrayContaining(["scan", "embed", "fit", "transform"]),
    );
    expect(inspection.stages.at(-1)?.stage).toBe("total");
    expect(inspection.labels).toEqual({
      total: 4,
      corrected: 0,
      top: [
        { label: "Banana 1", images: 11 },
        { label: "Apple Braeburn 1", images: 10 },
      ],
      restImages: 20,
    });
    expect(inspection.setAside.images).toBe(1);
    expect(inspection.setAside.listed[0]?.path).toMatch(/broken\.jpg$/);
    const { pca } = inspection;
    expect(pca.components).toBe(5);
    for (const { share, components } of pca.reached) {
      if (share > pca.explainedVarianceRatio) expect(components).toBeNull();
      else expect(components).toBeLessThanOrEqual(5);
    }
    const text = (await cli(["inspect", run])).stdout;
    for (const heading of ["Stages", "Variance", "Labels (4)", "Set aside (1)"]) expect(text).toContain(heading);
    expect(text).toContain("broken.jpg");
  });
});

describe("inspect of a run without labels", () => {
  it("counts none, as the run itself does, and says how many images that are", async () => {
    const out = path.join(folder, "unlabelled");
    const summary = await cliJson(["embed", photos, "--out", out, "--preset", "fast", "--label-from", "none"], 3);
    expect(summary).toMatchObject({ labels: 0 });
    const { labels } = await cliJson<{ labels: unknown }>(["inspect", out]);
    expect(labels).toMatchObject({ total: 0, top: [{ label: null, images: 41 }], restImages: 0 });
    const { stdout } = await cli(["inspect", out]);
    expect(stdout).toMatch(/^Labels \(0\)\n {2}\(no label\) {2}41$/m);
  });
});

describe("sample", () => {
  it("prints its summary as JSON and refuses a folder of others", async () => {
    const drawn = path.join(folder, "drawn");
    const summary = await cliJson<{ images: number; labels: string[] }>([
      ...["sample", drawn, "--images", "10", "--labels", "2", "--size", "32"],
    ]);
    expect(summary).toMatchObject({ images: 10, training: 8, test: 2, labels: ["Apple Braeburn 1", "Banana 1"] });
    const taken = path.join(folder, "taken");
    mkdirSync(taken);
    writeFileSync(path.join(taken, "notes.txt"), "mine");
    expect(await cliFailure(["sample", taken])).toMatchObject({ code: "sample/not-empty" });
    expect(readdirSync(taken)).toEqual(["notes.txt"]);
    expect(await cliFailure(["sample", drawn, "--images", "1"], 2)).toMatchObject({ code: "request/invalid" });
  });

  it("stops on SIGINT with 130 and leaves no half-written file", async () => {
    const target = path.join(folder, "stopped");
    const drawing = new CliProcess(["sample", target, "--images", "20000"]);
    expect(await drawing.until(() => existsSync(path.join(target, "Training")))).toBe(true);
    drawing.kill("SIGINT");
    const result = await drawing.ended;
    expect(result).toMatchObject({ code: 130, stdout: "" });
    expect(result.stderr).toContain("[cancelled]");
    const names = readdirSync(target, { recursive: true, encoding: "utf8" });
    expect(names.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("doctor", () => {
  it("embeds a drawn fruit here and finds nothing that fails", async () => {
    const diagnosis = await cliJson<{ ok: boolean; checks: { id: string; state: string; found: string }[] }>([
      "doctor",
      folder,
    ]);
    expect(diagnosis.ok).toBe(true);
    expect(diagnosis.checks.map(({ id }) => id)).toEqual([
      ...["node", "addon", "processor", "memory", "libraries", "models", "embedding", "temporary", "folder"],
    ]);
    expect(diagnosis.checks.find(({ id }) => id === "embedding")?.found).toMatch(
      /efficientnet-lite0.* on cpu, ONNX Runtime \d/,
    );
  });

  it.skipIf(!existsSync("/proc/self"))("ends with 1 and says what to do where a folder cannot be written", async () => {
    const result = await cli(["doctor", "/proc/self"]);
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/^ {2}fail {2}Folder /m);
    expect(result.stdout).toContain("→ Choose a folder that you may write to");
  });
});

describe("models", () => {
  it("lists and verifies what comes with Verger", async () => {
    const { models } = await cliJson<{ models: { name: string; origin: string; presets: string[] }[] }>([
      "models",
      "list",
    ]);
    expect(models.flatMap(({ presets }) => presets).sort()).toEqual(["balanced", "exact", "fast"]);
    const verified = await cliJson<{ models: { ok: boolean }[] }>(["models", "verify"]);
    expect(verified.models.length).toBe(models.filter(({ origin }) => origin !== "download").length);
    expect(verified.models.every(({ ok }) => ok)).toBe(true);
  });

  it("adds, uses and removes a model of one's own", async () => {
    const own = { env: { VERGER_HOME: path.join(folder, "home") } };
    const file = path.join(repositoryRoot, "resources", "models", "efficientnet-lite0-int8.onnx");
    const { model } = await cliJson<{ model: { name: string; output: { dimension: number }; file: string } }>(
      ["models", "add", file, "--name", "mine", "--mean", "127,127,127", "--std", "128,128,128"],
      0,
      own,
    );
    expect(model).toMatchObject({ name: "mine", output: { dimension: 1280 } });
    expect(model.file.startsWith(path.join(folder, "home"))).toBe(true);
    expect(existsSync(model.file)).toBe(true);
    expect(await cliFailure(["models", "add", file, "--name", "mine"], 1, own)).toMatchObject({ code: "model/exists" });
    const removed = await cliJson<{ removed: string[] }>(["models", "remove", "mine"], 0, own);
    expect(removed.removed).toContain(model.file);
    expect(existsSync(model.file)).toBe(false);
    expect(await cliFailure(["models", "remove", "mine"], 1, own)).toMatchObject({ code: "model/unknown" });
  });
});

describe.skipIf(process.platform === "win32")("pipes", () => {
  it("ends quietly when the reader of stdout goes away", async () => {
    const child = spawn(
      "/bin/sh",
      [
        "-c",
        `"$0" "$1" inspect "$2" --limit 1000; echo "code $?" >&2`,
        process.execPath,
        path.join(repositoryRoot, "bin", "verger"),
        run,
      ],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    child.stdout.destroy();
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    await new Promise((resolve) => child.once("close", resolve));
    expect(stderr).toBe("code 0\n");
  });

  it("goes on when the reader of stderr goes away", async () => {
    const out = path.join(folder, "unread");
    const child = spawn(
      process.execPath,
      [path.join(repositoryRoot, "bin", "verger"), "run", photos, "-o", out, "--preset", "fast", "--json"],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    child.stderr.destroy();
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ images: 41, setAside: 1 });
  });

  /** Runs a command line of the shell, `$0 $1` being ours. */
  const shell = async (line: string): Promise<{ code: unknown; stdout: string; stderr: string }> => {
    const bin = path.join(repositoryRoot, "bin", "verger");
    const child = spawn("/bin/sh", ["-c", line, process.execPath, bin], { cwd: folder });
    const text = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (some: string) => {
        text[name] += some;
      });
    }
    return { code: await new Promise((resolve) => child.once("close", resolve)), ...text };
  };

  it.skipIf(!existsSync("/dev/full"))("says in one sentence that the disk took no result", async () => {
    const result = await shell(`"$0" "$1" inspect run > /dev/full`);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/^verger: Expected to write the result .* \[storage\/write\]\n$/);
  });

  it.skipIf(!existsSync("/dev/full"))("goes on when stderr is a log on a full disk", async () => {
    const result = await shell(`"$0" "$1" run photos -o logged --preset fast --json 2> /dev/full`);
    expect(result.code).toBe(3);
    expect(JSON.parse(result.stdout)).toMatchObject({ images: 41, setAside: 1 });
  });

  it("says so where the current folder has been removed", async () => {
    const result = await shell(
      `mkdir gone && cd gone && rmdir ../gone && "$0" "$1" run "${photos}" -o "${folder}/never"`,
    );
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/^verger: Expected to be called in a folder that exists.* \[storage\/not-found\]\n$/);
    expect((await shell(`mkdir gone && cd gone && rmdir ../gone && "$0" "$1" --version`)).code).toBe(0);
  });

  it.skipIf(process.getuid?.() !== 0 || !existsSync("/usr/bin/setpriv"))(
    "says what to set where a user has no home, as in a container",
    async () => {
      const nobody = "env -u HOME -u VERGER_HOME -u XDG_DATA_HOME setpriv --reuid=54321 --regid=54321 --clear-groups";
      const result = await shell(`${nobody} "$0" "$1" models list`);
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(/^verger: Expected a home folder .*VERGER_HOME.* \[storage\/not-found\]\n$/);
    },
  );
});
