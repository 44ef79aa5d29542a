import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { ticks } from "../../plots/ticks.js";
import { useSpeech } from "../../state/settings.js";
import { ComponentAxis } from "./ComponentAxis.js";

const HEIGHT = 300;
const LEFT = 52;
const RIGHT = 56;
const TOP = 14;
const BOTTOM = 34;
/** Pixels: two components are two bars, not two walls. */
const MOST_BAR = 72;

/**
 * Scree and cumulative curve over the components, each with its own axis (bars left, curve right), and the target line,
 * which can be dragged or moved by keyboard.
 */
export function VarianceChart({
  ratios,
  sums,
  target,
  needed,
  component,
  onTarget,
  onComponent,
}: {
  ratios: Float64Array;
  sums: Float64Array;
  target: number;
  needed: number | undefined;
  component: number;
  onTarget: (target: number) => void;
  onComponent: (component: number) => void;
}) {
  const { t, n, percent } = useSpeech();
  const host = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(900);
  const [hovered, setHovered] = useState<number>();
  useEffect(() => {
    if (!host.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(320, entry?.contentRect.width ?? 900)));
    observer.observe(host.current);
    return () => observer.disconnect();
  }, []);
  const count = ratios.length;
  const inner = width - LEFT - RIGHT;
  const step = inner / count;
  const bar = Math.min(MOST_BAR, Math.max(0.5, step - Math.min(4, step * 0.24)));
  const highest = ratios[0] ?? 1;
  const x = (index: number) => LEFT + (index + 0.5) * step;
  const yBar = (share: number) => HEIGHT - BOTTOM - (share / highest) * (HEIGHT - TOP - BOTTOM);
  const ySum = (share: number) => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  const set = (share: number) => onTarget(Math.round(Math.min(0.999, Math.max(0.01, share)) * 1000) / 1000);
  const shareAt = (event: PointerEvent) => {
    const top = host.current?.getBoundingClientRect().top ?? 0;
    return (HEIGHT - BOTTOM - (event.clientY - top)) / (HEIGHT - TOP - BOTTOM);
  };
  const indexAt = (event: PointerEvent) => {
    const left = host.current?.getBoundingClientRect().left ?? 0;
    return Math.min(count - 1, Math.max(0, Math.floor((event.clientX - left - LEFT) / step)));
  };
  const onKey = (event: KeyboardEvent) => {
    const by = { ArrowUp: 0.01, ArrowRight: 0.01, ArrowDown: -0.01, ArrowLeft: -0.01, PageUp: 0.05, PageDown: -0.05 }[
      event.key
    ];
    if (by === undefined) return;
    event.preventDefault();
    set(target + by);
  };
  const curve = Array.from(sums, (sum, index) => `${index === 0 ? "M" : "L"}${x(index)},${ySum(sum)}`).join("");
  const shown = hovered ?? component;
  const atEnd = needed !== undefined && needed > 0.8 * count;
  return (
    <div ref={host} className="relative mt-4 mb-1 select-none">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the choice of components below does the same by keyboard. */}
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={t("variance.chart")}
        className="block text-2xs"
        onPointerMove={(event) => setHovered(indexAt(event))}
        onPointerLeave={() => setHovered(undefined)}
        onClick={(event) => onComponent(indexAt(event as unknown as PointerEvent))}
      >
        {ticks(0, 1, 5).map((share) => (
          <g key={share}>
            <line x1={LEFT} x2={width - RIGHT} y1={ySum(share)} y2={ySum(share)} stroke="var(--line)" />
            <text x={width - RIGHT + 8} y={ySum(share) + 4} fill="var(--accent)" className="tabular">
              {percent(share, 0)}
            </text>
          </g>
        ))}
        {ticks(0, highest, 4).map((share) => (
          <text key={share} x={LEFT - 8} y={yBar(share) + 4} textAnchor="end" fill="var(--muted)" className="tabular">
            {percent(share)}
          </text>
        ))}
        {Array.from(ratios, (ratio, index) => (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a component is its number.
            key={index}
            x={x(index) - bar / 2}
            width={bar}
            y={yBar(ratio)}
            height={HEIGHT - BOTTOM - yBar(ratio)}
            rx={Math.min(2, bar / 4)}
            fill={index === shown ? "var(--muted)" : "color-mix(in srgb, var(--line-strong) 45%, var(--ground))"}
            opacity={needed === undefined || index < needed ? 1 : 0.4}
          />
        ))}
        {count > 1 && <path d={curve} fill="none" stroke="var(--accent)" strokeWidth={2} strokeLinejoin="round" />}
        <circle
          cx={x(shown)}
          cy={ySum(sums[shown] ?? 0)}
          r={4}
          fill="var(--accent)"
          stroke="var(--ground)"
          strokeWidth={2}
        />
        <ComponentAxis
          count={count}
          most={Math.min(12, inner / 70)}
          x={x}
          bottom={HEIGHT - BOTTOM}
          middle={LEFT + inner / 2}
        />
        <line
          x1={LEFT}
          x2={width - RIGHT}
          y1={ySum(target)}
          y2={ySum(target)}
          stroke="var(--warning)"
          strokeWidth={1.5}
          strokeDasharray="5 4"
        />
        {needed !== undefined && (
          <line
            x1={x(needed - 1)}
            x2={x(needed - 1)}
            y1={ySum(target)}
            y2={HEIGHT - BOTTOM}
            stroke="var(--warning)"
            strokeDasharray="2 3"
          />
        )}
        {needed !== undefined && (
          <text
            // Below the target line: right of the curve, or left of it and below the slider's handle.
            x={x(needed - 1) + (atEnd ? -8 : 8)}
            y={ySum(target) + (atEnd ? 34 : 17)}
            textAnchor={atEnd ? "end" : "start"}
            fill="var(--warning)"
            stroke="var(--ground)"
            strokeWidth={4}
            paintOrder="stroke"
            className="tabular text-sm font-semibold"
          >
            {`k = ${n(needed)}`}
          </text>
        )}
      </svg>
      <div
        role="slider"
        tabIndex={0}
        aria-label={t("variance.target")}
        aria-orientation="vertical"
        aria-valuemin={1}
        aria-valuemax={99.9}
        aria-valuenow={Math.round(target * 1000) / 10}
        aria-valuetext={percent(target)}
        onKeyDown={onKey}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && set(shareAt(event))}
        className="absolute flex h-5 cursor-ns-resize touch-none items-center rounded focus-visible:outline-offset-0"
        style={{ left: LEFT, right: RIGHT, top: ySum(target) - 10 }}
      >
        <span className="tabular ml-auto rounded bg-warning px-1.5 text-2xs font-semibold text-ground">
          {t("variance.targetLine", { share: percent(target) })}
        </span>
      </div>
      <p
        className="tabular pointer-events-none absolute flex flex-col gap-0.5 rounded-md bg-raised/90 px-2 py-1 text-2xs ring-1 ring-line"
        style={{ right: RIGHT + 12, bottom: BOTTOM + 12 }}
      >
        <span className="font-semibold">{t("explore.component", { number: shown + 1 })}</span>
        <span className="text-muted">{t("variance.each", { share: percent(ratios[shown] ?? 0, 2) })}</span>
        <span className="text-accent">{t("variance.sum", { share: percent(sums[shown] ?? 0, 2) })}</span>
      </p>
    </div>
  );
}
