/**
 * One inference session in a thread of its own. `session.run()` blocks the thread it is called on, so the session lives
 * here; meanwhile the addon's threads decode the next batch into the other input buffer.
 */
import { parentPort, workerData } from "node:worker_threads";
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import { decodeResize } from "../../native/image.js";
import { configureThreads, lowerPriority } from "../../native/system.js";
import { errorCode, errorMessage, isCancelled } from "../errors.js";
import { factBuffers, noFacts, setFacts } from "./photo-facts.js";
import type { FromWorker, ImageFailure, ToWorker, WorkerOptions } from "./protocol.js";

type EmbedMessage = Omit<Extract<ToWorker, { type: "embed" }>, "type">;

const options = workerData as WorkerOptions;
const port = parentPort;
if (!port) throw new Error("embed/worker must run in a worker thread");

/** Two input buffers: one is filled while the other is inferred. */
const BUFFERS = 2;
const READ_FAILURES = new Set(["image/missing", "image/unreadable", "image/empty"]);

const { model } = options;
const { width, height } = model.target;
const imageLength = 3 * width * height;

function post(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

async function createSession(): Promise<InferenceSession> {
  return InferenceSession.create(model.file, {
    executionProviders: [options.provider],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    extra: {
      session: {
        // Sessions share the processors with the decoder: a spinning thread would steal its time.
        intra_op: { allow_spinning: "0" },
      },
    },
  });
}

/** Decodes and infers chunks in the order they arrive, each in inference calls of the plan's batch. */
class BatchRunner {
  private readonly free: Float32Array[] = [];
  private readonly waiting: ((buffer: Float32Array) => void)[] = [];
  private abort = new AbortController();
  private inference: Promise<void> = Promise.resolve();

  constructor(private readonly session: InferenceSession) {
    for (let i = 0; i < BUFFERS; i += 1) this.free.push(new Float32Array(options.chunk * imageLength));
  }

  cancel(): void {
    this.abort.abort();
    this.abort = new AbortController();
  }

  async embed({ id, images, thumbnail }: EmbedMessage): Promise<void> {
    const signal = this.abort.signal;
    const buffer = this.free.pop() ?? (await new Promise<Float32Array>((resolve) => this.waiting.push(resolve)));
    try {
      await this.embedInto(buffer, { id, images, thumbnail }, signal);
    } catch (error) {
      post({
        type: "failed",
        id,
        code: isCancelled(error) ? "cancelled" : errorCode(error),
        message: errorMessage(error),
      });
    } finally {
      const next = this.waiting.shift();
      if (next) next(buffer);
      else this.free.push(buffer);
    }
  }

  private async embedInto(
    buffer: Float32Array,
    { id, images, thumbnail }: EmbedMessage,
    signal: AbortSignal,
  ): Promise<void> {
    const count = images.length;
    const input = buffer.subarray(0, count * imageLength);
    const decoded = await decodeResize(images, model.target, input, {
      tolerateTruncated: options.policy.tolerateTruncated,
      ...(options.policy.pixelLimit === undefined ? {} : { pixelLimit: options.policy.pixelLimit }),
      threads: options.decodeThreads,
      ...(thumbnail ? { thumbnail } : {}),
      signal,
    });
    const facts = noFacts(count);
    const failures: ImageFailure[] = [];
    const thumbnails: { index: number; jpeg: Uint8Array<ArrayBuffer> }[] = [];
    for (const [index, image] of decoded.entries()) {
      if (image.ok) {
        setFacts(facts, index, image);
        if (image.thumbnail) thumbnails.push({ index, jpeg: image.thumbnail });
      } else {
        const stage = READ_FAILURES.has(image.code) ? "read" : "decode";
        failures.push({ index, stage, code: image.code, message: image.message });
      }
    }
    const features = new Float32Array(count * model.dimension);
    await this.inTurn(async () => {
      for (let at = 0; at < count; at += options.batch) {
        const end = Math.min(at + options.batch, count);
        signal.throwIfAborted();
        if (failures.filter(({ index }) => index >= at && index < end).length === end - at) continue;
        const rows = await this.infer(input.subarray(at * imageLength, end * imageLength), end - at);
        features.set(rows, at * model.dimension);
      }
    });
    for (const { index } of failures) features.fill(0, index * model.dimension, (index + 1) * model.dimension);
    for (let index = 0; index < count; index += 1) {
      const start = index * model.dimension;
      const end = start + model.dimension;
      // A sum is finite only if every term is: one pass without a call per value.
      let sum = 0;
      for (let at = start; at < end; at += 1) sum += features[at] ?? 0;
      if (Number.isFinite(sum)) continue;
      features.fill(0, start, end);
      failures.push({
        index,
        stage: "embed",
        code: "embed/not-finite",
        message: "Expected finite features, but the model returned NaN or infinity for this image; try preset exact.",
      });
    }
    const buffers = [features.buffer, ...factBuffers(facts), ...thumbnails.map(({ jpeg }) => jpeg.buffer)];
    post({ type: "embedded", id, features, facts, failures, thumbnails }, buffers);
  }

  /** Runs `work` after that of every chunk that was decoded before. */
  private async inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.inference;
    let done = (): void => {};
    this.inference = new Promise((resolve) => {
      done = resolve;
    });
    await turn;
    try {
      await work();
    } finally {
      done();
    }
  }

  /** Runs the session on `count` images. */
  private async infer(input: Float32Array, count: number): Promise<Float32Array> {
    const dims = model.target.layout === "nchw" ? [count, 3, height, width] : [count, height, width, 3];
    const outputs = await this.session.run({ [model.inputName]: new Tensor("float32", input, dims) }, [
      model.outputName,
    ]);
    const output = outputs[model.outputName];
    const expected = count * model.dimension;
    if (!output || !(output.data instanceof Float32Array) || output.data.length !== expected) {
      throw Object.assign(
        new Error(
          `Expected ${expected} float features from tensor ${model.outputName}, but received ` +
            `${output ? `${output.type} [${output.dims.join(", ")}]` : "nothing"}; check the model with "verger models list".`,
        ),
        { code: "model/output" },
      );
    }
    return output.data;
  }
}

async function main(): Promise<void> {
  if (options.background) lowerPriority();
  configureThreads(options.decodeThreads);
  let session: InferenceSession;
  try {
    session = await createSession();
  } catch (error) {
    post({ type: "unavailable", code: "embed/session", message: errorMessage(error) });
    port?.close();
    return;
  }
  const runner = new BatchRunner(session);
  const running = new Set<Promise<void>>();
  port?.on("message", (message: ToWorker) => {
    if (message.type === "cancel") {
      runner.cancel();
    } else if (message.type === "close") {
      runner.cancel();
      void Promise.allSettled(running)
        .then(() => session.release())
        .finally(() => port?.close());
    } else {
      const task: Promise<void> = runner.embed(message).finally(() => running.delete(task));
      running.add(task);
    }
  });
  post({ type: "ready", onnxruntime: env.versions.node ?? env.versions.common });
}

await main();
