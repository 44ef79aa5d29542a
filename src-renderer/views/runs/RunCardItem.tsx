import { clsx } from "clsx";
import { Columns2, Copy, FolderOpen, FolderX, ImageOff, ListX, Trash2 } from "lucide-react";
import { useState } from "react";
import type { RunCard } from "../../../src-main/api/channels.js";
import { client } from "../../api/client.js";
import { writePlace } from "../../app/link.js";
import { Photo } from "../../components/Photo.js";
import { Confirm, Menu, type MenuItem } from "../../components/ui.js";
import { tell, tellError } from "../../state/app.js";
import { copyText } from "../../state/clipboard.js";
import { forgetLocated } from "../../state/located.js";
import { useSettings, useSpeech } from "../../state/settings.js";

export function RunCardItem({
  card,
  chosen,
  choosing,
  onChoose,
}: {
  card: RunCard;
  /** To be compared. */
  chosen: boolean;
  /** Some run is chosen: every card shows its box. */
  choosing: boolean;
  onChoose: (on: boolean) => void;
}) {
  const { t, percent, date, said } = useSpeech();
  const canTrash = useSettings((state) => state.info?.canTrash ?? false);
  const canReveal = useSettings((state) => state.info?.canReveal ?? false);
  const [asking, setAsking] = useState<"forget" | "trash">();
  const readable = card.state !== "unreadable";
  const facts = [
    card.images > 0 && t("runs.photos", { count: card.images }),
    card.labels > 0 && t("runs.labels", { count: card.labels }),
    card.setAside > 0 && t("runs.setAside", { count: card.setAside }),
  ].filter((fact) => typeof fact === "string");
  const model = [
    card.kind === "pca" && card.model === null && t("runs.ofFeatures"),
    card.model,
    card.preset && t(`new.preset.${card.preset}`),
  ]
    .filter(Boolean)
    .join(" · ");
  const variance =
    card.components === null
      ? t("runs.noPca")
      : [
          t("runs.components", { count: card.components }),
          card.explainedVarianceRatio !== null && t("runs.explained", { share: percent(card.explainedVarianceRatio) }),
        ]
          .filter(Boolean)
          .join(", ");
  const forget = () => void client.call("runs.forget", { run: card.run }).catch(tellError);
  const trash = async () => {
    try {
      const { undo } = await client.call("runs.trash", { run: card.run });
      const restore = () => void client.call("runs.restore", { run: card.run }).catch(tellError);
      const action = undo ? { action: { label: t("action.undo"), run: restore } } : {};
      tell({ kind: "done", text: t("runs.trashed", { name: card.name }), ...action });
    } catch (error) {
      tellError(error);
    }
  };
  const reveal = () => void client.call("runs.reveal", { run: card.run }).catch(tellError);
  const place: MenuItem[] = [
    { label: t("runs.copyPath"), icon: Copy, run: () => void copyText(card.path) },
    ...(canReveal ? [{ label: t("runs.reveal"), icon: FolderOpen, run: reveal }] : []),
    ...(card.located === null
      ? []
      : [{ label: t("locate.forget"), icon: FolderX, run: () => void forgetLocated(card) }]),
  ];
  return (
    <li className="group relative min-w-0">
      <Mosaic card={card} chosen={chosen} />
      {readable && (
        <label
          className={clsx(
            "absolute top-2 left-2 z-10 flex size-7 cursor-pointer items-center justify-center rounded-md bg-raised/95 shadow-sm ring-1 ring-line transition-opacity group-hover:opacity-100 focus-within:opacity-100",
            !choosing && "opacity-0",
          )}
          title={t("runs.compare.choose", { name: card.name })}
        >
          <input
            type="checkbox"
            className="size-4 accent-accent"
            aria-label={t("runs.compare.choose", { name: card.name })}
            checked={chosen}
            onChange={({ target }) => onChoose(target.checked)}
          />
        </label>
      )}
      <div className="mt-2.5 flex items-start gap-1">
        <div className="min-w-0 grow">
          <h2 className="flex items-center gap-2">
            {readable ? (
              <a
                href={writePlace({ view: "explore", run: card.run })}
                // The whole card opens the run; the menu lies above.
                className="truncate text-[0.9375rem] font-semibold before:absolute before:inset-0 before:rounded-lg focus-visible:outline-none focus-visible:before:outline-2 focus-visible:before:outline-offset-4 focus-visible:before:outline-accent"
              >
                {card.name}
              </a>
            ) : (
              <span className="truncate text-[0.9375rem] font-semibold">{card.name}</span>
            )}
            {card.state !== "done" && <State state={card.state} />}
          </h2>
          {card.problem ? (
            <p className="mt-0.5 line-clamp-3 break-words text-danger">{said(card.problem)}</p>
          ) : (
            <>
              <p className="tabular truncate">{facts.join(" · ") || t("runs.noPhotos")}</p>
              <p className="truncate text-muted" title={[model, variance].filter(Boolean).join(" · ")}>
                {variance}
              </p>
              {model && (
                <p className="truncate text-muted" title={model}>
                  {model}
                </p>
              )}
            </>
          )}
          {card.updatedAt && (
            <p className="tabular truncate text-muted" title={card.path}>
              {date(card.updatedAt)}
            </p>
          )}
        </div>
        <div className="relative -mt-1">
          <Menu
            label={t("action.moreFor", { name: card.name })}
            items={[
              ...(readable ? [{ label: t("runs.compare.with"), icon: Columns2, run: () => onChoose(true) }] : []),
              ...place,
              { label: t("runs.forget"), icon: ListX, run: () => setAsking("forget") },
              {
                label: canTrash ? t("runs.trash") : t("runs.trash.unavailable"),
                icon: Trash2,
                danger: canTrash,
                disabled: !canTrash,
                run: () => setAsking("trash"),
              },
            ]}
          />
        </div>
      </div>
      <Confirm
        open={asking === "forget"}
        onClose={() => setAsking(undefined)}
        onConfirm={forget}
        title={t("runs.forget.title", { name: card.name })}
        text={t("runs.forget.text")}
        confirm={t("runs.forget.confirm")}
      />
      <Confirm
        open={asking === "trash"}
        onClose={() => setAsking(undefined)}
        onConfirm={() => void trash()}
        title={t("runs.trash.title", { name: card.name })}
        text={t("runs.trash.text")}
        confirm={t("runs.trash.confirm")}
        danger
      />
    </li>
  );
}

function State({ state }: { state: RunCard["state"] }) {
  const { t } = useSpeech();
  const bad = state === "failed" || state === "unreadable";
  return (
    <span
      className={clsx(
        "shrink-0 rounded px-1.5 text-2xs font-semibold",
        bad ? "bg-danger-soft text-danger" : "bg-warning-soft text-warning",
      )}
    >
      {t(`runs.state.${state}`)}
    </span>
  );
}

/** Up to eight photos; few photos are shown larger. */
function Mosaic({ card, chosen }: { card: RunCard; chosen: boolean }) {
  const rows =
    card.mosaic.length >= 8 ? card.mosaic.slice(0, 8) : card.mosaic.slice(0, card.mosaic.length >= 4 ? 4 : 3);
  const columns = rows.length >= 8 ? "grid-cols-4" : rows.length >= 4 ? "grid-cols-4" : "grid-cols-3";
  return (
    <div
      className={clsx(
        "grid gap-0.5 overflow-hidden rounded-lg bg-line ring-1 ring-line transition-shadow group-hover:ring-2 group-hover:ring-accent",
        "aspect-[2/1]",
        chosen && "!ring-2 !ring-accent",
        rows.length > 0 && rows.length < 3 ? "grid-cols-2" : columns,
      )}
    >
      {rows.map((row) => (
        <Photo key={row} run={card} row={row} size={128} cover className="size-full min-h-0" />
      ))}
      {rows.length === 0 && (
        <div className="col-span-full flex items-center justify-center bg-sunken text-muted">
          <ImageOff size={22} strokeWidth={1.5} aria-hidden />
        </div>
      )}
    </div>
  );
}
