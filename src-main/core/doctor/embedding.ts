import { runRequestSchema } from "../../api/contract.js";
import { verifyModels } from "../../models/index.js";
import { encodeJpeg } from "../../native/image.js";
import { loadSessions, prepareSetup } from "../run/session.js";
import { labelModel } from "../sample/index.js";
import { rotation } from "../sample/math.js";
import { Renderer } from "../sample/render.js";
import { type Outcome, outcome } from "./outcomes.js";

/** Compares every installed model file with the hash that its registry entry gives. */
export async function checkModels(signal?: AbortSignal): Promise<Outcome> {
  const results = await verifyModels(undefined, signal);
  const bad = results.filter((result) => !result.ok);
  const names = (bad.length === 0 ? results : bad).map(({ name }) => name).join(", ");
  if (bad.length === 0) return outcome("models.ok", { names });
  return outcome("models.bad", { names, message: bad.map(({ name, message }) => message ?? name).join(" ") });
}

/** Draws a fruit, encodes it and embeds it: decoder, worker thread, ONNX Runtime, provider and model in one go. */
export async function checkEmbedding(): Promise<Outcome> {
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
    if (failure) {
      const { code, message } = failure;
      return outcome("embedding.failed", { message: `${message} [${code}]` }, { code, message });
    }
    if (!features.every(Number.isFinite) || features.every((value) => value === 0)) {
      return outcome("embedding.not-numbers", {});
    }
    const facts = {
      ...{ model: setup.model.name, provider, runtime: embedder.onnxruntime },
      afterSeconds: (performance.now() - began) / 1000,
    };
    // The default request tries one GPU provider before the processor.
    const other = setup.providers.find((candidate) => candidate.provider !== provider);
    if (other?.unavailable === undefined) return outcome("embedding.ok", facts);
    const { provider: without, unavailable: reason, library } = other;
    return library === undefined
      ? outcome("embedding.fallback", { ...facts, without, reason })
      : outcome("embedding.without", { ...facts, without, library });
  } finally {
    await embedder.close();
  }
}
