/** Entry of the engine's process, an Electron utilityProcess. Jobs run in worker threads of it. */
import { forbidRuntimeTelemetry } from "../core/embed/telemetry.js";
import { createEngine } from "../engine/index.js";
import { serveEngine } from "./engine-process.js";

forbidRuntimeTelemetry();
const { parentPort } = process;
await serveEngine(
  {
    post: (message) => parentPort.postMessage(message),
    receive: (listener) => parentPort.on("message", ({ data }) => listener(data)),
  },
  (parts) => createEngine({ ...parts, carrier: "electron", checkResponses: process.env.VERGER_CHECK_API === "1" }),
);
