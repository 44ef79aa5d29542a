/** Sizes and times of the transfer engine from outside, for tests of whole processes. */
import type { Tuning } from "../s3/tuning.js";

/**
 * The fields of `Tuning` that VERGER_S3_TUNING gives as JSON, such as `{"attempts":2}`. Not for users: no promise is made
 * about them.
 */
export function tuningFromEnvironment(environment: NodeJS.ProcessEnv = process.env): Partial<Tuning> {
  const text = environment.VERGER_S3_TUNING;
  return text ? (JSON.parse(text) as Partial<Tuning>) : {};
}
