import { runRequestSchema } from "../../api/contract.js";
import { verifyModels } from "../../models/index.js";
import { encodeJpeg } from "../../native/image.js";
import { loadSessions, prepareSetup } from "../run/session.js";
import { labelModel } from "../sample/index.js";
import { rotation } from "../sample/math.js";
import { Renderer } from "../sample/render.js";
import { type Finding, fail, ok, REINSTALL } from "./finding.js";

/** Compares every installed model file with the hash that its registry entry gives. */
export async function checkModels(signal?: AbortSignal): Promise<Finding> {
  const results = await verifyModels(undefined, signal);
  const bad = results.filter((result) => !result.ok);
  if (bad.length === 0) return ok(results.map((result) => result.name).join(", "));
  return fail(
    bad.map((result) => result.message ?? result.name).join(" "),
    'Remove the model with "verger models remove" and add it again, or reinstall Verger.',
  );
}

/** Draws a fruit, encodes it and embeds it: decoder, worker thread, ONNX Runtime, provider and model in one go. */
export async function checkEmbedding(): Promise<Finding> {
  const size = 100;
  const rgb = new Renderer(size).render(labelModel(0, 1, size), { rotation: rotation("y", 0), exposure: 1, grain: 1 });
  const jpeg = await encodeJpeg(rgb, size, size, 90);
  const request = runRequestSchema.parse({ sources: ["-"], out: "-", preset: "fast", sessions: 1, threads: 1 });
  const setup = await prepareSetup(request, undefined);
  const began = performance.now();
  const { embedder, provider } = await loadSessions(setup, request, () => {});
  try {
    await embedder.whenFree();
    const { features, failures } = await embedder.embed([jpeg]);
    const failure = failures[0];
    if (failure) return fail(`${failure.message} [${failure.code}]`, REINSTALL);
    if (!features.every(Number.isFinite) || features.every((value) => value === 0)) {
      return fail("the features of a drawn fruit are not numbers, or all zero", REINSTALL);
    }
    const others = setup.providers.flatMap(({ provider: name, unavailable }) =>
      unavailable === undefined || name === provider ? [] : [`${name}: ${unavailable}`],
    );
    return ok(
      `${setup.model.name} on ${provider}, ONNX Runtime ${embedder.onnxruntime}, ` +
        `first image after ${((performance.now() - began) / 1000).toFixed(1)} s` +
        (others.length > 0 ? ` (${others.join("; ")})` : ""),
    );
  } finally {
    await embedder.close();
  }
}
