import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Mark } from "../../components/Mark.js";
import {
  clearFilters,
  filterBy,
  isolate,
  searchFor,
  showAside,
  showLabels,
  toggleHidden,
  useExploreOf,
} from "../../state/explore.js";
import type { Range } from "../../state/explore-logic.js";
import { useSpeech } from "../../state/settings.js";
import { sayValue } from "./say-value.js";
import { useLabelMark } from "./use-label-mark.js";

/** Chips of labels before the rest is summed up in one. */
const NAMED = 5;
/** Milliseconds. */
const DAY = 86_400_000;

/** The filters in effect, each removed by a click; all of them must let a photo through. */
export function FilterChips() {
  const speech = useSpeech();
  const { t } = speech;
  const { text, isolated, hidden, ranges, aside, labels, overview } = useExploreOf(
    "text",
    "isolated",
    "hidden",
    "ranges",
    "aside",
    "labels",
    "overview",
  );
  const markOf = useLabelMark();
  if (text === "" && isolated.size + hidden.size + ranges.size === 0 && !aside) return null;
  const nameOf = (id: number) => labels[id]?.name ?? t("labels.none");
  const saySpan = (column: Parameters<typeof sayValue>[1], { low, high }: Range) => {
    // Dates that were typed are whole days, which need no hours.
    const span = high - low + 1 < DAY ? high - low : Number.POSITIVE_INFINITY;
    const [from, to] = [low, high].map((end) => (Number.isFinite(end) ? sayValue(speech, column, end, span) : ""));
    return !to ? `≥ ${from}` : !from ? `≤ ${to}` : from === to ? from : `${from} – ${to}`;
  };
  return (
    <section
      aria-label={t("filter.active")}
      className="flex shrink-0 flex-wrap items-center gap-1.5 border-b border-line bg-ground px-2 py-1.5"
    >
      {text !== "" && (
        <Chip name={t("filter.textChip", { text })} onRemove={() => void searchFor("")}>
          {t("filter.textChip", { text })}
        </Chip>
      )}
      {[...isolated].slice(0, NAMED).map((id) => (
        <Chip key={id} name={nameOf(id)} onRemove={() => isolate(id, true)}>
          <Mark {...markOf(id)} className="size-2.5" />
          <span className="truncate">{nameOf(id)}</span>
        </Chip>
      ))}
      {isolated.size > NAMED && (
        <Chip
          name={t("filter.moreLabels", { count: isolated.size - NAMED })}
          onRemove={() => showLabels({ isolated: [...isolated].slice(0, NAMED) })}
        >
          {t("filter.moreLabels", { count: isolated.size - NAMED })}
        </Chip>
      )}
      {[...hidden].slice(0, NAMED).map((id) => (
        <Chip key={id} name={t("filter.not", { label: nameOf(id) })} onRemove={() => toggleHidden(id)}>
          <span className="truncate">{t("filter.not", { label: nameOf(id) })}</span>
        </Chip>
      ))}
      {hidden.size > NAMED && (
        <Chip
          name={t("filter.moreHidden", { count: hidden.size - NAMED })}
          onRemove={() => showLabels({ hidden: [...hidden].slice(0, NAMED) })}
        >
          {t("filter.moreHidden", { count: hidden.size - NAMED })}
        </Chip>
      )}
      {[...ranges].map(([column, range]) => {
        const said = `${t(`explore.colour.${column}`)} ${saySpan(column, range)}`;
        return (
          <Chip key={column} name={said} onRemove={() => void filterBy(column, null)}>
            <span className="tabular truncate">{said}</span>
          </Chip>
        );
      })}
      {aside && (
        <Chip name={t("filter.asideChip")} onRemove={() => showAside(false)}>
          {t("filter.aside", { count: overview?.card.setAside ?? 0 })}
        </Chip>
      )}
      <button
        type="button"
        className="h-6 rounded px-1.5 text-2xs font-medium text-accent hover:bg-sunken"
        onClick={clearFilters}
      >
        {t("filter.clearAll")}
      </button>
    </section>
  );
}

function Chip({ name, onRemove, children }: { name: string; onRemove: () => void; children: ReactNode }) {
  const { t } = useSpeech();
  return (
    <span className="inline-flex h-6 max-w-64 min-w-0 items-center rounded-full border border-line bg-surface pl-2 text-2xs font-medium">
      <span className="flex min-w-0 items-center gap-1.5">{children}</span>
      <button
        type="button"
        aria-label={t("filter.remove", { filter: name })}
        title={t("filter.remove", { filter: name })}
        className="ml-0.5 inline-flex size-6 shrink-0 items-center justify-center rounded-full text-muted hover:bg-sunken hover:text-ink"
        onClick={onRemove}
      >
        <X size={12} aria-hidden />
      </button>
    </span>
  );
}
