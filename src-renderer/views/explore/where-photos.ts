import type { Overview } from "../../../src-main/api/channels.js";
import type { Speech } from "../../i18n/index.js";

/** Why the photos of a run cannot be shown; undefined where they can, as far as is known. */
export function whyNoPhotos({ rows, root, sources, problems }: Overview, { t }: Speech): string | undefined {
  if (rows === 0) return undefined;
  if (root !== null) return problems.some(({ code }) => code === "photo/missing") ? t("locate.gone") : undefined;
  const remote = sources.find((source) => source.startsWith("s3://"));
  return remote === undefined ? t("locate.unknown") : t("locate.remote", { source: remote });
}
