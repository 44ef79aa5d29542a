import { type PointerEvent, useEffect, useRef, useState } from "react";
import type { Overview } from "../../../src-main/api/channels.js";
import { ticks } from "../../plots/ticks.js";
import { useSpeech } from "../../state/settings.js";
import { ComponentAxis } from "../variance/ComponentAxis.js";
import { cumulate } from "../variance/cumulate.js";
import type { SideName } from "./compare-logic.js";

const HEIGHT = 230;
const LEFT = 44;
const RIGHT = 16;
const TOP = 10;
const BOTTOM = 34;
const COLOURS: Readonly<Record<SideName, string>> = { a: "var(--accent)", b: "var(--second)" };

/** The cumulative curves of both runs over each other. */
export function VarianceCurves({ overviews }: { overviews: Readonly<Record<SideName, Overview>> }) {
  const { t, percent } = useSpeech();
  const host = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(500);
  const [hovered, setHovered] = useState<number>();
  useEffect(() => {
    if (!host.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(280, entry?.contentRect.width ?? 500)));
    observer.observe(host.current);
    return () => observer.disconnect();
  }, []);
  const sides = (["a", "b"] as const).flatMap((side) => {
    const { pca, card } = overviews[side];
    return pca ? [{ side, name: card.name, sums: cumulate(pca.explainedVarianceRatio) }] : [];
  });
  const most = Math.max(1, ...sides.map(({ sums }) => sums.length));
  const inner = width - LEFT - RIGHT;
  const x = (index: number) => LEFT + (most === 1 ? inner / 2 : (index / (most - 1)) * inner);
  const y = (share: number) => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  const point = (event: PointerEvent) => {
    const left = host.current?.getBoundingClientRect().left ?? 0;
    setHovered(Math.min(most - 1, Math.max(0, Math.round(((event.clientX - left - LEFT) / inner) * (most - 1)))));
  };
  return (
    <div ref={host} className="relative select-none">
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={t("compare.curves")}
        className="block text-2xs"
        onPointerMove={point}
        onPointerLeave={() => setHovered(undefined)}
      >
        {ticks(0, 1, 5).map((share) => (
          <g key={share}>
            <line x1={LEFT} x2={width - RIGHT} y1={y(share)} y2={y(share)} stroke="var(--line)" />
            <text x={LEFT - 8} y={y(share) + 4} textAnchor="end" fill="var(--muted)" className="tabular">
              {percent(share, 0)}
            </text>
          </g>
        ))}
        <ComponentAxis
          count={most}
          most={Math.min(8, inner / 60)}
          x={x}
          bottom={HEIGHT - BOTTOM}
          middle={LEFT + inner / 2}
        />
        {hovered !== undefined && (
          <line x1={x(hovered)} x2={x(hovered)} y1={TOP} y2={HEIGHT - BOTTOM} stroke="var(--line-strong)" />
        )}
        {sides.map(({ side, sums }) => {
          const last = sums.length - 1;
          const path = Array.from(sums, (sum, index) => `${index === 0 ? "M" : "L"}${x(index)},${y(sum)}`).join("");
          return (
            <g key={side}>
              <path
                d={path}
                fill="none"
                stroke={COLOURS[side]}
                strokeWidth={2}
                strokeLinejoin="round"
                // Not by colour alone.
                strokeDasharray={side === "b" ? "6 4" : undefined}
              />
              <circle
                cx={x(Math.min(hovered ?? last, last))}
                cy={y(sums[Math.min(hovered ?? last, last)] ?? 0)}
                r={4}
                fill={COLOURS[side]}
                stroke="var(--surface)"
                strokeWidth={2}
              />
            </g>
          );
        })}
      </svg>
      <ul className="tabular mt-1 space-y-0.5">
        {sides.map(({ side, name, sums }) => {
          const at = Math.min(hovered ?? sums.length - 1, sums.length - 1);
          return (
            <li key={side} className="flex items-center gap-2">
              <svg width="22" height="6" aria-hidden="true" className="shrink-0">
                <line
                  x1="0"
                  x2="22"
                  y1="3"
                  y2="3"
                  stroke={COLOURS[side]}
                  strokeWidth={2}
                  strokeDasharray={side === "b" ? "6 4" : undefined}
                />
              </svg>
              <span className="min-w-0 grow truncate">{name}</span>
              <span className="shrink-0 text-muted">
                {t("runs.components", { count: at + 1 })}, {percent(sums[at] ?? 0)}
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
