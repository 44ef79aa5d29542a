/** Requests that come from outside: a command line, a window, another program. */
import { VergerError } from "./errors.js";

/**
 * Checks a request against its schema.
 *
 * @throws VergerError `request/invalid` naming the first field that does not fit
 */
export function parseRequest<T>(
  schema: {
    safeParse(
      value: unknown,
    ): { success: true; data: T } | { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } };
  },
  value: unknown,
): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new VergerError(
    "request/invalid",
    `Expected a valid request, but field ${issue?.path.map(String).join(".") || "(whole)"} does not fit: ${issue?.message ?? "unknown"}.`,
  );
}
