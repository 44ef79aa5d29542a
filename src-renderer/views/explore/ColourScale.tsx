import { useMemo } from "react";
import { continuousPalette, toHex } from "../../plots/colour.js";
import { useExplore } from "../../state/explore.js";
import { percentiles } from "../../state/explore-logic.js";
import { useSpeech, useTheme } from "../../state/settings.js";

/** What the colours of a column mean. */
export function ColourScale() {
  const { t, n, bytes, date } = useSpeech();
  const theme = useTheme();
  const colour = useExplore((state) => state.colour);
  const values = useExplore((state) => state.values);
  const ends = useMemo(() => (values ? percentiles(values, 0.01, 0.99) : undefined), [values]);
  if (!ends || colour === "label") return null;
  const say = (value: number) =>
    colour === "size" ? bytes(value) : colour === "modified" ? date(value) : n(value, colour === "outlier" ? 1 : 0);
  const stops = continuousPalette(theme)
    .filter((_, step) => step % 32 === 0 || step === 255)
    .map(toHex);
  return (
    <div className="pointer-events-none absolute top-2 right-3 w-56 rounded-md bg-surface/85 px-2 py-1.5">
      <p className="mb-1 text-2xs font-medium">{t(`explore.colour.${colour}`)}</p>
      <div className="h-2 rounded-full" style={{ background: `linear-gradient(to right, ${stops.join(",")})` }} />
      <p className="tabular mt-1 flex justify-between text-2xs text-muted">
        <span>{say(ends[0])}</span>
        <span>{say(ends[1])}</span>
      </p>
    </div>
  );
}
