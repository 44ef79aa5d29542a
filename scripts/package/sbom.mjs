// The bill of materials of one package, CycloneDX: cyclonedx-npm knows the npm packages of the lock file, the package
// itself says which of them went in, and packaging/components.json knows the rest.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { root, Stop } from "../lib/project.mjs";
import { toolPath } from "./tools.mjs";

const SPEC = "1.6";

/**
 * Writes a CycloneDX document. The same package gives the same bytes.
 *
 * @param file ends in `.cdx.json`
 * @param components as listComponents returns them
 * @throws Stop when cyclonedx-npm fails, or does not know a package that was put in
 */
export function writeSbom(file, components) {
  const options = ["--package-lock-only", "--ignore-npm-errors", "--output-reproducible", "--flatten-components"];
  // Validation needs a compiled library; the document is checked by the tests of packages.
  const output = ["--no-validate", "--spec-version", SPEC, "--mc-type", "application", "--output-file", file];
  // Vite sets NODE_ENV to production in this process, and packages for development, which bundles are made of, would be
  // left out.
  const env = { ...process.env, NODE_ENV: "development" };
  const tool = toolPath("@cyclonedx", "cyclonedx-npm", "bin", "cyclonedx-npm-cli.js");
  const made = spawnSync(process.execPath, [tool, ...options, ...output], { cwd: root, env, encoding: "utf8" });
  // Told only then: it passes on npm's complaints about packages of other systems.
  if (made.status !== 0) {
    throw new Stop(`Expected cyclonedx-npm to list the packages of the lock file, but it failed: ${made.stderr}`);
  }
  const document = JSON.parse(readFileSync(file, "utf8"));
  const shipped = components.filter(({ npm }) => npm).map((component) => npmEntry(component, document.components));
  const others = components.filter(({ npm }) => !npm).map(otherEntry);
  const references = new Set([document.metadata.component["bom-ref"], ...shipped.map((entry) => entry["bom-ref"])]);
  const dependencies = document.dependencies
    .filter(({ ref }) => references.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => references.has(other)) }));
  const bill = { ...document, components: [...shipped, ...others], dependencies };
  writeFileSync(file, `${JSON.stringify(bill, null, 2)}\n`);
}

function npmEntry({ name, version }, known) {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const entry = known.find((candidate) => candidate.purl?.split("?")[0] === purl);
  if (entry === undefined) throw new Stop(`Expected package-lock.json to hold ${name} ${version}, but it does not.`);
  return entry;
}

function otherEntry({ name, version, licence, source }) {
  return {
    type: name.endsWith("weights") ? "machine-learning-model" : "library",
    "bom-ref": `verger-component:${name}`,
    name,
    ...(version && { version }),
    licenses: [{ expression: licence }],
    ...(source && { externalReferences: [{ type: "website", url: source }] }),
  };
}
