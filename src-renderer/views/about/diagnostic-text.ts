import type { About, DiagnosisAnswer } from "../../../src-main/api/about.js";

/** What `verger doctor` found and what Verger is made of, as plain text for a bug report; always in English. */
export function diagnosticText(about: About, diagnosis: DiagnosisAnswer): string {
  const listed = (items: About["libraries"]): string =>
    items.map(({ name, version }) => `${name} ${version}`).join(", ");
  return [
    `Verger ${about.version}`,
    `Runtime: ${listed(about.runtime)}`,
    `Native: ${listed(about.native)}`,
    `Libraries: ${listed(about.libraries)}`,
    `Models: ${about.models
      .filter(({ installed }) => installed)
      .map(({ name, sha256 }) => `${name} (${sha256.slice(0, 12)})`)
      .join(", ")}`,
    "",
    ...diagnosis.checks.map(
      ({ state, title, found, advice }) =>
        `${state.padEnd(4)}  ${title}: ${found}${advice === undefined ? "" : `\n      ${advice}`}`,
    ),
    "",
  ].join("\n");
}
