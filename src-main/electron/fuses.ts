/**
 * Electron's fuses as they are to be set in what is shipped; the names are those of electron-builder's `electronFuses`.
 *
 * `runAsNode` stays on: `verger --cli` on a server runs the same binary as plain Node (`ELECTRON_RUN_AS_NODE=1`, with
 * bin/verger), as Chromium itself refuses to start as root without `--no-sandbox` and has no stdin on Windows. It gives
 * nothing to whoever can already start programs with an environment of their own. The ways to slip code into the app by
 * options (`NODE_OPTIONS`, `--inspect`) are off, and code is loaded from the verified archive alone.
 */
export const FUSES = {
  runAsNode: true,
  enableCookieEncryption: true,
  enableNodeOptionsEnvironmentVariable: false,
  enableNodeCliInspectArguments: false,
  enableEmbeddedAsarIntegrityValidation: true,
  onlyLoadAppFromAsar: true,
  loadBrowserProcessSpecificV8Snapshot: false,
  grantFileProtocolExtraPrivileges: false,
} as const;
