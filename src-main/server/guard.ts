/** Who may talk to the server: checks that need nothing but a request's head. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** Why a request is refused; the status and one sentence. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface GuardOptions {
  readonly token: string;
  readonly port: number;
  /** Names by which this machine is reached from elsewhere; empty while only loopback is served. */
  readonly remoteNames: readonly string[];
}

const LOOPBACK_NAMES = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** True for addresses and names that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Compares in a time that says nothing about where two secrets differ. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Checks of one server. */
export class Guard {
  readonly cookieName: string;
  private readonly names: ReadonlySet<string>;

  constructor(private readonly options: GuardOptions) {
    // Cookies know no ports: two servers of one person must not overwrite each other's.
    this.cookieName = `verger-${options.port}`;
    this.names = new Set([...LOOPBACK_NAMES, ...options.remoteNames.map((name) => name.toLowerCase())]);
  }

  get cookie(): string {
    return `${this.cookieName}=${this.options.token}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** The Host must be one of ours. That stops DNS rebinding: a stranger's name that was pointed at this machine. */
  refuseHost(request: IncomingMessage): Refusal | undefined {
    const { host } = request.headers;
    if (this.isOurHost(host)) return undefined;
    return refusal(
      421,
      "server/host",
      `Expected a request to this server's own address, but received one for ${shorten(host)}; open the address that "verger serve" printed.`,
    );
  }

  /**
   * What a browser says of the page that asks must be this very page: another server of this machine, on another port,
   * gets our cookie too.
   *
   * @param changes true for calls and events; they must state their origin
   */
  refuseOrigin(request: IncomingMessage, changes: boolean): Refusal | undefined {
    const { host, origin } = request.headers;
    const site = request.headers["sec-fetch-site"];
    const foreign =
      (origin !== undefined && origin !== `http://${host}`) ||
      (site !== undefined && site !== "same-origin" && site !== "none");
    // A program that shows the token itself is no page of a stranger's.
    const unstated = changes && origin === undefined && !this.bearer(request);
    if (!foreign && !unstated) return undefined;
    return refusal(
      403,
      "server/origin",
      `Expected a request from this server's own page, but received one from ${shorten(origin ?? (site as string | undefined))}; open Verger in a tab of its own.`,
    );
  }

  /** The token must come as our cookie or as `Authorization: Bearer`. */
  refuseToken(request: IncomingMessage): Refusal | undefined {
    if (this.bearer(request)) return undefined;
    const cookie = cookieOf(request.headers.cookie, this.cookieName);
    if (cookie !== undefined && sameSecret(cookie, this.options.token)) return undefined;
    return this.wrongToken;
  }

  get wrongToken(): Refusal {
    return refusal(
      401,
      "server/token",
      'Expected the token of this server, but received none that fits; open the address that "verger serve" printed.',
    );
  }

  isToken(text: string): boolean {
    return sameSecret(text, this.options.token);
  }

  private bearer(request: IncomingMessage): boolean {
    const given = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
    return given !== undefined && this.isToken(given);
  }

  private isOurHost(header: string | undefined): boolean {
    const match = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d+))?$/i.exec(header ?? "");
    if (!match?.[1]) return false;
    // Port 80 is left out of Host.
    if (Number(match[2] ?? 80) !== this.options.port) return false;
    const name = match[1].toLowerCase();
    if (this.names.has(name)) return true;
    // Rebinding needs a name: a bare address can only be this machine's own.
    return this.options.remoteNames.length > 0 && isIP(name.replace(/^\[|\]$/g, "")) !== 0;
  }
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

function refusal(status: number, code: string, message: string): Refusal {
  return { status, code, message };
}

const shorten = (text: string | undefined): string => (text === undefined ? "nowhere" : text.slice(0, 100));
