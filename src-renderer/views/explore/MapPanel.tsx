import { Hand, Lasso, Maximize, Minus, Plus, SquareDashed } from "lucide-react";
import { memo, useRef, useState } from "react";
import type { ColourBy } from "../../app/link.js";
import { Choice, IconButton } from "../../components/ui.js";
import type { Renderer, ScatterPlot } from "../../plots/scatter-plot.js";
import { colourBy, setTool, showComponents, useExplore, useExploreOf } from "../../state/explore.js";
import { useSpeech } from "../../state/settings.js";
import { ColourScale } from "./ColourScale.js";
import { DisplayOptions } from "./DisplayOptions.js";
import { ScatterView } from "./ScatterView.js";

const TOOLS = [
  ["pan", Hand, "V"],
  ["lasso", Lasso, "L"],
  ["rectangle", SquareDashed, "R"],
] as const;

/** The scatter plot with its tools. */
export function MapPanel() {
  const { t } = useSpeech();
  const plot = useRef<ScatterPlot>(null);
  const [renderer, setRenderer] = useState<Renderer>("webgl");
  const { tool, points, filter, shown, selection, overview, aside } = useExploreOf(
    "tool",
    "points",
    "filter",
    "shown",
    "selection",
    "overview",
    "aside",
  );
  const kept = overview?.pca?.components ?? 0;
  return (
    <section aria-label={t("explore.plot")} className="@container flex h-full flex-col bg-surface">
      <div className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-1 border-b border-line px-2 py-1">
        <div role="toolbar" aria-label={t("explore.tool")} className="flex shrink-0">
          {TOOLS.map(([name, icon, key]) => (
            <IconButton
              key={name}
              icon={icon}
              label={`${t(`explore.tool.${name}`)} (${key})`}
              pressed={tool === name}
              onClick={() => setTool(name)}
            />
          ))}
        </div>
        <span className="mx-1 h-5 w-px shrink-0 bg-line" />
        {/* Where there is little room the wheel and the keys have to do. */}
        <span className="hidden shrink-0 @2xl:flex">
          <IconButton icon={Minus} label={t("explore.zoomOut")} onClick={() => plot.current?.zoom(1 / 1.5)} />
          <IconButton icon={Plus} label={t("explore.zoomIn")} onClick={() => plot.current?.zoom(1.5)} />
        </span>
        <IconButton icon={Maximize} label={t("explore.home")} onClick={() => plot.current?.home()} />
        <div className="grow" />
        <AxisChoice axis={0} />
        <AxisChoice axis={1} />
        <ColourChoice />
        <DisplayOptions />
      </div>
      <div className="relative min-h-0 grow">
        <ScatterView plot={plot} onRenderer={setRenderer} />
        {points && shown.length === 0 && (filter || selection) && (
          <p className="pointer-events-none absolute inset-x-0 top-1/2 text-center text-muted">
            {t("explore.noMatch")}
          </p>
        )}
        <div className="pointer-events-none absolute top-7 right-3 left-10 flex flex-col items-start gap-1">
          {renderer === "canvas" && <Notice>{t("explore.canvasNote")}</Notice>}
          {aside && <Notice>{t("explore.asideNote")}</Notice>}
          {kept === 1 && <Notice>{t("explore.oneComponent")}</Notice>}
        </div>
        <ColourScale />
      </div>
    </section>
  );
}

function Notice({ children }: { children: string }) {
  return (
    <p role="status" className="rounded-md bg-warning-soft px-2 py-0.5 text-warning">
      {children}
    </p>
  );
}

/** Held apart from what changes around it: its options are hundreds of components, each with its share in words. */
const AxisChoice = memo(function AxisChoice({ axis }: { axis: 0 | 1 }) {
  const { t, percent } = useSpeech();
  const components = useExplore((state) => state.components);
  const ratios = useExplore((state) => state.overview?.pca?.explainedVarianceRatio);
  const name = t(axis === 0 ? "explore.axis.x" : "explore.axis.y");
  return (
    <Choice
      label={name}
      before={axis === 0 ? "x" : "y"}
      title={name}
      // Where there is little room the field names the component alone; its share stands at the axis.
      brief={t("explore.componentShort", { number: components[axis] + 1 })}
      className="quiet-field w-18 @2xl:w-28"
      value={components[axis]}
      onChange={({ target }) => {
        const component = Number(target.value);
        void showComponents(axis === 0 ? [component, components[1]] : [components[0], component]);
      }}
    >
      {Array.from(ratios ?? [], (ratio, component) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a component is its number.
        <option key={component} value={component}>
          {t("explore.componentBrief", { number: component + 1, share: percent(ratio, 0) })}
        </option>
      ))}
    </Choice>
  );
});

function ColourChoice() {
  const { t } = useSpeech();
  const colour = useExplore((state) => state.colour);
  const columns = useExplore((state) => state.overview?.columns) ?? [];
  const third = useExplore((state) => state.third);
  return (
    <Choice
      label={t("explore.colour")}
      title={t("explore.colour")}
      brief={t(`explore.colourBrief.${colour}`)}
      className="quiet-field w-24 shrink-0 @md:w-28 @2xl:w-36"
      value={colour}
      onChange={({ target }) => void colourBy(target.value as ColourBy)}
    >
      {(["label", ...(third === null ? [] : (["depth"] as const)), ...columns] as const).map((name) => (
        <option key={name} value={name}>
          {t(`explore.colour.${name}`)}
        </option>
      ))}
    </Choice>
  );
}
