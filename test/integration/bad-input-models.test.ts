import { copyFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelProtoSchema } from "../../src-main/models/onnx/onnx_pb.js";
import { tinyClassifier } from "../support/models-graphs.js";
import { cliFailure, cliJson, repositoryRoot } from "../support/run-cli.js";
import { expectFinished, filesBelow, readRun, resultHashes, snapshot } from "../support/run-folder.js";
import { drawPhotos, workFolder } from "../support/run-photos.js";

const IMAGES = 10;
const { folder, dispose } = workFolder("bad-models");
const photos = path.join(folder, "photos");
const out = path.join(folder, "run");
const home = path.join(folder, "home");
/** Models that people add stand in a home of this test's own. */
const ownHome = { env: { VERGER_HOME: home } };

const modelFile = (name: string): string => path.join(folder, `${name}.onnx`);
function writeModel(name: string, input?: readonly (number | string)[]): string {
  writeFileSync(modelFile(name), toBinary(ModelProtoSchema, tinyClassifier(input)));
  return modelFile(name);
}

beforeAll(async () => {
  mkdirSync(home);
  await drawPhotos(photos, IMAGES, 3);
  writeFileSync(modelFile("garbage"), "no model, but a text that is long enough to be read as one");
  writeFileSync(modelFile("empty"), "");
  copyFileSync(
    path.join(repositoryRoot, "resources", "models", "efficientnet-lite0-int8.onnx"),
    modelFile("cut in half"),
  );
  truncateSync(modelFile("cut in half"), 1_900_000);
  writeModel("two dimensions", ["batch", 3]);
  writeModel("five dimensions", ["batch", 3, 4, "height", "width"]);
  writeModel("five channels", ["batch", 5, 64, 64]);
});
afterAll(dispose);

describe("a model that cannot be used", () => {
  it.each([
    ["garbage", "model/corrupt", "garbage.onnx"],
    ["empty", "model/corrupt", "empty.onnx"],
    ["cut in half", "model/corrupt", "cut in half.onnx"],
    ["two dimensions", "model/input-rank", "[?, 3]"],
    ["five dimensions", "model/input-rank", "[?, 3, 4, ?, ?]"],
    ["five channels", "model/input-channels", "[?, 5, 64, 64]"],
    ["not there", "model/missing", "not there.onnx"],
  ])("%s: code %s, one sentence with what was received, no run folder", async (name, code, received) => {
    for (const command of ["run", "embed"]) {
      const failure = await cliFailure([command, photos, "--out", out, "--model", modelFile(name)]);
      expect(failure.code).toBe(code);
      expect(failure.message).toContain(received);
      expect(existsSync(out)).toBe(false);
    }
  });

  it("a name that no model has: the nearest one is suggested", async () => {
    const failure = await cliFailure(["run", photos, "--out", out, "--model", "eficientnet-lite0-int8"]);
    expect(failure).toMatchObject({
      code: "model/unknown",
      message: expect.stringContaining("efficientnet-lite0-int8"),
    });
    expect(existsSync(out)).toBe(false);
  });

  it("a size that the network cannot take is refused before anything is read", async () => {
    const failure = await cliFailure(["run", photos, "--out", out, "--preset", "fast", "--size", "100"]);
    expect(failure).toMatchObject({ code: "model/size", message: expect.stringContaining("100") });
    expect(existsSync(out)).toBe(false);
  });
});

describe("a model of one's own", () => {
  const run = path.join(folder, "own");

  it("embeds, by name, by file, and again for nothing", async () => {
    await cliJson(["models", "add", writeModel("tiny"), "--output", "map", "--size", "32"], 0, ownHome);
    const command = ["run", photos, "--out", run, "--model", "tiny", "--components", "2"];
    expect(await cliJson(command, 0, ownHome)).toMatchObject({ embedded: IMAGES, model: "tiny", preset: null });
    expect(expectFinished(run).identity).toMatchObject({ dimension: 4, width: 32, height: 32, preset: null });
    const before = snapshot(run);
    // Without --model the run goes on with its own.
    const again = ["run", photos, "--out", run, "--components", "2"];
    expect(await cliJson(again, 0, ownHome)).toMatchObject({ embedded: 0, model: "tiny" });
    expect(snapshot(run)).toEqual(before);
  });

  it("whose file has been altered since it was added is refused, and the run stays", async () => {
    const before = snapshot(run);
    const [stored] = filesBelow(home).filter((name) => name.endsWith(".onnx"));
    const file = path.join(home, stored ?? "");
    const bytes = readFileSync(file);
    const altered = Buffer.from(bytes);
    altered[altered.length >> 1] = (altered[altered.length >> 1] ?? 0) ^ 0xff;
    writeFileSync(file, altered);
    for (const target of [run, out]) {
      const failure = await cliFailure(["run", photos, "--out", target, "--model", "tiny"], 1, ownHome);
      expect(failure).toMatchObject({ code: "model/hash", message: expect.stringContaining("tiny") });
    }
    expect(existsSync(out)).toBe(false);
    expect(snapshot(run)).toEqual(before);
    writeFileSync(file, bytes);
  });

  it("with other weights under the same name is another model: the run is refused", async () => {
    const before = resultHashes(run);
    const model = tinyClassifier();
    const kernel = model.graph.initializer.find(({ name }) => name === "kernel");
    kernel?.rawData.fill(0x3f);
    writeFileSync(modelFile("tiny"), toBinary(ModelProtoSchema, model));
    const add = ["models", "add", modelFile("tiny"), "--output", "map", "--size", "32", "--replace"];
    await cliJson(add, 0, ownHome);
    const failure = await cliFailure(["run", photos, "--out", run, "--model", "tiny"], 1, ownHome);
    expect(failure).toMatchObject({ code: "run/mismatch", details: { differences: ["model file"] } });
    expect(resultHashes(run)).toEqual(before);
    expect(readRun(run).state).toBe("done");
  });
});
