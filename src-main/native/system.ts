import { addon } from "./addon.js";

interface RawLock {
  unlock(): void;
}

interface RawSystem {
  configure(options: { threads: number }): void;
  lowerPriority(): void;
  readonly hardwareThreads: number;
  exitNow(code: number): never;
  readonly FileLock: new (path: string) => RawLock;
}

/** An exclusive lock on a file; the operating system frees it when the process ends, however it ends. */
export interface FileLock {
  /** Idempotent. The file itself stays. */
  unlock(): void;
}

/**
 * Takes the lock or throws at once.
 *
 * @throws Error with code `lock/held` when another process or handle holds it, `lock/unavailable` when the file cannot
 *   be opened or its file system has no locks
 */
export function lockFile(path: string): FileLock {
  return new (addon<RawSystem>().FileLock)(path);
}

/**
 * Sets the number of native threads of the calling JS thread (each worker_thread has a pool of its own). Call before
 * the first native operation.
 *
 * @param threads 1 to 1024
 */
export function configureThreads(threads: number): void {
  addon<RawSystem>().configure({ threads });
}

let background = false;

/**
 * Makes the calling JS thread and its native threads give way to all others: for long work beside a window. Lasts as
 * long as the thread. Call before its first native operation. A system that refuses leaves the priority as it is.
 *
 * @throws Error `native/configured` when native threads already run
 */
export function lowerPriority(): void {
  addon<RawSystem>().lowerPriority();
  background = true;
}

/** True in a thread that has called {@link lowerPriority}: threads that it starts should call it, too. */
export function isBackground(): boolean {
  return background;
}

/**
 * Ends the process without exit handlers and without stopping worker threads first, which `process.exit` does: ONNX
 * Runtime's binding aborts the whole process when its thread is stopped in the middle of an inference.
 */
export function exitNow(code: number): never {
  return addon<RawSystem>().exitNow(code);
}

/** Processors this process may run on by its affinity mask, at least 1. */
export function hardwareThreads(): number {
  return addon<RawSystem>().hardwareThreads;
}
