import type { Overview, Problem } from "../../../src-main/api/channels.js";
import type { AgreementAnswer } from "../../../src-main/api/compare.js";
import { Photo } from "../../components/Photo.js";
import { Bar, ProblemNote } from "../../components/ui.js";
import { useSpeech } from "../../state/settings.js";

/** Photos shown of those whose neighbours differ most. */
const SHOWN = 10;

/** How far both runs agree on what is alike. */
export function AgreementPart({
  agreement,
  problem,
  overview,
  onFocus,
}: {
  agreement: AgreementAnswer | undefined;
  problem: Problem | undefined;
  /** Of the first run, whose photos are shown. */
  overview: Overview;
  onFocus: (row: number) => void;
}) {
  const { t, percent } = useSpeech();
  if (problem) return <ProblemNote {...problem} />;
  if (!agreement) {
    return (
      <div className="py-2">
        <p role="status" className="mb-2 text-muted">
          {t("compare.agreement.wait")}
        </p>
        <Bar share={null} label={t("compare.agreement")} />
      </div>
    );
  }
  const { k, sample, overlap, byChance, histogram } = agreement;
  const most = Math.max(1, ...histogram);
  return (
    <>
      <p className="flex items-baseline gap-3">
        <span className="tabular text-2xl font-semibold tracking-tight" data-testid="overlap">
          {percent(overlap, 0)}
        </span>
        <span className="text-muted">
          {t("compare.agreement.text", { count: k, sample, chance: percent(byChance) })}
        </span>
      </p>
      <figure className="mt-3">
        <div className="flex h-20 items-end gap-1" aria-hidden="true">
          {histogram.map((images, count) => (
            <div
              // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its number of common neighbours.
              key={count}
              title={t("compare.agreement.bar", { count, images })}
              className="min-w-0 grow rounded-t-sm bg-accent"
              style={{
                height: images === 0 ? 1 : `${Math.max(3, (100 * images) / most)}%`,
                opacity: 0.45 + (0.55 * count) / k,
              }}
            />
          ))}
        </div>
        <div
          className="tabular flex gap-1 border-t border-line pt-1 text-center text-2xs text-muted"
          aria-hidden="true"
        >
          {histogram.map((_, count) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: see above.
            <span key={count} className="min-w-0 grow basis-0">
              {count}
            </span>
          ))}
        </div>
        <figcaption className="mt-1 text-muted">{t("compare.agreement.axis", { total: k })}</figcaption>
        <table className="sr-only">
          <tbody>
            {histogram.map((images, count) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: see above.
              <tr key={count}>
                <th scope="row">{count}</th>
                <td>{images}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </figure>
      <h3 className="mt-4 mb-1.5 font-medium">{t("compare.agreement.least")}</h3>
      <ul className="flex flex-wrap gap-1.5">
        {Array.from(agreement.rowsA.subarray(0, SHOWN), (row, at) => (
          <li key={row}>
            <button
              type="button"
              onClick={() => onFocus(row)}
              aria-label={t("compare.agreement.photo", { number: at + 1, count: agreement.common[at] ?? 0, total: k })}
              title={t("compare.common", { count: agreement.common[at] ?? 0, total: k })}
              className="block overflow-hidden rounded-md ring-1 ring-line hover:ring-2 hover:ring-accent"
            >
              <Photo run={overview.card} row={row} size={128} cover className="size-14" />
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
