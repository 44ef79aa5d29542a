/** Messages between the embedder and its worker threads. */
import type { ImageTarget } from "../../native/image.js";
import type { PhotoFacts } from "./photo-facts.js";

/** What the embedding stage needs to know of a model; `src-main/models` resolves it. */
export interface EmbeddingModel {
  /** Absolute path of the ONNX file. */
  readonly file: string;
  readonly inputName: string;
  readonly outputName: string;
  /** Length of one feature vector. */
  readonly dimension: number;
  readonly target: ImageTarget;
}

export interface DecodePolicy {
  readonly tolerateTruncated: boolean;
  /** Undefined: the decoder's own default. */
  readonly pixelLimit: number | undefined;
}

/** An image to embed: a path that the native reader opens itself, or bytes already fetched. */
export type ImageInput = string | Uint8Array;

export interface ImageFailure {
  /** Position in the batch. */
  readonly index: number;
  readonly stage: "read" | "decode" | "embed";
  readonly code: string;
  readonly message: string;
}

/** What small picture to make of each image beside its tensor. */
export interface ThumbnailRequest {
  readonly side: number;
  readonly quality: number;
}

/** The result of one batch; the slots of failed images hold zeros. */
export interface EmbeddedBatch {
  /** batch x dimension, row-major. */
  readonly features: Float32Array;
  readonly facts: PhotoFacts;
  readonly failures: readonly ImageFailure[];
  /** Of the images that are larger than one, where they were asked for. `index` is the position in the batch. */
  readonly thumbnails: readonly { readonly index: number; readonly jpeg: Uint8Array<ArrayBuffer> }[];
}

export interface WorkerOptions {
  readonly model: EmbeddingModel;
  readonly provider: string;
  readonly threads: number;
  readonly decodeThreads: number;
  /** Images per inference call. */
  readonly batch: number;
  /** Most images of one message. */
  readonly chunk: number;
  readonly policy: DecodePolicy;
  /** At a lower priority, as the thread that starts this one. */
  readonly background: boolean;
}

export type ToWorker =
  | {
      readonly type: "embed";
      readonly id: number;
      readonly images: readonly ImageInput[];
      readonly thumbnail?: ThumbnailRequest | undefined;
    }
  | { readonly type: "cancel" }
  | { readonly type: "close" };

export type FromWorker =
  | { readonly type: "ready"; readonly onnxruntime: string }
  | { readonly type: "unavailable"; readonly code: string; readonly message: string }
  | ({ readonly type: "embedded"; readonly id: number } & EmbeddedBatch)
  | { readonly type: "failed"; readonly id: number; readonly code: string; readonly message: string };
