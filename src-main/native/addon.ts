import { loadAddon } from "./loader.js";

let loaded: unknown;

/**
 * The addon, loaded at first use so that commands which never touch it start fast. Each typed face (image.ts,
 * linalg.ts, parquet.ts, system.ts) names the functions it uses as `T`.
 */
export function addon<T>(): T {
  loaded ??= loadAddon();
  return loaded as T;
}
