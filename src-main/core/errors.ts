/** Every error that Verger raises on purpose, with a stable code and one sentence for people. */

/** Extra facts for programs; never credentials. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/**
 * A failure with a stable `code` (`area/reason`, see docs/errors.md) and one sentence that says what was expected, for
 * what, what was received and what to do.
 */
export class VergerError extends Error {
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(code: string, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "VergerError";
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** The stable code of any thrown value: ours, the addon's, Node's (`ENOENT`), or `internal`. */
export function errorCode(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return "internal";
}

/** The sentence of any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A failure as it is shown, stored and sent: plain data. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly details?: Record<string, string | number>;
}

/** What is told of any thrown value. Of the details, what a sentence can name. */
export function problemIn(error: unknown): Problem {
  const problem = { code: errorCode(error), message: errorMessage(error) };
  if (!(error instanceof VergerError)) return problem;
  const facts = Object.entries(error.details).filter(
    (entry): entry is [string, string | number] => typeof entry[1] === "string" || typeof entry[1] === "number",
  );
  return facts.length === 0 ? problem : { ...problem, details: Object.fromEntries(facts) };
}

/** True for our `cancelled` code and for the DOM's AbortError. */
export function isCancelled(error: unknown): boolean {
  return errorCode(error) === "cancelled" || (error instanceof Error && error.name === "AbortError");
}

/** The error that a cancelled operation ends with. */
export function cancelled(): VergerError {
  return new VergerError("cancelled", "The operation was cancelled.");
}

/** Throws `cancelled` when the signal has been aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}
