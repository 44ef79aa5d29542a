/** Small JSON documents that the engine keeps in the user's folder. */
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import type * as z from "zod";
import { atomicWriteFile } from "../native/parquet.js";

/** A document by its schema; `undefined` when it is not there, damaged or of another shape. */
export async function readState<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(file, "utf8")));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Writes a document as a whole.
 *
 * @returns false where the folder cannot be written: what people asked for is done all the same, only not remembered
 */
export async function writeState(file: string, value: unknown): Promise<boolean> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await atomicWriteFile(file, `${JSON.stringify(value)}\n`);
    return true;
  } catch {
    return false;
  }
}
