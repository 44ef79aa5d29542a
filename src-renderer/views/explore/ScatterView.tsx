import { type RefObject, useEffect, useId, useRef, useState } from "react";
import { Photo } from "../../components/Photo.js";
import { type Camera, HOME } from "../../plots/camera.js";
import { coloursOfPage } from "../../plots/page-colours.js";
import { createScatterPlot, type Renderer, type ScatterPlot } from "../../plots/scatter-plot.js";
import { focusRow, select, setCamera, useExplore, useExploreOf } from "../../state/explore.js";
import { labelColours, labelIndex, valueScale, valueSizes } from "../../state/explore-logic.js";
import { useSpeech, useTheme } from "../../state/settings.js";
import { photoSource } from "./photo-source.js";
import { usePointed } from "./pointed.js";

interface Hovered {
  readonly row: number;
  readonly x: number;
  readonly y: number;
}

/** Ties the plot to the state: each part of the state goes to the plot when that part changes, and only then. */
export function ScatterView({
  plot,
  onRenderer,
}: {
  plot: RefObject<ScatterPlot | null>;
  onRenderer: (renderer: Renderer) => void;
}) {
  const { t, percent } = useSpeech();
  const host = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const help = useId();
  const [hovered, setHovered] = useState<Hovered>();
  const { points, components, colour, values, labels, ids, filter, selection } = useExploreOf(
    "points",
    "components",
    "colour",
    "values",
    "labels",
    "ids",
    "filter",
    "selection",
  );
  const { isolated, hidden, own, ownShapes, shapes } = useExploreOf("isolated", "hidden", "own", "ownShapes", "shapes");
  const { tool, focus, neighbours, overview } = useExploreOf("tool", "focus", "neighbours", "overview");
  const pointed = usePointed((state) => state.row);
  const run = overview?.card;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a plot lives as long as its run.
  useEffect(() => {
    if (!host.current || !run || !overview) return;
    const photos = photoSource(run);
    const made = createScatterPlot(
      host.current,
      {
        hover: (row, x, y) => setHovered(row < 0 ? undefined : { row, x, y }),
        click: (row) => {
          if (row >= 0) focusRow(row);
        },
        select,
        camera: setCamera,
      },
      photos,
      overview.rows,
    );
    plot.current = made;
    onRenderer(made.renderer);
    // The renderer also changes when the browser takes WebGL away.
    const watch = new MutationObserver(() => onRenderer(made.renderer));
    watch.observe(host.current, { attributes: true, attributeFilter: ["data-renderer"] });
    return () => {
      watch.disconnect();
      made.destroy();
      photos.close();
      plot.current = null;
    };
  }, [run?.run, run?.version]);

  useEffect(() => {
    if (!points) return;
    const [x = [0, 0], y = x] = points.ranges;
    const title = (component: number) => t("explore.component", { number: component + 1 });
    plot.current?.setPoints(
      points.xy,
      { low: x[0], high: x[1], title: title(components[0]) },
      { low: y[0], high: y[1], title: title(components[1]) },
    );
  }, [plot, points, components, t]);
  useEffect(() => {
    if (!points) return;
    if (colour === "label" || !values) {
      plot.current?.setColours(
        labelIndex(ids),
        labelColours(labels, { isolated, hidden, own, ownShapes, shapes }, theme),
      );
    } else {
      const { index, palette } = valueScale(values, theme);
      plot.current?.setColours(index, palette);
    }
  }, [plot, points, colour, values, ids, labels, isolated, hidden, own, ownShapes, shapes, theme]);
  useEffect(() => {
    plot.current?.setSizes(points?.depth && colour !== "depth" ? valueSizes(points.depth) : null);
  }, [plot, points, colour]);
  // New points start without a filter and a selection.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above.
  useEffect(() => plot.current?.setFilter(filter), [plot, filter, points]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above.
  useEffect(() => plot.current?.setSelection(selection), [plot, selection, points]);
  useEffect(() => plot.current?.setTool(tool), [plot, tool]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new plot starts where the last one stood.
  useEffect(() => {
    // Not by the state of this view: the camera moves at every turn of the wheel, and only the plot follows it.
    const follow = ({ camera }: { camera: Camera | null }) => plot.current?.setCamera(camera ?? HOME);
    follow(useExplore.getState());
    return useExplore.subscribe((state, before) => {
      if (state.camera !== before.camera) follow(state);
    });
  }, [plot, run?.run, run?.version]);
  useEffect(() => {
    const near = neighbours?.row === focus ? [...neighbours.rows.subarray(0, 12)] : [];
    plot.current?.setMarked(focus ?? -1, near);
  }, [plot, focus, neighbours]);
  useEffect(() => plot.current?.setPointed(pointed), [plot, pointed]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the page's colours are read anew when the theme changes.
  useEffect(() => plot.current?.setColoursOfPage(coloursOfPage()), [plot, theme, points]);

  const [x, y] = components;
  const ratios = overview?.pca?.explainedVarianceRatio;
  const share = (component: number) =>
    t("explore.componentShare", { number: component + 1, share: percent(ratios?.[component] ?? 0) });
  return (
    <>
      <div ref={host} data-testid="scatter" className="absolute inset-0 overflow-hidden select-none" />
      <p id={help} className="sr-only">
        {t("explore.plot.help")}
      </p>
      <p className="pointer-events-none absolute right-3 bottom-6 rounded bg-surface/80 px-1 text-2xs font-medium text-muted">
        {share(x)} →
      </p>
      <p className="pointer-events-none absolute top-1.5 left-1 rounded bg-surface/80 px-1 text-2xs font-medium text-muted">
        ↑ {share(y)}
      </p>
      {hovered && run && <HoverCard {...hovered} run={run} />}
    </>
  );
}

function HoverCard({ row, x, y, run }: Hovered & { run: { run: string; version: string } }) {
  const { t } = useSpeech();
  const label = useExplore((state) => state.labels[state.ids[row] ?? -1]);
  const host = document.querySelector('[data-testid="scatter"]');
  const flipX = x > (host?.clientWidth ?? 0) - 170;
  const flipY = y > (host?.clientHeight ?? 0) - 175;
  return (
    <div
      data-testid="hover"
      data-row={row}
      className="pointer-events-none absolute z-10 w-36 overflow-hidden rounded-lg border border-line bg-raised shadow-xl"
      style={{
        left: x,
        top: y,
        transform: `translate(${flipX ? "calc(-100% - 12px)" : "12px"}, ${flipY ? "calc(-100% - 8px)" : "8px"})`,
      }}
    >
      <Photo run={run} row={row} size={256} className="h-32 w-full" />
      <p className="truncate px-2 py-1 text-2xs font-medium">{label?.name ?? t("labels.none")}</p>
    </div>
  );
}
