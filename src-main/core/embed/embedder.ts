/** A pool of inference workers behind one `embed(batch)` call. */
import path from "node:path";
import { Worker } from "node:worker_threads";
import { packageRoot } from "../../native/root.js";
import { isBackground } from "../../native/system.js";
import { cancelled, VergerError } from "../errors.js";
import type { ComputePlan } from "./plan.js";
import type {
  DecodePolicy,
  EmbeddedBatch,
  EmbeddingModel,
  FromWorker,
  ImageInput,
  ThumbnailRequest,
  ToWorker,
  WorkerOptions,
} from "./protocol.js";

/** Chunks under way in each worker: one being inferred, one being decoded. */
const DEPTH = 2;
const CLOSE_TIMEOUT_MS = 10_000;

export interface EmbedderOptions {
  readonly model: EmbeddingModel;
  readonly provider: string;
  readonly plan: ComputePlan;
  readonly policy: DecodePolicy;
}

interface Pending {
  resolve(batch: EmbeddedBatch): void;
  reject(error: unknown): void;
}

class Member {
  readonly pending = new Map<number, Pending>();
  readonly ready: Promise<string>;
  readonly exited: Promise<void>;
  failure: VergerError | undefined;
  private readonly worker: Worker;

  constructor(options: WorkerOptions, onFree: () => void) {
    this.worker = new Worker(path.join(packageRoot(), "dist", "workers", "embed.js"), {
      workerData: options,
      name: "verger-embed",
    });
    let settleReady: { resolve(version: string): void; reject(error: unknown): void };
    this.ready = new Promise((resolve, reject) => {
      settleReady = { resolve, reject };
    });
    // A rejected start is reported by whoever awaits `ready`; a close before that must not be an unhandled rejection.
    this.ready.catch(() => {});
    this.exited = new Promise((resolve) => this.worker.once("exit", () => resolve()));
    const fail = (error: VergerError): void => {
      this.failure ??= error;
      settleReady.reject(error);
      for (const pending of this.pending.values()) pending.reject(this.failure);
      this.pending.clear();
      onFree();
    };
    this.worker.on("message", (message: FromWorker) => {
      if (message.type === "ready") {
        settleReady.resolve(message.onnxruntime);
      } else if (message.type === "unavailable") {
        fail(new VergerError(message.code, message.message));
      } else {
        const pending = this.pending.get(message.id);
        this.pending.delete(message.id);
        if (message.type === "embedded") pending?.resolve(message);
        else
          pending?.reject(message.code === "cancelled" ? cancelled() : new VergerError(message.code, message.message));
        onFree();
      }
    });
    this.worker.on("error", (error) => {
      fail(
        new VergerError(
          "embed/worker",
          `Expected the inference thread to keep running, but it failed: ${error.message}`,
          {
            cause: error,
          },
        ),
      );
    });
    this.worker.once("exit", (code) => {
      fail(
        new VergerError("embed/worker", `Expected the inference thread to keep running, but it ended with ${code}.`),
      );
    });
  }

  send(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  async close(): Promise<void> {
    this.send({ type: "close" });
    const timer = setTimeout(() => void this.worker.terminate(), CLOSE_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timer);
  }
}

/**
 * Embeds batches of images on several sessions. Batches are handed to the least busy session and may finish in any
 * order; each call's promise carries its own result.
 */
export class Embedder {
  /** Calls that may be under way at once. */
  readonly capacity: number;
  /** Version of ONNX Runtime. */
  readonly onnxruntime: string;
  private nextId = 0;
  private readonly waiting: (() => void)[] = [];

  private constructor(
    private readonly members: readonly Member[],
    onnxruntime: string,
  ) {
    this.capacity = members.length * DEPTH;
    this.onnxruntime = onnxruntime;
  }

  /**
   * Starts the workers and waits until every session is loaded.
   *
   * @throws VergerError `embed/session` when the provider or the model file cannot be loaded
   */
  static async create(options: EmbedderOptions): Promise<Embedder> {
    const { plan } = options;
    let embedder: Embedder | undefined;
    const workerOptions: WorkerOptions = {
      model: options.model,
      provider: options.provider,
      threads: plan.threadsPerSession,
      decodeThreads: plan.decodeThreads,
      batch: plan.batch,
      chunk: plan.chunk,
      policy: options.policy,
      background: isBackground(),
    };
    const members: Member[] = [];
    try {
      // In here: where the system allows no further thread, those before it must not keep the process alive.
      while (members.length < plan.sessions) members.push(new Member(workerOptions, () => embedder?.wake()));
      const versions = await Promise.all(members.map((member) => member.ready));
      embedder = new Embedder(members, versions[0] ?? "unknown");
      return embedder;
    } catch (error) {
      await Promise.all(members.map((member) => member.close()));
      throw error;
    }
  }

  /**
   * Waits until a session has a place for another batch. A single producer that calls `embed` right after it keeps
   * every session busy and the number of batches under way bounded by `capacity`.
   *
   * @throws VergerError `embed/worker`, `embed/session`
   */
  async whenFree(): Promise<void> {
    while (!this.pick()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /**
   * Embeds one chunk. Images that cannot be read, decoded or embedded are reported in `failures`; they never reject.
   *
   * @param images at most the plan's chunk; byte arrays that own their buffer are transferred, others copied
   * @throws VergerError `cancelled`, `embed/worker`, `model/output`, and `embed/busy` without a preceding `whenFree`
   */
  embed(images: readonly ImageInput[], thumbnail?: ThumbnailRequest): Promise<EmbeddedBatch> {
    const member = this.pick();
    if (!member) throw new VergerError("embed/busy", "Expected a free session for the batch; await whenFree() first.");
    const id = this.nextId;
    this.nextId += 1;
    return new Promise((resolve, reject) => {
      member.pending.set(id, { resolve, reject });
      const transfer = new Set<ArrayBuffer>();
      for (const image of images) {
        // Only a buffer that the image fills: small Node Buffers share one slab with strangers.
        if (typeof image === "string" || !(image.buffer instanceof ArrayBuffer)) continue;
        if (image.byteLength === image.buffer.byteLength) transfer.add(image.buffer);
      }
      member.send({ type: "embed", id, images, thumbnail }, [...transfer]);
    });
  }

  /** Stops decoding at once; batches under way reject with `cancelled`. */
  cancel(): void {
    for (const member of this.members) if (!member.failure) member.send({ type: "cancel" });
  }

  /** Ends the workers; batches under way reject. */
  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
  }

  private pick(): Member | undefined {
    const failed = this.members.find((member) => member.failure);
    if (failed?.failure) throw failed.failure;
    let best: Member | undefined;
    for (const member of this.members) {
      if (member.pending.size < DEPTH && (!best || member.pending.size < best.pending.size)) best = member;
    }
    return best;
  }

  private wake(): void {
    // All of them: a failed member must reject every waiter, and those that still find no place wait again.
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
