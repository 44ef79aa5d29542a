/** Small JSON documents that the engine keeps in the user's folder. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type * as z from "zod";
import { makeFolder } from "../core/make-folder.js";
import { atomicWriteFile, syncDirectory } from "../native/parquet.js";

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
 * Writes a document as a whole. When this has resolved, it survives a kill and a power cut.
 *
 * @returns false where the folder cannot be written: what people asked for is done all the same, only not remembered
 */
export async function writeState(file: string, value: unknown): Promise<boolean> {
  try {
    // The names of new folders must last, too.
    for (const made of makeFolder(path.dirname(file))) await syncDirectory(path.dirname(made));
    await atomicWriteFile(file, `${JSON.stringify(value)}\n`);
    return true;
  } catch {
    return false;
  }
}
