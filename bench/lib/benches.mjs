/** Every benchmark by name, in the order of docs/performance.md; loaded when it runs. */
export const BENCHES = {
  "end-to-end": () => import("../end-to-end.mjs"),
  "plain-js": () => import("../plain-js.mjs"),
  decode: () => import("../decode.mjs"),
  gram: () => import("../gram.mjs"),
  pca: () => import("../pca.mjs"),
  parquet: () => import("../parquet.mjs"),
  memory: () => import("../memory.mjs"),
  million: () => import("../million.mjs"),
  crc32: () => import("../crc32.mjs"),
  s3: () => import("../s3.mjs"),
  "second-run": () => import("../second-run.mjs"),
  "s3-run": () => import("../s3-run.mjs"),
  sync: () => import("../sync.mjs"),
  thumbnails: () => import("../thumbnails.mjs"),
  ui: () => import("../ui.mjs"),
};

/**
 * @typedef {object} Context
 * @property {(line: string) => void} log progress, to stderr
 * @property {number} pairs how often each comparison is repeated
 * @property {boolean} quick once, on little data: to see that it works
 * @property {boolean} full also what takes long
 * @property {readonly string[] | undefined} presets only these
 */
