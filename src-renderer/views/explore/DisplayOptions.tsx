import { clsx } from "clsx";
import { SlidersHorizontal } from "lucide-react";
import { Popover } from "../../components/Popover.js";
import { Choice } from "../../components/ui.js";
import { colourBy, setShapes, showThird, useExploreOf } from "../../state/explore.js";
import { MOST_CIRCLES } from "../../state/explore-logic.js";
import { useSpeech } from "../../state/settings.js";

/** What else the map can show: a third component, and a shape for each label. */
export function DisplayOptions() {
  const { t, percent } = useSpeech();
  const { third, colour, shapes, overview, labels } = useExploreOf("third", "colour", "shapes", "overview", "labels");
  const ratios = overview?.pca?.explainedVarianceRatio;
  const used = third !== null || shapes !== "auto";
  return (
    <Popover
      label={t("explore.display")}
      trigger={<SlidersHorizontal size={16} aria-hidden />}
      triggerClass={clsx(
        "inline-flex size-8 shrink-0 items-center justify-center rounded-md transition-colors data-[popup-open]:bg-sunken",
        used ? "bg-accent-soft text-accent" : "text-muted hover:bg-sunken hover:text-ink",
      )}
      className="w-72"
    >
      <h3 className="mb-1 font-semibold">{t("explore.third")}</h3>
      <Choice
        label={t("explore.third")}
        className="w-full"
        value={third ?? ""}
        onChange={({ target }) => void showThird(target.value === "" ? null : Number(target.value))}
      >
        <option value="">{t("explore.third.none")}</option>
        {Array.from(ratios ?? [], (ratio, component) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a component is its number.
          <option key={component} value={component}>
            {t("explore.componentShare", { number: component + 1, share: percent(ratio) })}
          </option>
        ))}
      </Choice>
      {third !== null && (
        <fieldset className="mt-2 flex gap-4">
          <legend className="sr-only">{t("explore.third.as")}</legend>
          {(["colour", "size"] as const).map((as) => (
            <label key={as} className="flex cursor-pointer items-center gap-1.5">
              <input
                type="radio"
                name="third-as"
                className="accent-accent"
                checked={(colour === "depth") === (as === "colour")}
                onChange={() => void colourBy(as === "colour" ? "depth" : "label")}
              />
              {t(`explore.third.${as}`)}
            </label>
          ))}
        </fieldset>
      )}
      <p className="mt-1.5 text-2xs text-muted">{t("explore.third.text")}</p>
      <h3 className="mt-4 mb-1 font-semibold">{t("explore.shapes")}</h3>
      <label className="flex cursor-pointer items-center gap-1.5">
        <input
          type="checkbox"
          className="accent-accent"
          checked={shapes === "auto"}
          onChange={({ target }) => setShapes(target.checked ? "auto" : "circle")}
        />
        {t("explore.shapes.auto")}
      </label>
      <p className="mt-1 text-2xs text-muted">
        {labels.length > MOST_CIRCLES ? t("explore.shapes.text") : t("explore.shapes.few", { count: MOST_CIRCLES })}
      </p>
    </Popover>
  );
}
