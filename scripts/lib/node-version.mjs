// Imported first by every script that people start: an old Node gets one sentence instead of a syntax error.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Expected Node 20.19 or newer for Verger, but this is Node ${process.versions.node}; install a newer one from https://nodejs.org or your system's packages.`,
  );
  process.exit(1);
}
