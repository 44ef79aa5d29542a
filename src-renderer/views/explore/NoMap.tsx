import { Map as MapIcon } from "lucide-react";
import { useExplore } from "../../state/explore.js";
import { useSpeech } from "../../state/settings.js";

/** In the map's place where a run has no PCA: one line, and why. */
export function NoMap() {
  const { t, said } = useSpeech();
  const problems = useExplore((state) => state.overview?.problems) ?? [];
  const reason =
    problems.find(({ code }) => code.startsWith("pca/")) ?? problems.find(({ code }) => code === "run/no-pca");
  return (
    <section
      aria-label={t("explore.plot")}
      className="flex shrink-0 items-start gap-3 border-b border-line bg-surface px-4 py-3"
    >
      <MapIcon size={18} aria-hidden className="mt-0.5 shrink-0 text-muted" />
      <div className="min-w-0">
        <p className="font-medium">{t("explore.noPca.title")}</p>
        <p className="max-w-[75ch] text-muted [overflow-wrap:anywhere]">
          {reason ? said(reason) : t("explore.noPca.text")}
        </p>
      </div>
    </section>
  );
}
