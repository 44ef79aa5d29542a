/** What is read rather than looked at: settings, durations, label changes. */
import { clsx } from "clsx";
import { type ReactNode, useState } from "react";
import type { Overview } from "../../../src-main/api/channels.js";
import type { Comparison, Setting } from "../../../src-main/api/compare.js";
import type { Stage } from "../../../src-main/api/contract.js";
import { useSpeech } from "../../state/settings.js";
import type { SideName } from "./compare-logic.js";

type Overviews = Readonly<Record<SideName, Overview>>;

const STAGES: readonly Stage[] = ["fetch", "scan", "load", "embed", "fit", "transform"];

function Head({ overviews, first }: { overviews: Overviews; first: string }) {
  return (
    <thead>
      <tr className="text-left align-bottom">
        <th scope="col" className="py-1.5 pr-3 font-medium text-muted">
          {first}
        </th>
        <th scope="col" className="truncate py-1.5 pr-3 font-medium text-accent">
          {overviews.a.card.name}
        </th>
        <th scope="col" className="truncate py-1.5 font-medium text-second">
          {overviews.b.card.name}
        </th>
      </tr>
    </thead>
  );
}

function Row({ name, a, b, differs }: { name: string; a: ReactNode; b: ReactNode; differs: boolean }) {
  const cell = clsx("py-1.5 align-top [overflow-wrap:anywhere]", !differs && "text-muted");
  return (
    <tr>
      <th scope="row" className="py-1.5 pr-3 text-left align-top font-normal text-muted">
        {name}
      </th>
      <td className={clsx(cell, "pr-3")}>{a}</td>
      <td className={cell}>{b}</td>
    </tr>
  );
}

export function SettingsTable({ settings, overviews }: { settings: readonly Setting[]; overviews: Overviews }) {
  const { t } = useSpeech();
  const [all, setAll] = useState(false);
  const shown = settings.filter(({ a, b }) => all || a !== b);
  const value = ({ name }: Setting, text: string | null): string => {
    if (text === null) return "—";
    if (name === "kind") return t(text === "run" ? "compare.kind.run" : "compare.kind.pca");
    if (name === "preset" && (text === "fast" || text === "balanced" || text === "exact")) {
      return t(`new.preset.${text}`);
    }
    if (text === "yes" || text === "no") return t(text === "yes" ? "compare.yes" : "compare.no");
    if (name === "labelFrom" && (text === "parent" || text === "none")) return t(`new.labels.${text}`);
    return text;
  };
  return (
    <>
      {shown.length === 0 && <p className="py-1.5 text-muted">{t("compare.settings.same")}</p>}
      {shown.length > 0 && (
        <table className="w-full table-fixed">
          <colgroup>
            <col className="w-36" />
          </colgroup>
          <Head overviews={overviews} first={t("compare.setting")} />
          <tbody className="divide-y divide-line border-y border-line">
            {shown.map((setting) => (
              <Row
                key={setting.name}
                name={t(`compare.setting.${setting.name}`)}
                a={value(setting, setting.a)}
                b={value(setting, setting.b)}
                differs={setting.a !== setting.b}
              />
            ))}
          </tbody>
        </table>
      )}
      <label className="mt-2 flex w-fit items-center gap-2 text-muted">
        <input type="checkbox" className="accent-accent" checked={all} onChange={() => setAll(!all)} />
        {t("compare.settings.all")}
      </label>
    </>
  );
}

export function DurationsTable({ overviews }: { overviews: Overviews }) {
  const { t, n, duration } = useSpeech();
  const of = (side: SideName, stage: Stage) => overviews[side].stages.find((known) => known.stage === stage);
  const text = (side: SideName, stage: Stage): string => {
    const known = of(side, stage);
    if (!known) return "—";
    const rate = known.perSecond === null ? "" : ` · ${t(`jobs.rate.${known.unit}`, { rate: n(known.perSecond) })}`;
    return duration(known.seconds) + rate;
  };
  const total = (side: SideName) => {
    const { seconds } = overviews[side].card;
    return seconds === null ? "—" : duration(seconds);
  };
  const stages = STAGES.filter((stage) => of("a", stage) || of("b", stage));
  return (
    <table className="tabular w-full table-fixed">
      <colgroup>
        <col className="w-36" />
      </colgroup>
      <Head overviews={overviews} first={t("compare.stage")} />
      <tbody className="divide-y divide-line border-y border-line">
        {stages.map((stage) => (
          <Row key={stage} name={t(`jobs.stage.${stage}`)} a={text("a", stage)} b={text("b", stage)} differs />
        ))}
        <Row name={t("compare.total")} a={total("a")} b={total("b")} differs />
      </tbody>
    </table>
  );
}

export function LabelChanges({ comparison, overviews }: { comparison: Comparison; overviews: Overviews }) {
  const { t } = useSpeech();
  const { labelChanges, moreChanges } = comparison;
  if (labelChanges.length === 0) return <p className="py-1.5 text-muted">{t("compare.labels.same")}</p>;
  const name = (label: string | null) => label ?? t("labels.none");
  return (
    <section className="max-h-80 overflow-y-auto" tabIndex={0} aria-label={t("compare.labels")}>
      <table className="w-full table-fixed">
        <colgroup>
          <col className="w-36" />
        </colgroup>
        <Head overviews={overviews} first={t("compare.labels.photos")} />
        <tbody className="divide-y divide-line border-y border-line">
          {labelChanges.map(({ a, b, images }) => (
            <Row
              key={JSON.stringify([a, b])}
              name={t("runs.photos", { count: images })}
              a={name(a)}
              b={name(b)}
              differs
            />
          ))}
        </tbody>
      </table>
      {moreChanges > 0 && <p className="py-1.5 text-muted">{t("compare.labels.more", { count: moreChanges })}</p>}
    </section>
  );
}
