import type { Overview } from "../../../src-main/api/channels.js";
import { namesBucket } from "../../components/s3-choice.js";
import type { Speech } from "../../i18n/index.js";

/** Why the photos of a run cannot be shown; undefined where they can, as far as is known. */
export function whyNoPhotos({ rows, root, sources, problems }: Overview, { t }: Speech): string | undefined {
  if (rows === 0) return undefined;
  if (root !== null) return problems.some(({ code }) => code === "photo/missing") ? t("locate.gone") : undefined;
  const remote = remoteSource({ root, sources });
  return remote === undefined ? t("locate.unknown") : t("locate.remote", { source: remote });
}

/** The bucket that the photos of a run are in; undefined where they are, or were, on the machine that serves. */
export function remoteSource({ root, sources }: Pick<Overview, "root" | "sources">): string | undefined {
  return root === null ? sources.find(namesBucket) : undefined;
}
