import { useEffect, useRef, useState } from "react";
import type { Overview } from "../../../src-main/api/channels.js";
import { Photo } from "../../components/Photo.js";
import { type Camera, HOME } from "../../plots/camera.js";
import { coloursOfPage } from "../../plots/page-colours.js";
import { createScatterPlot, type ScatterPlot, screenOf } from "../../plots/scatter-plot.js";
import { useSpeech, useTheme } from "../../state/settings.js";
import { photoSource } from "../explore/photo-source.js";
import type { Points } from "./use-compared.js";

/** The map of one run; the photo that is pointed at on the other one is ringed and shown here. */
export function CompareMap({
  overview,
  points,
  index,
  palette,
  mask,
  components,
  hovered,
  pointed,
  focus,
  onHover,
  onFocus,
}: {
  overview: Overview;
  points: Points | undefined;
  /** Palette entry of each row. */
  index: Uint16Array | undefined;
  palette: Uint8Array;
  mask: Uint8Array | null;
  components: readonly [number, number];
  /** The row under the pointer here; -1 for none. */
  hovered: number;
  /** The row of the photo pointed at on the other map; -1 for none, null where this run does not hold it. */
  pointed: number | null;
  /** The row of the chosen photo; -1 for none. */
  focus: number;
  onHover: (row: number) => void;
  onFocus: (row: number) => void;
}) {
  const { t } = useSpeech();
  const theme = useTheme();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<ScatterPlot | null>(null);
  const act = useRef({ onHover, onFocus });
  act.current = { onHover, onFocus };
  const [camera, setCamera] = useState<Camera>(HOME);
  const { card } = overview;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a plot lives as long as its run.
  useEffect(() => {
    if (!host.current) return;
    const photos = photoSource(card);
    const made = createScatterPlot(
      host.current,
      {
        hover: (row) => act.current.onHover(row),
        click: (row) => {
          if (row >= 0) act.current.onFocus(row);
        },
        // Both maps show photos; sets of them are chosen in Explore.
        select: () => {},
        camera: setCamera,
      },
      photos,
      overview.rows,
    );
    plot.current = made;
    return () => {
      made.destroy();
      photos.close();
      plot.current = null;
    };
  }, [card.run, card.version]);
  useEffect(() => {
    if (!points) return;
    const title = (component: number) => t("explore.component", { number: component + 1 });
    plot.current?.setPoints(
      points.xy,
      { ...points.x, title: title(components[0]) },
      { ...points.y, title: title(components[1]) },
    );
    if (index) plot.current?.setColours(index, palette);
    plot.current?.setFilter(mask);
    plot.current?.setColoursOfPage(coloursOfPage());
  }, [points, components, t, index, palette, mask]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the page's colours are read anew when the theme changes.
  useEffect(() => plot.current?.setColoursOfPage(coloursOfPage()), [theme]);
  useEffect(() => plot.current?.setPointed(pointed ?? -1), [pointed]);
  useEffect(() => plot.current?.setMarked(focus, []), [focus]);

  const shown = hovered >= 0 ? hovered : (pointed ?? -1);
  return (
    <>
      <div ref={host} data-testid="compare-map" className="absolute inset-0 overflow-hidden select-none" />
      {pointed === null && (
        <p className="pointer-events-none absolute inset-x-0 bottom-3 text-center">
          <span className="rounded-md bg-raised px-2 py-1 text-muted ring-1 ring-line">{t("compare.notHere")}</span>
        </p>
      )}
      {shown >= 0 && points && host.current && (
        <Card overview={overview} points={points} row={shown} camera={camera} host={host.current} />
      )}
    </>
  );
}

function Card({
  overview,
  points,
  row,
  camera,
  host,
}: {
  overview: Overview;
  points: Points;
  row: number;
  camera: Camera;
  host: HTMLElement;
}) {
  const { t } = useSpeech();
  const size = { width: host.clientWidth, height: host.clientHeight };
  const [x, y] = screenOf(camera, size, points.xy, row);
  const flipX = x > size.width - 150;
  const flipY = y > size.height - 150;
  const label = overview.labels[points.ids[row] as number]?.name ?? t("labels.none");
  return (
    <div
      data-testid="compare-card"
      data-row={row}
      className="pointer-events-none absolute z-10 w-32 overflow-hidden rounded-lg border border-line bg-raised shadow-xl"
      style={{
        left: Math.min(size.width, Math.max(0, x)),
        top: Math.min(size.height, Math.max(0, y)),
        transform: `translate(${flipX ? "calc(-100% - 12px)" : "12px"}, ${flipY ? "calc(-100% - 8px)" : "8px"})`,
      }}
    >
      <Photo run={overview.card} row={row} size={256} className="h-28 w-full" />
      <p className="truncate px-2 py-1 text-2xs font-medium">{label}</p>
    </div>
  );
}
