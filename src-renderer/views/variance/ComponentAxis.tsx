import { ticks } from "../../plots/ticks.js";
import { useSpeech } from "../../state/settings.js";

/** The numbers of the components below a chart, and what they are. Lengths are in pixels. */
export function ComponentAxis({
  count,
  most,
  x,
  bottom,
  middle,
}: {
  /** Components, from 1 on. */
  count: number;
  /** Numbers to show, about. */
  most: number;
  /** Where the component of an index, from 0 on, stands. */
  x: (index: number) => number;
  /** Where the chart ends. */
  bottom: number;
  /** Where its middle is. */
  middle: number;
}) {
  const { t, n } = useSpeech();
  return (
    <g fill="var(--muted)" textAnchor="middle">
      {ticks(1, count, most)
        .filter((number) => Number.isInteger(number) && number >= 1 && number <= count)
        .map((number) => (
          <text key={number} x={x(number - 1)} y={bottom + 16} className="tabular">
            {n(number)}
          </text>
        ))}
      <text x={middle} y={bottom + 31}>
        {t("variance.axis")}
      </text>
    </g>
  );
}
