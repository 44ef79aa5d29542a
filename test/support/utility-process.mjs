// Makes a plain Node process look like an Electron utilityProcess to the script it runs: `process.parentPort` over the
// channel that child_process.fork gave it, with structured clone.
process.parentPort = {
  postMessage: (message) => process.send(message),
  on: (_event, listener) => process.on("message", (data) => listener({ data })),
};
// A utilityProcess ends with the process that made it.
process.on("disconnect", () => process.exit());
