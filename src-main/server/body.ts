/** Reads the body of a call. */
import type { IncomingMessage } from "node:http";
import { decodeFrame, FRAME_TYPE } from "../api/binary.js";
import { VergerError } from "../core/errors.js";

/** A selection of a million rows takes 4 MB. */
export const MOST_BODY_BYTES = 16 * 2 ** 20;

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
  const stated = Number(request.headers["content-length"] ?? 0);
  if (stated > MOST_BODY_BYTES) throw tooLarge(stated);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) throw tooLarge(bytes);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  try {
    return type === FRAME_TYPE ? decodeFrame(body) : JSON.parse(body.toString("utf8") || "{}");
  } catch (cause) {
    throw new VergerError(
      "request/invalid",
      `Expected a call as ${type}, but its ${body.length} bytes cannot be read as that; reload the page.`,
      { cause },
    );
  }
}

function tooLarge(bytes: number): VergerError {
  return new VergerError(
    "request/too-large",
    `Expected a call of at most ${MOST_BODY_BYTES} bytes, but received ${bytes} or more; choose fewer rows.`,
  );
}
