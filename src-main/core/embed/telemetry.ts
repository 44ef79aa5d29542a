/**
 * Keeps ONNX Runtime's official builds from sending trace events to their maker, which they do by default on Linux and
 * macOS (its Privacy.md, "Disabling Telemetry"). To be called in the main thread, before the runtime is first loaded: a
 * worker's process.env is a copy that native code never sees.
 */
export function forbidRuntimeTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY = "1";
}
