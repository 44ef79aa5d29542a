/** Calls by name, whatever carries them: checks the request by its schema, calls the handler, names every failure. */
import type * as z from "zod";
import { type ApiFailure, type Channel, channels, type ParsedRequestOf, type ResponseOf } from "../api/channels.js";
import { errorCode, errorMessage, isCancelled, problemIn, VergerError } from "../core/errors.js";
import { parseRequest } from "../core/request.js";

export interface CallContext {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** One function per channel. */
export type Handlers = {
  [C in Channel]: (request: ParsedRequestOf<C>, context: CallContext) => Promise<ResponseOf<C>>;
};

/** Answers a call by its channel's name, with what `ResponseOf` that channel says. */
export type Dispatch = (channel: string, request: unknown, context: CallContext) => Promise<unknown>;

/**
 * @param checkResponses also check what the handlers return: for tests, since it costs a pass over every answer
 */
export function createDispatch(handlers: Handlers, checkResponses = false): Dispatch {
  return async (name, request, context) => {
    requireChannel(name);
    return call(handlers, name, request, context, checkResponses);
  };
}

/** @throws VergerError `request/unknown-channel` */
export function requireChannel(name: string): asserts name is Channel {
  if (Object.hasOwn(channels, name)) return;
  throw new VergerError(
    "request/unknown-channel",
    `Expected a call that this version knows, but received ${name.slice(0, 64)}; reload the page.`,
  );
}

/** Checks a request by its channel's schema and fills in the defaults. @throws VergerError `request/invalid` */
export function parseCall<C extends Channel>(name: C, request: unknown): ParsedRequestOf<C> {
  const schema: z.ZodType = channels[name].request;
  return parseRequest(schema, request) as ParsedRequestOf<C>;
}

async function call<C extends Channel>(
  handlers: Handlers,
  name: C,
  request: unknown,
  context: CallContext,
  checkResponses: boolean,
): Promise<unknown> {
  const parsed = parseCall(name, request);
  const response = await handlers[name](parsed, context);
  if (!checkResponses) return response;
  const checked = channels[name].response.safeParse(response);
  if (checked.success) return response;
  throw new Error(`The answer of ${name} does not fit its schema: ${checked.error.message}`);
}

/** A failure as it crosses the wire: code, sentence and what it is about, nothing of our insides. */
export function toFailure(error: unknown): ApiFailure {
  if (isCancelled(error)) return { error: { code: "cancelled", message: errorMessage(error) } };
  if (errorCode(error).includes("/")) return { error: problemIn(error) };
  const message = `Unexpected failure: ${errorMessage(error)} (start the server with VERGER_DEBUG=1 for its origin, and please report it).`;
  return { error: { code: "internal", message } };
}
