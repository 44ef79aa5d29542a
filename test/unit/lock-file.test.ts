import { readFileSync } from "node:fs";
import { satisfies } from "semver";
import { expect, it } from "vitest";

interface Locked {
  readonly engines?: { readonly node?: string };
}

const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const { packages } = read("package-lock.json") as { packages: Record<string, Locked> };

/**
 * What the desktop app is fetched with. Their `engines` ask for Node 22.12, where requiring an ES module came without a
 * flag; Node 20.19 has that too. npm's `engine-strict` knows no exceptions, so this test stands in its place.
 */
const TRUSTED = ["node_modules/electron", "node_modules/@electron/get", "node_modules/@electron-internal/extract-zip"];

it("every locked package runs on the oldest Node that Verger asks for", () => {
  const oldest = read("package.json").engines.node.replace(">=", "").concat(".0");
  const refused = Object.entries(packages)
    .filter(([place, { engines }]) => engines?.node && !satisfies(oldest, engines.node) && !TRUSTED.includes(place))
    .map(([place, { engines }]) => `${place}: ${engines?.node}`);
  expect(oldest).toBe("20.19.0");
  expect(refused).toEqual([]);
});
