import { useVirtualizer } from "@tanstack/react-virtual";
import { clsx } from "clsx";
import { Eye, EyeOff, Search, TriangleAlert } from "lucide-react";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import {
  isolate,
  redo,
  searchFor,
  showAllLabels,
  toggleHidden,
  undo,
  useExplore,
  useExploreOf,
} from "../../state/explore.js";
import { DISTINCT_LABELS, isShown } from "../../state/explore-logic.js";
import { useSpeech } from "../../state/settings.js";
import { Filters } from "./Filters.js";
import { LabelMark } from "./LabelMark.js";
import { useLabelMark } from "./use-label-mark.js";

/** Search of photos, then the labels with their colours: isolate, hide, own colour. */
export function LabelPanel() {
  const { t } = useSpeech();
  const edits = useExplore((state) => state.edits);
  return (
    <section aria-label={t("filter.title")} className="flex h-full flex-col bg-ground">
      <div className="flex shrink-0 gap-1.5 border-b border-line p-2.5">
        <PhotoSearch />
        <Filters />
      </div>
      <Problems />
      <LabelList />
      {edits.rows > 0 || edits.canUndo || edits.canRedo ? (
        <div className="flex shrink-0 flex-wrap items-center gap-1 border-t border-line py-1 pr-1 pl-3 text-muted">
          <span className="grow">{t("labels.edited", { count: edits.rows })}</span>
          <SmallButton disabled={!edits.canUndo} onClick={() => void undo()}>
            {t("action.undo")}
          </SmallButton>
          {edits.canRedo && <SmallButton onClick={() => void redo()}>{t("action.redo")}</SmallButton>}
        </div>
      ) : null}
    </section>
  );
}

function SmallButton({ children, ...rest }: { children: string; disabled?: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      className="h-7 rounded-md px-2 font-medium text-accent hover:bg-sunken disabled:text-muted disabled:opacity-60"
      {...rest}
    >
      {children}
    </button>
  );
}

function PhotoSearch() {
  const { t } = useSpeech();
  const text = useExplore((state) => state.text);
  return <SearchField id="search" label={t("filter.text")} value={text} onChange={(value) => void searchFor(value)} />;
}

function SearchField({
  id,
  label,
  value,
  onChange,
}: {
  id?: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <div className="relative min-w-0 grow">
      <Search size={14} className="absolute top-2.25 left-2.5 text-muted" aria-hidden />
      <input
        id={id}
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || value === "") return;
          // The first Esc empties the field, the next one leaves it.
          event.preventDefault();
          event.stopPropagation();
          onChange("");
        }}
        className="field w-full pl-8"
        spellCheck={false}
      />
    </div>
  );
}

function Problems() {
  const { t, said } = useSpeech();
  const problems = useExplore((state) => state.overview?.problems) ?? [];
  if (problems.length === 0) return null;
  return (
    <details className="mx-2.5 mt-1.5 rounded-md bg-warning-soft text-warning">
      <summary className="flex cursor-pointer list-none items-center gap-1.5 px-2 py-1 font-medium">
        <TriangleAlert size={14} aria-hidden className="shrink-0" />
        {t("explore.problems", { count: problems.length })}
      </summary>
      <ul className="space-y-1 px-2 pb-2">
        {problems.map((problem) => (
          <li key={problem.code} className="break-words">
            {said(problem)}
          </li>
        ))}
      </ul>
    </details>
  );
}

const ROW = 28;

function LabelList() {
  const { t, n, compare } = useSpeech();
  const { labels, isolated, hidden } = useExploreOf("labels", "isolated", "hidden");
  const markOf = useLabelMark();
  /** The label whose colour and shape are being chosen. */
  const [marking, setMarking] = useState<number>();
  const [text, setText] = useState("");
  const [current, setCurrent] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const nameOf = (id: number) => labels[id]?.name ?? t("labels.none");
  // biome-ignore lint/correctness/useExhaustiveDependencies: nameOf follows from labels and language.
  const listed = useMemo(() => {
    const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    return labels
      .map((_, id) => id)
      .filter((id) => (labels[id]?.rows ?? 0) > 0)
      .filter((id) => words.every((word) => nameOf(id).toLocaleLowerCase().includes(word)))
      .sort((a, b) => compare(nameOf(a), nameOf(b)));
  }, [labels, text, compare]);
  const rows = useVirtualizer({
    count: listed.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const onKey = (event: KeyboardEvent) => {
    // React also brings the keys of popups that were opened from the list.
    if (!event.currentTarget.contains(event.target as Node)) return;
    const id = listed[current];
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 }[event.key];
    if (move !== undefined) {
      const next = Math.min(listed.length - 1, Math.max(0, current + move));
      setCurrent(next);
      rows.scrollToIndex(next);
      // The row may only now come into being.
      requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus());
    } else if (id !== undefined && event.key.toLowerCase() === "h" && !event.ctrlKey && !event.metaKey)
      toggleHidden(id);
    else if (id !== undefined && event.key.toLowerCase() === "c" && !event.ctrlKey && !event.metaKey) setMarking(id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const filtered = isolated.size > 0 || hidden.size > 0;
  return (
    <>
      <div className="flex h-10 shrink-0 items-center gap-2 pr-1.5 pl-3">
        <h2 className="font-semibold">{t("labels.title")}</h2>
        <span className="tabular grow text-muted">{n(labels.filter((label) => label.rows > 0).length)}</span>
        {filtered && <SmallButton onClick={showAllLabels}>{t("labels.showAll")}</SmallButton>}
      </div>
      {labels.length > 8 && (
        <div className="shrink-0 px-2.5 pb-1.5">
          <SearchField label={t("labels.search")} value={text} onChange={setText} />
        </div>
      )}
      {labels.length > DISTINCT_LABELS && (
        <p className="shrink-0 px-3 pb-1 text-2xs text-muted">{t("labels.repeat", { count: DISTINCT_LABELS })}</p>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys come up from the buttons inside. */}
      <div ref={scroller} onKeyDown={onKey} className="min-h-0 grow overflow-y-auto px-1.5 pb-2">
        <ul
          ref={list}
          aria-label={t("labels.title")}
          aria-description={t("labels.keys")}
          className="relative"
          style={{ height: rows.getTotalSize() }}
        >
          {rows.getVirtualItems().map(({ index, start }) => {
            const id = listed[index] as number;
            const name = nameOf(id);
            const shown = isShown(id, { isolated, hidden });
            return (
              <li
                key={id}
                className="group/row absolute inset-x-0 flex items-center rounded-md pr-1 hover:bg-sunken"
                style={{ height: ROW, top: start }}
              >
                <LabelMark
                  name={labels[id]?.name ?? null}
                  said={name}
                  {...markOf(id)}
                  faint={!shown}
                  open={marking === id}
                  onOpen={(open) => setMarking(open ? id : undefined)}
                />
                <button
                  type="button"
                  data-index={index}
                  // One stop for the tab key; the arrows move inside.
                  tabIndex={index === Math.min(current, listed.length - 1) ? 0 : -1}
                  aria-pressed={isolated.has(id)}
                  title={`${name}\n${t("labels.isolate", { label: name })}`}
                  onClick={(event) => {
                    setCurrent(index);
                    isolate(id, event.shiftKey || event.ctrlKey || event.metaKey);
                  }}
                  className={clsx(
                    "flex min-w-0 grow items-center gap-2 rounded py-1 text-left focus-visible:outline-offset-0",
                    !shown && "text-muted",
                  )}
                >
                  <span
                    className={clsx(
                      "min-w-0 grow truncate",
                      isolated.has(id) && "font-semibold",
                      hidden.has(id) && "line-through",
                    )}
                  >
                    {name}
                  </span>
                  <span className="tabular shrink-0 text-2xs text-muted">{n(labels[id]?.rows ?? 0)}</span>
                </button>
                <button
                  type="button"
                  tabIndex={-1}
                  aria-label={t(hidden.has(id) ? "labels.show" : "labels.hide", { label: name })}
                  title={t(hidden.has(id) ? "labels.show" : "labels.hide", { label: name })}
                  onClick={() => toggleHidden(id)}
                  className={clsx(
                    "ml-1 inline-flex size-6 shrink-0 items-center justify-center rounded text-muted hover:text-ink",
                    !hidden.has(id) && "opacity-0 group-hover/row:opacity-100",
                  )}
                >
                  {hidden.has(id) ? <EyeOff size={14} aria-hidden /> : <Eye size={14} aria-hidden />}
                </button>
              </li>
            );
          })}
        </ul>
        {listed.length === 0 && <p className="px-2 py-4 text-muted">{t("labels.noMatch")}</p>}
      </div>
    </>
  );
}
