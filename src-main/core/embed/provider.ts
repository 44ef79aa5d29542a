/** Which ONNX Runtime execution providers can be tried on this machine, and why the others cannot. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { Provider, ProviderChoice } from "../../api/contract.js";
import { VergerError } from "../errors.js";

export interface ProviderCandidate {
  readonly provider: Provider;
  /** Why it cannot be tried; absent when it can. */
  readonly unavailable?: string;
  /** The library that is missing, where that is why. */
  readonly library?: string;
}

const GPU_BY_PLATFORM: Partial<Record<NodeJS.Platform, Provider>> = { linux: "cuda", win32: "dml", darwin: "coreml" };

/** The shared library that carries a provider; CoreML is part of the runtime itself. */
const LIBRARY: Partial<Record<Provider, string>> = {
  cuda: "libonnxruntime_providers_cuda.so",
  dml: "DirectML.dll",
};

/** The folder of the runtime's own libraries for this platform. */
export function runtimeFolder(): string {
  const require = createRequire(import.meta.url);
  const main = require.resolve("onnxruntime-node/package.json");
  return path.join(path.dirname(main), "bin", "napi-v6", process.platform, process.arch);
}

function whyUnavailable(provider: Provider, folder: string): Omit<ProviderCandidate, "provider"> {
  if (provider === "cpu") return {};
  const platform = Object.entries(GPU_BY_PLATFORM).find(([, name]) => name === provider)?.[0];
  if (platform !== process.platform) return { unavailable: `it runs on ${platform} only` };
  const library = LIBRARY[provider];
  if (!library || existsSync(path.join(folder, library))) return {};
  return { unavailable: `${library} is not installed beside the runtime`, library };
}

/**
 * The providers to try, best first. `auto` tries the platform's GPU provider and then the CPU; a named one is tried
 * alone.
 *
 * @throws VergerError `provider/unavailable` when a named provider cannot run here
 */
export function providerCandidates(choice: ProviderChoice, folder = runtimeFolder()): ProviderCandidate[] {
  if (choice === "auto") {
    const gpu = GPU_BY_PLATFORM[process.platform];
    const candidates: ProviderCandidate[] = [];
    if (gpu) candidates.push({ provider: gpu, ...whyUnavailable(gpu, folder) });
    candidates.push({ provider: "cpu" });
    return candidates;
  }
  const { unavailable } = whyUnavailable(choice, folder);
  if (unavailable !== undefined) {
    throw new VergerError(
      "provider/unavailable",
      `Expected to run on provider ${choice}, but ${unavailable}; use --provider auto or cpu, or see docs/models.md.`,
    );
  }
  return [{ provider: choice }];
}
