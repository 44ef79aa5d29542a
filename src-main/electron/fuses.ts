/**
 * Electron's fuses as they are set in what is shipped; the names are those of electron-builder's `electronFuses`, and
 * test/packaging finds both lists in the packaged binary.
 *
 * The ways to run other code in the app's name are off (as plain Node, by `NODE_OPTIONS`, by `--inspect`), and code is
 * loaded from the verified archive alone. Servers get a package with a Node of its own (docs/install.md), so nothing
 * needs the app's binary as one.
 */
export const FUSES = {
  runAsNode: false,
  enableCookieEncryption: true,
  enableNodeOptionsEnvironmentVariable: false,
  enableNodeCliInspectArguments: false,
  enableEmbeddedAsarIntegrityValidation: true,
  onlyLoadAppFromAsar: true,
  loadBrowserProcessSpecificV8Snapshot: false,
  grantFileProtocolExtraPrivileges: false,
} as const;
