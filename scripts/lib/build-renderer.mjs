// Bundles the window (src-renderer).
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { build } from "vite";
import { root } from "./project.mjs";

/**
 * Writes the page and its assets. Assets carry a hash of their content in their names and are written before the page
 * that names them, and old ones are removed last: a window that is opened meanwhile is the old one or the new one.
 *
 * @returns the files of the project that went into it, node_modules included, relative, with `/`
 */
export async function buildRenderer(outdir) {
  const modules = new Set();
  // Styles and fonts are no modules of a chunk: all that was loaded is noted, more than what tree shaking leaves.
  const note = {
    name: "note-modules",
    enforce: "pre",
    transform(_code, id) {
      modules.add(id.split("?")[0]);
    },
  };
  const { output } = await build({
    configFile: false,
    root: path.join(root, "src-renderer"),
    // Relative addresses: the same files are served by `verger serve` and by Electron's own scheme.
    base: "./",
    plugins: [note, react(), tailwind()],
    logLevel: "warn",
    build: {
      target: "es2023",
      write: false,
      // Inlined files would need `data:` in the page's security policy.
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 900,
      reportCompressedSize: false,
    },
  });
  const files = new Map(output.map((file) => [file.fileName, Buffer.from(file.code ?? file.source)]));
  const page = files.get("index.html");
  files.delete("index.html");
  for (const [name, contents] of [...files, ["index.html", page]])
    await writeChanged(path.join(outdir, name), contents);
  const kept = new Set([...files.keys()].map((name) => path.basename(name)));
  for (const name of await readdir(path.join(outdir, "assets"))) {
    if (!kept.has(name)) await rm(path.join(outdir, "assets", name), { force: true });
  }
  const bytes = [...files.values()].reduce((sum, contents) => sum + contents.length, page.length);
  console.log(`\n  ${path.relative(root, outdir)}: ${files.size + 1} files, ${(bytes / 1e6).toFixed(2)} MB`);
  for (const { moduleIds = [], originalFileNames = [] } of output) {
    for (const id of moduleIds) modules.add(id.split("?")[0]);
    for (const name of originalFileNames) modules.add(path.resolve(root, "src-renderer", name));
  }
  return [...modules].filter(path.isAbsolute).map((file) => path.relative(root, file).replaceAll(path.sep, "/"));
}

async function writeChanged(file, contents) {
  const old = await readFile(file).catch(() => undefined);
  if (old && Buffer.compare(old, contents) === 0) return;
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, contents);
  await rename(temporary, file);
}
