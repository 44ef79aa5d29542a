// NOTICE: every component of a package, its licence and the licence's text, told by what was put into the package.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { root, Stop } from "../lib/project.mjs";
import { requireTool } from "./tools.mjs";

const RULE = "=".repeat(80);
const licenceFolder = path.join(root, "packaging", "licences");

/** What packaging/components.json says: accepted licences, and the components that no package manager knows. */
export function knownComponents() {
  return JSON.parse(readFileSync(path.join(root, "packaging", "components.json"), "utf8"));
}

/**
 * Everything that is not Verger's own code in a package.
 *
 * @param modules files of node_modules that went in, relative to the project
 * @param files files of the finished package: each shared library among them must be known
 * @param more further components, e.g. the Node runtime: name, version, licence, text
 * @returns components by name, each with `texts`
 * @throws Stop for a licence that is not accepted, a text that is missing, or a library that is not known
 */
export function listComponents({ modules, files, more = [] }) {
  const known = knownComponents();
  const npm = new Set([...modules.map(packageFolder), ...known.compiledIn.map((name) => `node_modules/${name}`)]);
  const components = [
    ...[...npm].map((folder) => npmComponent(path.join(root, folder), known.npm)),
    ...libraryComponents(files, known.libraries),
    ...more,
    modelComponent(),
  ];
  const satisfies = requireTool("spdx-satisfies");
  for (const { name, licence } of components) {
    if (typeof licence !== "string" || !satisfies(licence, known.licences)) {
      throw new Stop(
        `Expected ${name} to have a licence that packaging/components.json accepts, but it is "${licence}"; ` +
          "accept it there, or do without the package.",
      );
    }
  }
  return components.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The package's own folder of a file in node_modules, however deep: `node_modules/a/node_modules/@scope/b`. */
export function packageFolder(file) {
  const start = file.lastIndexOf("node_modules/") + "node_modules/".length;
  const parts = file.slice(start).split("/");
  return file.slice(0, start) + parts.slice(0, parts[0].startsWith("@") ? 2 : 1).join("/");
}

/** The text of NOTICE: a list first, then each licence's text once, with those it holds for. */
export function noticeText(components) {
  const holders = new Map();
  for (const component of components) {
    for (const text of component.texts) holders.set(text, [...(holders.get(text) ?? []), component.name]);
  }
  const list = components.map(({ name, version, licence, source }) =>
    [name, version, licence, source].filter(Boolean).join("  "),
  );
  const notes = components.flatMap(({ name, note }) => (note ? [`${name}: ${note}`] : []));
  return [
    "Verger",
    "Copyright the Verger authors. Apache License 2.0: see LICENSE.",
    "",
    "This package contains the following components, unchanged unless said otherwise. Components under the Mozilla",
    "Public License 2.0 can be had as source from the address beside them.",
    "",
    ...list,
    "",
    ...notes,
    ...[...holders].flatMap(([text, names]) => ["", RULE, names.join(", "), RULE, "", text]),
    "",
  ].join("\n");
}

function npmComponent(folder, overrides) {
  const { name, version, license, homepage, repository } = JSON.parse(
    readFileSync(path.join(folder, "package.json"), "utf8"),
  );
  const texts = overrides[name] ? [readLicence(overrides[name].text)] : ownTexts(name, folder);
  return { name, version, licence: license, source: homepage ?? addressOf(repository), texts, npm: true };
}

function addressOf(repository) {
  const url = typeof repository === "string" ? repository : repository?.url;
  return url?.replace(/^git\+/, "").replace(/\.git$/, "");
}

function ownTexts(name, folder) {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice|copyright)/i.test(file));
  if (files.length === 0) {
    throw new Stop(
      `Expected a licence text in ${name}, but it ships none; put one into packaging/licences and packaging/components.json.`,
    );
  }
  return files.sort().map((file) => tidy(readFileSync(path.join(folder, file), "utf8")));
}

function libraryComponents(files, libraries) {
  // Release builds hold their libraries inside the addon: then all of them are named.
  const names = files
    .filter((file) => /\.so(\.\d+)*$|\.dylib$|\.dll$/.test(file))
    .map((file) => path.posix.basename(file));
  for (const name of names) {
    if (!libraries.some((library) => library.files.some((start) => name.startsWith(start)))) {
      throw new Stop(`Expected packaging/components.json to name the licence of ${name}, but it does not.`);
    }
  }
  const here = libraries.filter(({ platform = process.platform }) => platform === process.platform);
  return here.map(({ text, ...library }) => ({ ...library, texts: [readLicence(text)] }));
}

function modelComponent() {
  const text = tidy(readFileSync(path.join(root, "resources", "models", "NOTICE"), "utf8"));
  return { name: "EfficientNet-Lite0 weights", licence: "Apache-2.0", texts: [text] };
}

function readLicence(file) {
  const place = path.join(licenceFolder, file);
  if (!existsSync(place)) throw new Stop(`Expected ${place}, which packaging/components.json names.`);
  return tidy(readFileSync(place, "utf8"));
}

/** The same text from a package made on Windows. */
function tidy(text) {
  return text
    .replace(/^\uFEFF/, "")
    .replaceAll("\r\n", "\n")
    .trim();
}
