/** The app's own scheme: the page, its assets and the pictures of runs, by the same rules as over HTTP. */
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { Protocol } from "electron";
import type { Engine } from "../engine/index.js";
import type { Assets } from "../server/assets.js";
import { type Answer, assetAnswer, failureAnswer, IMAGES, imageAnswer, refusedAddress } from "../server/content.js";
import { securityHeaders } from "../server/headers.js";

export const SCHEME = "verger";
const HOST = "app";

/** The one page. */
export const PAGE = `${SCHEME}://${HOST}/`;

/**
 * True for addresses of the app itself. Parsed, not compared as text: `verger://app@evil/` begins like ours.
 */
export function isOwnAddress(address: string): boolean {
  try {
    const { protocol, host, username, password } = new URL(address);
    return protocol === `${SCHEME}:` && host === HOST && username === "" && password === "";
  } catch {
    return false;
  }
}

/** True for the page, whatever stands behind `#`. */
export function isPage(address: string): boolean {
  return isOwnAddress(address) && new URL(address).pathname === "/" && new URL(address).search === "";
}

/**
 * Makes the scheme a web origin: relative addresses, storage, module scripts and `'self'` in the page's policy need
 * `standard`; `secure` makes it a secure context. Nothing else is granted, the page's policy stays in force above all.
 * To be called before the app is ready.
 */
export function registerScheme(protocol: Pick<Protocol, "registerSchemesAsPrivileged">): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

/** Answers every request of the scheme. Paths are names to be looked up, never places on the disk. */
export function handleScheme(protocol: Pick<Protocol, "handle">, assets: Assets, image: Engine["image"]): void {
  protocol.handle(SCHEME, async (request) => {
    try {
      return responseOf(await answer(request, assets, image));
    } catch (error) {
      return responseOf(failureAnswer(error));
    }
  });
}

async function answer(request: Request, assets: Assets, image: Engine["image"]): Promise<Answer> {
  if (!isOwnAddress(request.url)) return refusedAddress(404);
  if (request.method !== "GET") return refusedAddress(405);
  const name = new URL(request.url).pathname.slice(1);
  if (!name.startsWith(IMAGES)) return assetAnswer(assets, name);
  return imageAnswer(image, name, request.headers.get("if-none-match"), request.signal);
}

function responseOf({ status, headers, body }: Answer): Response {
  const init = { status, headers: { ...securityHeaders(), ...headers } };
  if (body === null) return new Response(null, init);
  if ("file" in body) return new Response(Readable.toWeb(createReadStream(body.file)) as ReadableStream, init);
  return new Response(body as Uint8Array<ArrayBuffer>, init);
}
