/** Two runs side by side. */
import type { AgreementAnswer, Comparison, Setting, SettingName } from "../api/compare.js";
import type { RunFile } from "../api/contract.js";
import { labelChanges, neighbourhoodAgreement, type RunData, sharedImages } from "../core/explore/index.js";

/** Kinds of label changes that are listed. */
const LISTED_CHANGES = 50;

/** What two runs have in common and what not. */
export function compareRuns(a: RunData, b: RunData): Comparison {
  const shared = sharedImages(a, b);
  const changes = labelChanges(a, b, shared);
  return {
    settings: settingsOf(a.file, b.file),
    shared,
    onlyA: a.rows - shared.a.length,
    onlyB: b.rows - shared.b.length,
    relabelled: changes.reduce((sum, { images }) => sum + images, 0),
    labelChanges: changes.slice(0, LISTED_CHANGES),
    moreChanges: Math.max(0, changes.length - LISTED_CHANGES),
  };
}

/** How far two runs agree on which images are alike: see `neighbourhoodAgreement`. */
export async function agreementOf(
  a: RunData,
  b: RunData,
  options: { readonly k: number; readonly sample: number; readonly signal: AbortSignal },
): Promise<AgreementAnswer> {
  const shared = sharedImages(a, b);
  const sources = { a: await a.features(), b: await b.features() };
  const { images, ...agreement } = await neighbourhoodAgreement(sources, shared, options);
  return {
    ...agreement,
    histogram: [...agreement.histogram],
    sample: images.length,
    rowsA: images.map((place) => shared.a[place] as number),
    rowsB: images.map((place) => shared.b[place] as number),
  };
}

/** What both runs were made with; settings that apply to neither are left out. */
export function settingsOf(a: RunFile, b: RunFile): Setting[] {
  const ofA = valuesOf(a);
  const ofB = valuesOf(b);
  return (Object.keys(ofA) as SettingName[])
    .map((name) => ({ name, a: ofA[name], b: ofB[name] }))
    .filter((setting) => setting.a !== null || setting.b !== null);
}

function valuesOf({
  kind,
  app,
  identity,
  featuresFrom,
  labelFrom,
  decode,
  runtime,
  pca,
}: RunFile): Record<SettingName, string | null> {
  const parameters = pca?.parameters;
  return {
    kind,
    sources: identity ? identity.sources.join(", ") : null,
    features: featuresFrom,
    labelFrom,
    model: identity?.model ?? null,
    modelFile: identity ? identity.modelSha256.slice(0, 12) : null,
    preset: identity?.preset ?? null,
    input: identity ? `${identity.width} x ${identity.height}` : null,
    fit: identity ? `${identity.fit}, ${identity.filter}` : null,
    truncated: decode ? yesNo(decode.tolerateTruncated) : null,
    variance: parameters && parameters.components === undefined ? String(parameters.variance ?? 0.8) : null,
    components: parameters?.components === undefined ? null : String(parameters.components),
    standardize: parameters ? yesNo(parameters.standardize) : null,
    solver: pca?.summary.solver ?? null,
    provider: runtime?.provider ?? null,
    machine: runtime ? runtime.cpu : null,
    version: app.version,
  };
}

const yesNo = (value: boolean): string => (value ? "yes" : "no");
