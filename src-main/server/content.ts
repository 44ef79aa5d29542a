/** What a GET is answered with, whatever carries it: HTTP, or the desktop app's own scheme. */
import { THUMBNAIL_SIZES, type ThumbnailSize } from "../api/channels.js";
import { VergerError } from "../core/errors.js";
import { toFailure } from "../engine/dispatch.js";
import type { Engine } from "../engine/index.js";
import type { Assets } from "./assets.js";

export interface Answer {
  readonly status: number;
  /** Of the content; those of every answer are in headers.ts. */
  readonly headers: Readonly<Record<string, string>>;
  /** `file`: the content of a file, to be streamed. */
  readonly body: Uint8Array | { readonly file: string } | null;
}

/** Names below this are pictures of runs; all others are files of the window. */
export const IMAGES = "images/";

/** The picture of one state of one row never changes; a day bounds what a changed photo on disk can do. */
const IMAGE_CACHE = "private, max-age=86400, immutable";

/**
 * The picture that an address made by `imagePath` names.
 *
 * @param name without a leading `/`
 * @param known the ETag that the client holds already
 * @throws VergerError what `Engine.image` throws
 */
export async function imageAnswer(
  image: Engine["image"],
  name: string,
  known: string | null | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const wanted = imageNamed(name);
  if (!wanted) return refusedAddress(404);
  const { run, version, row, size } = wanted;
  const etag = `"${version}-${row}-${size}"`;
  const headers = { etag, "cache-control": IMAGE_CACHE };
  if (known === etag) return { status: 304, headers, body: null };
  const picture = await image(run, version, row, size, signal);
  if (!("jpeg" in picture)) {
    return {
      status: 200,
      headers: { ...headers, "content-type": `image/${picture.format}` },
      body: { file: picture.file },
    };
  }
  const length = String(picture.jpeg.length);
  return {
    status: 200,
    headers: { ...headers, "content-type": "image/jpeg", "content-length": length },
    body: picture.jpeg,
  };
}

/**
 * A file of the window.
 *
 * @param name without a leading `/`; "" is the page itself
 * @throws VergerError `server/no-window` when the page is not there
 */
export async function assetAnswer(assets: Assets, name: string): Promise<Answer> {
  const asset = await assets.get(name);
  if (!asset) {
    if (name !== "") return refusedAddress(404);
    throw new VergerError(
      "server/no-window",
      'Expected the window\'s files beside the program, but they are not there; run "npm run build" in a checkout or reinstall Verger.',
    );
  }
  return {
    status: 200,
    headers: {
      "content-type": asset.type,
      "content-length": String(asset.content.length),
      "cache-control": asset.immutable ? "private, max-age=31536000, immutable" : "no-cache",
    },
    body: asset.content,
  };
}

/** A failure with its status: code and sentence, as every client reads them. */
export function failureAnswer(error: unknown): Answer {
  const failure = toFailure(error);
  return jsonAnswer(statusOf(failure.error.code), failure);
}

/** Nothing is there (404), or not by this method (405). */
export function refusedAddress(status: 404 | 405): Answer {
  const message =
    status === 404
      ? "Expected an address of this server, but there is nothing under this one; reload the page."
      : "Expected another HTTP method for this address; reload the page.";
  return jsonAnswer(status, { error: { code: "server/not-found", message } });
}

export function jsonAnswer(status: number, value: unknown): Answer {
  const body = new TextEncoder().encode(JSON.stringify(value));
  return {
    status,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "content-length": String(body.length),
      "cache-control": "no-store",
    },
    body,
  };
}

function statusOf(code: string): number {
  if (code === "internal") return 500;
  if (code === "request/too-large") return 413;
  if (code.startsWith("request/")) return 400;
  if (code === "photo/missing" || code === "photo/outside" || code.endsWith("/unknown")) return 404;
  if (code === "run/changed") return 409;
  if (code === "server/no-window") return 503;
  return 422;
}

/** What an address made by `imagePath` asks for; undefined for any other. @param name without a leading `/` */
export function imageNamed(
  name: string,
): { run: string; version: string; row: number; size: ThumbnailSize | "full" } | undefined {
  const match = /^images\/([0-9a-f]{16})\/([0-9a-f]{1,16})\/(\d{1,10})\/(\w{1,8})$/.exec(name);
  const [, run, version, row, side] = match ?? [];
  const size = side === "full" ? side : THUMBNAIL_SIZES.find((offered) => String(offered) === side);
  if (run === undefined || version === undefined || size === undefined) return undefined;
  return { run, version, row: Number(row), size };
}
