import { useVirtualizer } from "@tanstack/react-virtual";
import { clsx } from "clsx";
import { CloudDownload, Download, FolderSearch, Tag, X } from "lucide-react";
import { type KeyboardEvent, type MouseEvent, memo, useEffect, useRef, useState } from "react";
import type { RunCard } from "../../../src-main/api/channels.js";
import { dateColumn, type Sort } from "../../app/link.js";
import { go } from "../../app/router.js";
import { Mark } from "../../components/Mark.js";
import { Photo } from "../../components/Photo.js";
import { Button, Choice, Empty, IconButton } from "../../components/ui.js";
import { clearOne, focusRow, select, showDialog, sortBy, useExplore, useExploreOf } from "../../state/explore.js";
import { useSpeech } from "../../state/settings.js";
import { bringing } from "../transfers/transfer-logic.js";
import { AsideList } from "./AsideList.js";
import { pointAt } from "./pointed.js";
import { useLabelMark } from "./use-label-mark.js";
import { remoteSource, whyNoPhotos } from "./where-photos.js";

const GAP = 6;
const CAPTION = 20;

/** All photos that pass the filters, or the selected ones; as many as there are, drawn as they are scrolled to. */
export function Gallery() {
  const { t, n } = useSpeech();
  const { overview, shown, filter, selection, selected, sort, focus, aside } = useExploreOf(
    "overview",
    "shown",
    "filter",
    "selection",
    "selected",
    "sort",
    "focus",
    "aside",
  );
  const [side, setSide] = useState(96);
  if (aside) return <AsideList />;
  const total = overview?.rows ?? 0;
  const date = dateColumn(overview?.columns ?? []);
  const heading = selection
    ? t("gallery.selected", { count: selected })
    : filter
      ? t("gallery.shown", { count: shown.length, total: n(total) })
      : t("gallery.all", { count: total });
  return (
    <section aria-label={t("gallery.title")} className="@container flex h-full flex-col bg-ground">
      <div className="flex h-11 shrink-0 items-center gap-2 pr-2 pl-3">
        <h2 aria-live="polite" className="tabular shrink-0 font-semibold">
          {heading}
        </h2>
        {selection && (
          <>
            <Button
              kind="primary"
              icon={Tag}
              // In a narrow gallery its name gives way: the order of the photos would have no room.
              className="ml-1 !h-7 @max-2xl:!px-2"
              aria-label={t("gallery.relabel")}
              title={t("gallery.relabel")}
              onClick={() => showDialog("relabel")}
            >
              <span className="@max-2xl:hidden">{t("gallery.relabel")}</span>
            </Button>
            <IconButton icon={X} label={`${t("gallery.clear")} (${t("keys.escape")})`} onClick={clearOne} />
          </>
        )}
        <div className="grow" />
        <IconButton
          icon={Download}
          label={`${t("export.title")} (X)`}
          disabled={shown.length === 0}
          onClick={() => showDialog("export")}
        />
        <Choice
          label={t("gallery.sort")}
          className="quiet-field"
          value={sort}
          onChange={({ target }) => void sortBy(target.value as Sort)}
        >
          <option value="run">{t("gallery.sort.run")}</option>
          {date && <option value="date">{t(`gallery.sort.${date}`)}</option>}
          {overview?.columns.includes("outlier") && <option value="outlier">{t("gallery.sort.outlier")}</option>}
          <option value="similar" disabled={focus === null}>
            {t("gallery.sort.similar")}
          </option>
        </Choice>
        <input
          type="range"
          aria-label={t("gallery.size")}
          title={t("gallery.size")}
          min={56}
          max={240}
          step={4}
          value={side}
          onChange={(event) => setSide(Number(event.target.value))}
          className="hidden w-24 accent-accent @lg:block"
        />
      </div>
      <MissingPhotos />
      {shown.length === 0 ? <Empty title="" text={t("gallery.empty")} /> : <Photos side={side} />}
    </section>
  );
}

/** Says so where the photos of the run are gone, and offers to look elsewhere. */
function MissingPhotos() {
  const speech = useSpeech();
  const { t } = speech;
  const overview = useExplore((state) => state.overview);
  const why = overview && whyNoPhotos(overview, speech);
  if (!why) return null;
  const remote = remoteSource(overview);
  return (
    <div className="mx-3 mb-2 flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 rounded-md bg-warning-soft py-1 pr-1 pl-3 text-warning">
      <p className="min-w-0 grow basis-48">{why}</p>
      <div className="flex gap-1">
        {remote !== undefined && (
          <Button icon={CloudDownload} className="!h-7" onClick={() => go({ view: "transfers" }, bringing(remote))}>
            {t("locate.bring")}
          </Button>
        )}
        <Button icon={FolderSearch} className="!h-7" onClick={() => showDialog("locate")}>
          {t("locate.action")}
        </Button>
      </div>
    </div>
  );
}

function Photos({ side }: { side: number }) {
  const { t } = useSpeech();
  const { overview, shown, focus } = useExploreOf("overview", "shown", "focus");
  const scroller = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const anchor = useRef<number>(null);
  useEffect(() => {
    if (!scroller.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 0));
    observer.observe(scroller.current);
    return () => observer.disconnect();
  }, []);
  const columns = Math.max(1, Math.floor((width + GAP) / (side + GAP)));
  const cell = width > 0 ? (width - GAP * (columns - 1)) / columns : side;
  const lines = useVirtualizer({
    count: width > 0 ? Math.ceil(shown.length / columns) : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => cell + CAPTION + GAP,
    overscan: 3,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights are measured anew when these change.
  useEffect(() => lines.measure(), [cell, columns]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a photo chosen on the map comes into view; scrolling away is free.
  useEffect(() => {
    const at = focus === null ? -1 : shown.indexOf(focus);
    if (at >= 0 && width > 0) lines.scrollToIndex(Math.floor(at / columns), { align: "auto" });
  }, [focus, shown, columns]);
  const at = focus === null ? -1 : shown.indexOf(focus);

  const onKey = (event: KeyboardEvent) => {
    const moves: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
      PageDown: columns * 4,
      PageUp: -columns * 4,
      Home: -1e9,
      End: 1e9,
    };
    const move = moves[event.key];
    if (move === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = Math.min(shown.length - 1, Math.max(0, at < 0 ? 0 : at + move));
    focusRow(shown[next] ?? null);
  };
  const onClick = (event: MouseEvent, index: number, row: number) => {
    if (event.shiftKey && anchor.current !== null) {
      const from = Math.min(anchor.current, index);
      select(shown.slice(from, Math.max(anchor.current, index) + 1), "add");
    } else if (event.ctrlKey || event.metaKey) {
      select(Uint32Array.of(row), useExplore.getState().selection?.[row] ? "subtract" : "add");
    } else if (event.altKey) {
      select(Uint32Array.of(row), "subtract");
    } else focusRow(row);
    anchor.current = index;
  };

  const card = overview?.card;
  return (
    <div
      ref={scroller}
      role="listbox"
      aria-label={t("gallery.title")}
      aria-activedescendant={at >= 0 ? `photo-${focus}` : undefined}
      tabIndex={0}
      onKeyDown={onKey}
      onPointerLeave={() => pointAt(-1)}
      data-testid="photos"
      className="mx-3 min-h-0 grow overflow-y-auto pb-2 focus-visible:outline-offset-0"
    >
      <div role="presentation" className="relative" style={{ height: lines.getTotalSize() }}>
        {card &&
          lines.getVirtualItems().map((line) => (
            <div
              key={line.key}
              role="presentation"
              className="absolute inset-x-0 grid"
              style={{ top: line.start, gap: GAP, gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}
            >
              {[...shown.subarray(line.index * columns, (line.index + 1) * columns)].map((row, column) => (
                <Tile
                  key={row}
                  card={card}
                  row={row}
                  index={line.index * columns + column}
                  side={cell}
                  chosen={row === focus}
                  onClick={onClick}
                />
              ))}
            </div>
          ))}
      </div>
    </div>
  );
}

const Tile = memo(function Tile({
  card,
  row,
  index,
  side,
  chosen,
  onClick,
}: {
  card: RunCard;
  row: number;
  index: number;
  side: number;
  chosen: boolean;
  onClick: (event: MouseEvent, index: number, row: number) => void;
}) {
  const { t } = useSpeech();
  const markOf = useLabelMark();
  const id = useExplore((state) => state.ids[row] ?? 0);
  const name = useExplore((state) => state.labels[id]?.name ?? null);
  const picked = useExplore((state) => state.selection?.[row] === 1);
  const said = name ?? t("labels.none");
  const pixels = side * Math.min(2, devicePixelRatio);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list box takes the keys.
    // biome-ignore lint/a11y/useFocusableInteractive: the list box has the focus, as in any list box.
    <div
      id={`photo-${row}`}
      role="option"
      aria-selected={picked}
      aria-label={t("gallery.photo", { name: String(index + 1), label: said })}
      data-row={row}
      onClick={(event) => onClick(event, index, row)}
      onPointerEnter={() => pointAt(row)}
      className="min-w-0 cursor-pointer"
    >
      <Photo
        run={card}
        row={row}
        size={pixels <= 64 ? 64 : pixels <= 128 ? 128 : pixels <= 256 ? 256 : 512}
        cover
        className={clsx(
          "aspect-square w-full rounded-md ring-inset",
          chosen ? "outline-3 -outline-offset-1 outline-accent" : "hover:brightness-95",
        )}
      />
      <p className="flex items-center gap-1 pt-0.5 text-2xs leading-4 text-muted" title={said}>
        <Mark {...markOf(id)} className="size-2" />
        <span className="truncate">{said}</span>
      </p>
    </div>
  );
});
