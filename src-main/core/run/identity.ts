/** What must agree before a run folder is continued. */
import type { RunIdentity } from "../../api/contract.js";
import { VergerError } from "../errors.js";

interface Difference {
  readonly what: string;
  readonly begun: string;
  readonly received: string;
}

const size = (identity: RunIdentity): string => `${identity.width}x${identity.height} px`;

/** Groups of fields that people think of as one thing, each with its wording. */
const ASPECTS: readonly { what: string; show(identity: RunIdentity): string }[] = [
  { what: "sources", show: (identity) => identity.sources.join(", ") },
  { what: "preset", show: (identity) => identity.preset ?? "none" },
  { what: "model", show: (identity) => identity.model },
  { what: "model file", show: (identity) => `sha256 ${identity.modelSha256.slice(0, 12)}` },
  { what: "output tensor", show: (identity) => `${identity.output} (${identity.dimension} features)` },
  { what: "input size", show: size },
  {
    what: "image preparation",
    show: ({ filter, fit, layout, channels, mean, std }) =>
      `${filter}, ${fit}, ${layout}, ${channels}, mean ${mean.join("/")}, std ${std.join("/")}`,
  },
  { what: "rows per part", show: (identity) => String(identity.rowsPerPart) },
];

/** The aspects in which two runs differ, in the order people care about. */
export function compareIdentity(begun: RunIdentity, received: RunIdentity): Difference[] {
  const differences: Difference[] = [];
  for (const { what, show } of ASPECTS) {
    const before = show(begun);
    const now = show(received);
    if (before !== now) differences.push({ what, begun: before, received: now });
  }
  return differences;
}

/**
 * @throws VergerError `run/mismatch` naming every difference and offering --fresh
 */
export function requireSameIdentity(folder: string, begun: RunIdentity, received: RunIdentity): void {
  const differences = compareIdentity(begun, received);
  if (differences.length === 0) return;
  const list = differences.map(({ what, begun: before, received: now }) => `${what} ${before}, but received ${now}`);
  throw new VergerError(
    "run/mismatch",
    `Expected the run in ${folder} to be continued as it was begun: with ${list.join("; with ")}; ` +
      "choose another --out, or add --fresh to discard that run and begin anew.",
    { details: { differences: differences.map(({ what }) => what) } },
  );
}
