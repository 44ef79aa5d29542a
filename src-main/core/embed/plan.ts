/** How the machine's processors are shared out: sessions, threads and batch size. */
import { readFileSync } from "node:fs";
import { freemem } from "node:os";

export interface ComputePlan {
  readonly sessions: number;
  /** Intra-op threads of each session. */
  readonly threadsPerSession: number;
  /** Decoder threads beside each session. */
  readonly decodeThreads: number;
  /** Images per inference call. */
  readonly batch: number;
}

export interface PlanRequest {
  readonly provider: string;
  readonly sessions?: number | undefined;
  readonly threads?: number | undefined;
  readonly batch?: number | undefined;
  /** Input side in pixels, for the memory estimate. */
  readonly width: number;
  readonly height: number;
}

/**
 * Processors that this process may really use: the smaller of the affinity mask and the control group's quota, which
 * containers set and `os.cpus()` does not show. At least 1.
 *
 * @param affinity processors in the affinity mask
 * @param cgroupFile where cgroup v2 publishes "quota period" in microseconds
 */
export function usableProcessors(affinity: number, cgroupFile = "/sys/fs/cgroup/cpu.max"): number {
  try {
    const [quota, period] = readFileSync(cgroupFile, "utf8").trim().split(/\s+/).map(Number);
    if (quota !== undefined && period !== undefined && quota > 0 && period > 0) {
      return Math.max(1, Math.min(affinity, Math.floor(quota / period)));
    }
  } catch {
    // No control group here: the mask alone counts.
  }
  return Math.max(1, affinity);
}

/** Bytes that one session is expected to hold per image of a batch: measured on EfficientNet-Lite0, about 80 per input pixel. */
const BYTES_PER_INPUT_PIXEL = 160;
const SESSION_BASE_BYTES = 64 * 2 ** 20;
/** On a CPU small batches keep activations in the cache; on a GPU large ones fill it. */
const CPU_BATCH = 4;
const GPU_BATCH = 64;

/**
 * Chooses sessions x threads. On a CPU one single-threaded session per processor beats one session of many threads on
 * small inputs (docs/performance.md), as long as memory allows; on a GPU two sessions overlap copies and kernels.
 *
 * @param processors see {@link usableProcessors}
 */
export function planCompute(request: PlanRequest, processors: number, freeBytes: number = freemem()): ComputePlan {
  const cpu = request.provider === "cpu";
  const batch = request.batch ?? (cpu ? CPU_BATCH : GPU_BATCH);
  const perSession = SESSION_BASE_BYTES + batch * request.width * request.height * BYTES_PER_INPUT_PIXEL;
  const affordable = Math.max(1, Math.floor(freeBytes / 2 / perSession));
  let sessions = request.sessions;
  if (sessions === undefined) {
    const wanted = cpu ? Math.max(1, Math.floor(processors / (request.threads ?? 1))) : 2;
    sessions = Math.min(wanted, affordable);
  }
  const threadsPerSession = request.threads ?? (cpu ? Math.max(1, Math.floor(processors / sessions)) : 1);
  const decodeThreads = Math.max(1, Math.ceil(processors / sessions));
  return { sessions, threadsPerSession, decodeThreads, batch };
}
