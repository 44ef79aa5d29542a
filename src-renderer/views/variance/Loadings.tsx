import { useEffect, useMemo, useRef, useState } from "react";
import type { Overview } from "../../../src-main/api/channels.js";
import { client, isAbort } from "../../api/client.js";
import { tellError } from "../../state/app.js";
import { useSpeech, useTheme } from "../../state/settings.js";
import { byWeight, type Loading, strip, strongest } from "./loadings.js";

/** Features named on each side. */
const NAMED = 10;
/** Components in the strip. */
const LINES = 24;

/** Which features a component is made of: the strongest by name, and all of them as a strip beside other components'. */
export function Loadings({
  overview,
  component,
  onComponent,
}: {
  overview: Overview;
  component: number;
  onComponent: (component: number) => void;
}) {
  const { t, n } = useSpeech();
  const { run, version } = overview.card;
  const kept = overview.pca?.components ?? 0;
  const first = Math.max(0, Math.min(component - LINES / 2, kept - LINES));
  const [answer, setAnswer] = useState<{ first: number; loadings: readonly Float32Array[] }>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version of the run has another model.
  useEffect(() => {
    const giveUp = new AbortController();
    const components = Array.from({ length: Math.min(LINES, kept) }, (_, line) => first + line);
    client.call("run.loadings", { run, components }, { signal: giveUp.signal }).then(
      ({ loadings }) => setAnswer({ first, loadings }),
      (error) => isAbort(error) || tellError(error),
    );
    return () => giveUp.abort();
  }, [run, version, first, kept]);
  const loadings = answer?.loadings[component - answer.first];
  const sides = useMemo(() => loadings && strongest(loadings, NAMED), [loadings]);
  return (
    <section aria-labelledby="loadings" className="mt-10">
      <h2 id="loadings" className="font-semibold">
        {t("variance.loadings", { number: component + 1 })}
      </h2>
      <p className="mb-4 max-w-[75ch] text-muted">
        {t("variance.loadingsText", {
          dimension: n(loadings?.length ?? 0),
          model: overview.model?.name ?? t("variance.model"),
        })}
      </p>
      {sides && loadings && (
        <div className="grid gap-8 lg:grid-cols-2">
          <Bars title={t("variance.negative")} entries={sides.negative} most={sides.most} />
          <Bars title={t("variance.positive")} entries={sides.positive} most={sides.most} />
        </div>
      )}
      {answer && loadings && (
        <Strip loadings={answer.loadings} first={answer.first} component={component} onComponent={onComponent} />
      )}
    </section>
  );
}

function Bars({ title, entries, most }: { title: string; entries: readonly Loading[]; most: number }) {
  const { t, fixed, n } = useSpeech();
  return (
    <div>
      <h3 className="mb-2 text-2xs font-semibold tracking-wide text-muted uppercase">{title}</h3>
      {entries.length === 0 && <p className="text-muted">{t("variance.noLoadings")}</p>}
      <ul className="flex flex-col gap-0.5">
        {entries.map(({ feature, value }) => (
          <li key={feature} className="tabular grid h-5 grid-cols-[6rem_1fr_3.5rem] items-center gap-2">
            <span className="truncate text-muted">{t("variance.feature", { number: n(feature) })}</span>
            <span className="h-3" aria-hidden="true">
              <span
                className={`block h-full rounded-sm ${value < 0 ? "bg-[var(--negative)]" : "bg-[var(--positive)]"}`}
                style={{ width: `${(100 * Math.abs(value)) / most}%` }}
              />
            </span>
            <span className="text-right">{fixed(value)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

const LINE = 12;

/** All features of some components, one line each: blue below zero, red above, as pale as they are small. */
function Strip({
  loadings,
  first,
  component,
  onComponent,
}: {
  loadings: readonly Float32Array[];
  first: number;
  component: number;
  onComponent: (component: number) => void;
}) {
  const { t, n, fixed } = useSpeech();
  const theme = useTheme();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hovered, setHovered] = useState<{ feature: number; line: number }>();
  const order = useMemo(() => byWeight(loadings[component - first]), [loadings, component, first]);
  const picture = useMemo(() => strip(loadings, order, theme), [loadings, order, theme]);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || picture.width === 0) return;
    context.putImageData(new ImageData(picture.pixels, picture.width, picture.height), 0, 0);
  }, [picture]);
  const at = (event: { currentTarget: HTMLElement; clientX: number; clientY: number }) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (value: number, length: number, count: number) =>
      Math.min(count - 1, Math.max(0, Math.floor((value / length) * count)));
    return {
      feature: order[share(event.clientX - box.left, box.width, order.length)] ?? 0,
      line: share(event.clientY - box.top, box.height, loadings.length),
    };
  };
  const value = hovered && loadings[hovered.line]?.[hovered.feature];
  return (
    <figure className="mt-8 mb-4">
      <figcaption className="mb-2 flex flex-wrap items-baseline justify-between gap-x-4">
        <span className="text-2xs font-semibold tracking-wide text-muted uppercase">{t("variance.strip")}</span>
        <span className="tabular text-2xs text-muted">
          {hovered && value !== undefined
            ? `${t("explore.component", { number: first + hovered.line + 1 })} · ${t("variance.feature", {
                number: n(hovered.feature + 1),
              })} · ${fixed(value)}`
            : t("variance.stripText", { number: n(component + 1) })}
        </span>
      </figcaption>
      <div className="flex">
        <div className="tabular relative w-8 shrink-0 text-2xs text-muted" aria-hidden="true">
          {loadings.map((_, line) => {
            const number = first + line + 1;
            if (number % 5 !== 0 && first + line !== component) return null;
            return (
              <span
                key={number}
                className={`absolute right-2 leading-none ${first + line === component ? "font-semibold text-ink" : ""}`}
                style={{ top: line * LINE + 1 }}
              >
                {number}
              </span>
            );
          })}
        </div>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the choice of components above does the same by keyboard. */}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: see above. */}
        <div
          className="relative min-w-0 grow"
          onPointerMove={(event) => setHovered(at(event))}
          onPointerLeave={() => setHovered(undefined)}
          onClick={(event) => onComponent(first + at(event).line)}
        >
          <canvas
            ref={canvas}
            width={picture.width}
            height={picture.height}
            role="img"
            aria-label={t("variance.stripLabel", { from: n(first + 1), to: n(first + loadings.length) })}
            className="w-full cursor-pointer rounded-sm ring-1 ring-line [image-rendering:pixelated]"
            style={{ height: loadings.length * LINE }}
          />
          <span
            aria-hidden="true"
            className="pointer-events-none absolute -inset-x-0.5 rounded-sm ring-2 ring-accent"
            style={{ top: (component - first) * LINE, height: LINE }}
          />
        </div>
      </div>
    </figure>
  );
}
