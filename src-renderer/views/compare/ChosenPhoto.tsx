import { clsx } from "clsx";
import { X } from "lucide-react";
import { useEffect, useState } from "react";
import type { Overview, ResponseOf } from "../../../src-main/api/channels.js";
import { AGREEMENT } from "../../../src-main/api/compare.js";
import { client } from "../../api/client.js";
import { Photo } from "../../components/Photo.js";
import { IconButton } from "../../components/ui.js";
import { useSpeech } from "../../state/settings.js";
import { common, OTHER, type SideName } from "./compare-logic.js";
import { ask } from "./use-compared.js";

type Rows = ResponseOf<"run.rows">["rows"];

interface Neighbourhood {
  readonly rows: Uint32Array;
  readonly names: Rows;
}

/** One photo in both runs, and what each run takes for similar to it. */
export function ChosenPhoto({
  overviews,
  counterpart,
  rows,
  onFocus,
  onClose,
}: {
  overviews: Readonly<Record<SideName, Overview>>;
  counterpart: Readonly<Record<SideName, Int32Array>>;
  /** Its row in each run; -1 where it has none. */
  rows: Readonly<Record<SideName, number>>;
  onFocus: (side: SideName, row: number) => void;
  onClose: () => void;
}) {
  const { t } = useSpeech();
  const a = useNeighbourhood(overviews.a, rows.a);
  const b = useNeighbourhood(overviews.b, rows.b);
  const side = rows.a >= 0 ? "a" : "b";
  const path = (side === "a" ? a : b)?.names[0]?.path ?? "…";
  // Neighbours that both name, as rows of A.
  const both = common(
    a?.rows ?? [],
    Array.from(b?.rows ?? [], (row) => counterpart.b[row] ?? -1),
  );
  return (
    <section aria-label={t("compare.chosen")} className="rounded-xl border border-line bg-surface p-3">
      <div className="flex gap-4">
        <Photo
          run={overviews[side].card}
          row={rows[side]}
          size={256}
          alt={path}
          className="size-32 shrink-0 rounded-lg"
        />
        <div className="min-w-0 grow">
          <div className="flex items-start gap-2">
            <p className="min-w-0 grow truncate font-medium" title={path}>
              {path}
            </p>
            <IconButton icon={X} label={t("compare.unchoose")} className="-mt-1.5" onClick={onClose} />
          </div>
          {(["a", "b"] as const).map((name) => {
            const found = name === "a" ? a : b;
            return (
              <div key={name} className="mt-1.5 flex items-center gap-3">
                <p className="w-36 shrink-0">
                  <span className={clsx("block truncate font-medium", name === "a" ? "text-accent" : "text-second")}>
                    {overviews[name].card.name}
                  </span>
                  <span className="block truncate text-muted">
                    {rows[name] < 0 ? t("compare.notHere") : (found?.names[0]?.label ?? t("labels.none"))}
                  </span>
                </p>
                <ul
                  className="flex min-w-0 gap-1 overflow-x-auto p-0.5"
                  tabIndex={found ? 0 : -1}
                  aria-label={t("compare.neighboursIn", { name: overviews[name].card.name })}
                >
                  {found?.names.slice(1).map(({ row, path: file, label }) => {
                    const inBoth = name === "a" ? both.has(row) : both.has(counterpart.b[row] ?? -1);
                    return (
                      <li key={row}>
                        <button
                          type="button"
                          aria-label={`${file}, ${label ?? t("labels.none")}${inBoth ? `, ${t("compare.inBoth")}` : ""}`}
                          title={file}
                          onClick={() => onFocus(name, row)}
                          className={clsx(
                            "block overflow-hidden rounded-md",
                            inBoth ? "ring-2 ring-accent" : "opacity-80 ring-1 ring-line hover:opacity-100",
                          )}
                        >
                          <Photo run={overviews[name].card} row={row} size={64} cover className="size-11" />
                        </button>
                      </li>
                    );
                  })}
                </ul>
                {name === "b" && a && b && rows.a >= 0 && rows.b >= 0 && (
                  <p className="tabular shrink-0 text-muted">
                    {t("compare.common", { count: both.size, total: Math.max(a.rows.length, b.rows.length) })}
                  </p>
                )}
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}

/** The photo itself, then its nearest in one run. */
function useNeighbourhood({ card }: Overview, row: number): Neighbourhood | undefined {
  const [found, setFound] = useState<{ row: number; value: Neighbourhood }>();
  useEffect(() => {
    if (row < 0) return;
    return ask<Neighbourhood>(
      ({ value }) => value && setFound({ row, value }),
      async (signal) => {
        const near = await client
          .call("run.neighbours", { run: card.run, row, k: AGREEMENT.k }, { signal })
          // A run whose features are gone still has photos and labels.
          .catch(() => ({ rows: new Uint32Array(0) }));
        const wanted = Uint32Array.of(row, ...near.rows);
        const { rows: names } = await client.call("run.rows", { run: card.run, rows: wanted }, { signal });
        return { rows: near.rows, names };
      },
    );
  }, [card.run, row]);
  return found?.row === row && row >= 0 ? found.value : undefined;
}

/** Rows of both runs for a photo of one. */
export function rowsOfBoth(
  side: SideName,
  row: number,
  counterpart: Readonly<Record<SideName, Int32Array>>,
): Readonly<Record<SideName, number>> {
  const other = counterpart[side][row] ?? -1;
  return { [side]: row, [OTHER[side]]: other } as Record<SideName, number>;
}
