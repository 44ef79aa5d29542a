/** Features that were fetched to this machine: sentences about them name the address, not the copy. */
import type { FeatureColumnNames } from "../../api/contract.js";
import { VergerError } from "../errors.js";
import { openFeatures } from "./index.js";
import type { FeatureBlock, FeatureSource } from "./source.js";

/** A file or folder of this machine, and the address that it was fetched from. */
export interface Fetched {
  readonly copy: string;
  readonly address: string;
}

/**
 * Opens features that were fetched.
 *
 * @throws VergerError as `openFeatures`; so do its blocks
 */
export async function openFetched(fetched: Fetched, columns?: FeatureColumnNames): Promise<FeatureSource> {
  const source = await openFeatures(fetched.copy, columns).catch((error: unknown) => {
    throw atItsAddress(error, fetched);
  });
  return {
    dimension: source.dimension,
    rows: source.rows,
    files: source.files,
    async *blocks(options): AsyncGenerator<FeatureBlock, void, void> {
      try {
        yield* source.blocks(options);
      } catch (error) {
        throw atItsAddress(error, fetched);
      }
    },
  };
}

/** The same error about the place that people know. What is no Error with a code stays as it is. */
export function atItsAddress(error: unknown, { copy, address }: Fetched): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  if (!error.message.includes(copy)) return error;
  const details = error instanceof VergerError ? error.details : {};
  return new VergerError(error.code, error.message.replaceAll(copy, address.replace(/\/+$/, "")), {
    cause: error,
    details: Object.fromEntries(
      Object.entries(details).map(([name, value]) => [
        name,
        typeof value === "string" ? value.replaceAll(copy, address) : value,
      ]),
    ),
  });
}
