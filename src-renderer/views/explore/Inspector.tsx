import { ChevronLeft, ChevronRight, ExternalLink, FolderSearch, ImageOff, Tag } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { imageUrl } from "../../api/client.js";
import { Mark } from "../../components/Mark.js";
import { nameOf } from "../../components/names.js";
import { Photo } from "../../components/Photo.js";
import { Button, Empty, IconButton } from "../../components/ui.js";
import { focusRow, NEIGHBOURS, showDialog, step, useExplore, useExploreOf } from "../../state/explore.js";
import { rankOf } from "../../state/explore-logic.js";
import { useSpeech } from "../../state/settings.js";
import { exifValue } from "./exif-words.js";
import { pointAt } from "./pointed.js";
import { useLabelMark } from "./use-label-mark.js";

/** The chosen photo: large, what is known of it, and what is most like it. */
export function Inspector() {
  const { t } = useSpeech();
  const focus = useExplore((state) => state.focus);
  const card = useExplore((state) => state.overview?.card);
  if (focus === null || !card) {
    return (
      <aside aria-label={t("inspector.title")} className="h-full bg-surface">
        <Empty title={t("inspector.empty.title")} text={t("inspector.empty.text")} />
      </aside>
    );
  }
  return (
    <aside
      aria-label={t("inspector.title")}
      tabIndex={0}
      className="h-full overflow-y-auto bg-surface focus-visible:-outline-offset-2"
    >
      <Picture row={focus} card={card} />
      <Facts row={focus} />
      <Neighbours row={focus} card={card} />
    </aside>
  );
}

function Picture({ row, card }: { row: number; card: { run: string; version: string } }) {
  const { t, said } = useSpeech();
  const image = useExplore((state) => state.image);
  return (
    <div className="group relative flex aspect-[4/3] items-center justify-center bg-sunken">
      {image?.problem ? (
        <div className="px-6 text-center">
          <ImageOff size={22} className="mx-auto mb-2 text-muted" aria-hidden />
          <p className="font-medium">{t("inspector.missing")}</p>
          <p className="mt-0.5 text-2xs break-words text-muted">{said(image.problem)}</p>
          {image.problem.code === "photo/missing" && (
            <Button icon={FolderSearch} className="mt-2" onClick={() => showDialog("locate")}>
              {t("locate.action")}
            </Button>
          )}
        </div>
      ) : (
        <Photo run={card} row={row} size={512} alt={image ? nameOf(image.path) : ""} className="size-full" />
      )}
      <div className="absolute inset-x-1.5 bottom-1.5 flex justify-between gap-1">
        <span className="flex rounded-md bg-raised/90 shadow-sm">
          <IconButton
            icon={ChevronLeft}
            label={`${t("inspector.previous")} (K)`}
            onClick={() => step(-1)}
            className="!size-7"
          />
          <IconButton
            icon={ChevronRight}
            label={`${t("inspector.next")} (J)`}
            onClick={() => step(1)}
            className="!size-7"
          />
        </span>
        {!image?.problem && (
          <a
            href={imageUrl(card, row, "full")}
            target="_blank"
            rel="noreferrer"
            aria-label={t("inspector.openFull")}
            title={t("inspector.openFull")}
            className="inline-flex size-7 items-center justify-center rounded-md bg-raised/90 text-muted shadow-sm hover:text-ink"
          >
            <ExternalLink size={14} aria-hidden />
          </a>
        )}
      </div>
    </div>
  );
}

function Facts({ row }: { row: number }) {
  const speech = useSpeech();
  const { t, n, bytes, date, clock, percent } = speech;
  const markOf = useLabelMark();
  const { image, labels, ids, outliers } = useExploreOf("image", "labels", "ids", "outliers");
  const id = ids[row] ?? 0;
  const name = labels[id]?.name ?? null;
  const score = outliers?.[row];
  return (
    <div className="border-b border-line px-4 py-3">
      <div className="flex items-center gap-2">
        <Mark {...markOf(id)} className="size-3" />
        <h2 title={name ?? undefined} className="line-clamp-4 min-w-0 grow text-[0.9375rem] font-semibold break-words">
          {name ?? t("labels.none")}
        </h2>
        <Button icon={Tag} className="!h-7" onClick={() => showDialog("relabel")}>
          {t("inspector.change")}
        </Button>
      </div>
      {image?.edited && (
        <p className="mt-0.5 ml-5 text-muted">
          {t("inspector.was", { label: image.originalLabel ?? t("labels.none") })}
        </p>
      )}
      <p className="mt-2 text-muted [overflow-wrap:anywhere]" title={image?.file ?? undefined}>
        {image?.path ?? " "}
      </p>
      <dl className="tabular mt-2 grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">
        {image?.width && image.height && (
          <Fact name={t("inspector.dimensions")}>{`${n(image.width)} × ${n(image.height)}`}</Fact>
        )}
        {image?.bytes != null && (
          <Fact name={t("inspector.size")}>
            {[image.format?.toUpperCase(), bytes(image.bytes)].filter(Boolean).join(", ")}
          </Fact>
        )}
        {image?.capturedAt != null && (
          <Fact name={t("inspector.captured")}>
            {clock(image.capturedAt)}
            {image.capturedOffset !== null && (
              <span className="text-muted"> (UTC{offsetText(image.capturedOffset)})</span>
            )}
          </Fact>
        )}
        {image?.modifiedAt && <Fact name={t("inspector.modified")}>{date(image.modifiedAt)}</Fact>}
        {outliers && score !== undefined && Number.isFinite(score) && (
          <Fact name={t("inspector.outlier")}>
            {n(score, 1)}{" "}
            <span className="text-muted">
              ({t("inspector.outlierRank", { share: percent(rankOf(outliers, score), 0) })})
            </span>
          </Fact>
        )}
        {image?.exif
          .map((fact) => ({ tag: fact.tag, text: exifValue(speech, fact) }))
          .filter(({ text }) => text !== "")
          .map(({ tag, text }) => (
            <Fact key={tag} name={t(`exif.${tag}`)}>
              {text}
            </Fact>
          ))}
      </dl>
    </div>
  );
}

/** `+02:00`. @param minutes ahead of UTC */
function offsetText(minutes: number): string {
  const two = (part: number) => String(part).padStart(2, "0");
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}

function Neighbours({ row, card }: { row: number; card: { run: string; version: string } }) {
  const { t, fixed } = useSpeech();
  const { neighbours, labels, ids } = useExploreOf("neighbours", "labels", "ids");
  if (neighbours?.row !== row) return ids.length > 1 ? <Looking key={row} /> : null;
  if (neighbours.rows.length === 0) return null;
  const own = ids[row];
  return (
    <div className="px-4 py-3">
      <h3 className="font-semibold">{t("inspector.neighbours")}</h3>
      <p className="text-muted">{t("inspector.compared", { count: neighbours.compared })}</p>
      <ul className="mt-2 grid grid-cols-[repeat(auto-fill,minmax(4.75rem,1fr))] gap-2">
        {[...neighbours.rows.subarray(0, NEIGHBOURS)].map((near, index) => {
          const label = labels[ids[near] ?? -1]?.name ?? t("labels.none");
          const distance = t("inspector.distance", { distance: fixed(neighbours.distances[index] ?? 0) });
          return (
            <li key={near} className="min-w-0">
              <button
                type="button"
                className="block w-full text-left"
                title={`${label}\n${distance}`}
                onClick={() => focusRow(near)}
                onPointerEnter={() => pointAt(near)}
                onPointerLeave={() => pointAt(-1)}
              >
                <Photo run={card} row={near} size={128} cover alt="" className="aspect-square w-full rounded-md" />
                <span
                  className={`block truncate pt-0.5 text-2xs ${ids[near] === own ? "text-muted" : "font-semibold"}`}
                >
                  {label}
                </span>
                <span className="tabular block text-2xs text-muted">{fixed(neighbours.distances[index] ?? 0)}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** Neighbours that are sooner there are not announced. */
const LOOKING_AFTER_MS = 250;

/** In the place of the neighbours while they are looked for: the first time the vectors of a run have to be read. */
function Looking() {
  const { t } = useSpeech();
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), LOOKING_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <div className="px-4 py-3">
      <h3 className="font-semibold">{t("inspector.neighbours")}</h3>
      <p role="status" className="text-muted">
        {t("inspector.looking")}
      </p>
      <ul aria-hidden className="mt-2 grid grid-cols-[repeat(auto-fill,minmax(4.75rem,1fr))] gap-2">
        {Array.from({ length: NEIGHBOURS }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike.
          <li key={index} className="aspect-square animate-pulse rounded-md bg-sunken" />
        ))}
      </ul>
    </div>
  );
}
