// The layer rules of native/ that no compiler enforces:
//
//   - only native/binding includes Node-API or anything of native/binding;
//   - native/core/base includes nothing of the other parts of native/core;
//   - native/core neither throws (but for want of memory) nor prints: it returns a Status.
//
//   node scripts/lint-native-layers.mjs [folder that holds native/]
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const NODE_API = /^(napi(-inl)?(\.deprecated)?|(js_native|node)_api(_types)?|node|v8|uv)\.h$/;

/** Blanks comments and the contents of strings, keeping line numbers. */
function codeOnly(source) {
  return source.replace(
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|R"([^()\\\s]{0,16})\([\s\S]*?\)\1"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g,
    (match) => match.replace(/[^\n]/g, " "),
  );
}

/** The violations of one file; `file` is relative to the folder that holds native/, with `/` between folders. */
function violations(file, source) {
  const found = [];
  const report = (index, message) => found.push(`${file}:${source.slice(0, index).split("\n").length}: ${message}`);
  for (const match of source.matchAll(/^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)) {
    const included = path.posix.normalize(match[1]);
    const name = path.posix.basename(included);
    if (!file.startsWith("native/binding/")) {
      if (NODE_API.test(name)) report(match.index, `only native/binding includes Node-API (${included})`);
      if (/(^|\/)binding\//.test(included)) report(match.index, `only native/binding includes binding/ (${included})`);
    }
    if (file.startsWith("native/core/base/") && /(^|\/)core\/(?!base\/)/.test(included)) {
      report(match.index, `native/core/base includes no other part of the core (${included})`);
    }
    if (file.startsWith("native/core/") && name === "iostream") report(match.index, "native/core does not print");
  }
  if (file.startsWith("native/core/")) {
    const code = codeOnly(source);
    for (const match of code.matchAll(/\bthrow\b(?!\s+std::bad_alloc\b)/g))
      report(match.index, "native/core returns a Status, it never throws");
    for (const match of code.matchAll(/\b(?:std::)?(?:printf|puts|fputs|fprintf|putchar|perror)\s*\(/g)) {
      report(match.index, "native/core does not print");
    }
  }
  return found;
}

const root = process.argv[2] ?? path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sources = readdirSync(path.join(root, "native"), { recursive: true, withFileTypes: true })
  .filter((item) => item.isFile() && /\.(h|hpp|cc|cpp|c)$/.test(item.name))
  .map((item) => path.relative(root, path.join(item.parentPath ?? item.path, item.name)).replaceAll(path.sep, "/"))
  .sort();
const found = sources.flatMap((file) => violations(file, readFileSync(path.join(root, file), "utf8")));
for (const line of found) console.error(line);
if (found.length > 0) console.error(`${found.length} layer violations in native/.`);
process.exitCode = found.length > 0 ? 1 : 0;
