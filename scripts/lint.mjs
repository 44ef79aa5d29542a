// Lint and layout: Biome (with the layers of src-main and src-renderer), the layers of native/, clang-format, clang-tidy.
//
//   node scripts/lint.mjs [--fix]      --fix: formats and applies Biome's safe fixes instead
import "./lib/node-version.mjs";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { buildAddon } from "./bootstrap.mjs";
import { filesBelow, hashOf, main, output, root, run, runModule, Stop, which } from "./lib/project.mjs";
import { ensurePython } from "./lib/python.mjs";

const nativeSources = () => filesBelow(["native"], (file) => /\.(h|cc)$/.test(file));

/** The linters, each true when content. */
export const LINTERS = {
  Biome: () => runModule("@biomejs/biome/bin/biome", ["check", "--error-on-warnings", "."]),
  "native layers": () => run(process.execPath, ["scripts/lint-native-layers.mjs"]),
  "clang-format": () => clangFormat("--dry-run", "-Werror"),
  "clang-tidy": clangTidy,
};

function clangFormat(...options) {
  const program = ensurePython("scripts/requirements.txt");
  return run(program("clang-format"), ["--style=file", ...options, ...nativeSources()]);
}

/** Runs clang-tidy on each source unless it passed with the same text, headers, flags and checks before. */
async function clangTidy() {
  const tidy = which("clang-tidy-14", "clang-tidy");
  if (tidy === undefined) {
    throw new Stop("Expected clang-tidy, but it is not on the PATH; node scripts/bootstrap.mjs --check installs it.");
  }
  // The addon's build names the flags of each source.
  buildAddon();
  const commands = JSON.parse(readFileSync(path.join(root, "build", "compile_commands.json"), "utf8"));
  const flags = new Map(
    commands.map(({ file, command }) => [path.relative(root, file).replaceAll(path.sep, "/"), command]),
  );
  const folder = path.join(root, ".cache", "clang-tidy");
  mkdirSync(folder, { recursive: true });
  const version = output(tidy, ["--version"]);
  const waiting = nativeSources()
    .filter((file) => /^native\/(core|binding)\/.*\.cc$/.test(file))
    .map((file) => {
      const hash = hashOf([...withHeaders(file), ".clang-tidy"], version, flags.get(file));
      return { file, stamp: path.join(folder, hash) };
    })
    .filter(({ stamp }) => !existsSync(stamp));
  let content = true;
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const { status, text } = await capture(tidy, ["-p", "build", "--quiet", job.file]);
      if (status === 0) {
        writeFileSync(job.stamp, "");
      } else {
        content = false;
        console.error(text);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return content;
}

/** The file and every header of native/ that it includes, directly or not. */
function withHeaders(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, name] of readFileSync(path.join(root, file), "utf8").matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)) {
    const place = [`native/${name}`, path.posix.join(path.posix.dirname(file), name)].find((candidate) =>
      existsSync(path.join(root, candidate)),
    );
    if (place) withHeaders(place, seen);
  }
  return seen;
}

function capture(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.on("error", (error) => resolve({ status: -1, text: error.message }));
    child.on("close", (status) => resolve({ status, text: Buffer.concat(chunks).toString() }));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    if (process.argv.includes("--fix")) {
      const fixed = runModule("@biomejs/biome/bin/biome", ["check", "--write", "."]);
      if (!clangFormat("-i") || !fixed) process.exitCode = 1;
      return;
    }
    const failed = [];
    for (const [name, lint] of Object.entries(LINTERS)) if (!(await lint())) failed.push(name);
    if (failed.length > 0) throw new Stop(`Lint failed: ${failed.join(", ")}.`);
  });
}
