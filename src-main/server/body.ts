/** Reads the body of a call. */
import type { IncomingMessage } from "node:http";
import { decodeFrame, FRAME_TYPE } from "../api/binary.js";
import { cancelled, VergerError } from "../core/errors.js";

/** A selection of a million rows takes 4 MB. */
export const MOST_BODY_BYTES = 16 * 2 ** 20;
const MOST_DRAINED_BYTES = 4 * MOST_BODY_BYTES;

/**
 * @throws VergerError `request/too-large`, `request/invalid`
 */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim();
  if (type !== FRAME_TYPE && type !== "application/json") {
    throw new VergerError(
      "request/invalid",
      `Expected a call as ${FRAME_TYPE} or application/json, but received ${type || "no content type"}.`,
    );
  }
  return decodeBody(await collect(request), type);
}

/**
 * What the bytes of a call stand for.
 *
 * @throws VergerError `request/too-large`, `request/invalid`
 */
export function decodeBody(body: Uint8Array, type: typeof FRAME_TYPE | "application/json"): unknown {
  if (body.length > MOST_BODY_BYTES) throw tooLarge(body.length);
  try {
    return type === FRAME_TYPE ? decodeFrame(body) : JSON.parse(new TextDecoder().decode(body) || "{}");
  } catch (cause) {
    throw new VergerError(
      "request/invalid",
      `Expected a call as ${type}, but its ${body.length} bytes cannot be read as that; reload the page.`,
      { cause },
    );
  }
}

/**
 * What is too much is read all the same and dropped, up to a limit: a client that is still sending would otherwise find
 * the connection closed and never see the answer.
 */
function collect(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_DRAINED_BYTES) request.destroy();
      if (bytes <= MOST_BODY_BYTES) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      reject(tooLarge(bytes));
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", reject);
    request.once("close", () => reject(cancelled()));
  });
}

function tooLarge(bytes: number): VergerError {
  return new VergerError(
    "request/too-large",
    `Expected a call of at most ${MOST_BODY_BYTES} bytes, but received at least ${bytes}; choose fewer rows.`,
  );
}
