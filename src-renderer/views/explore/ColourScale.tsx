import { useMemo } from "react";
import { continuousPalette, toHex } from "../../plots/colour.js";
import { SIZES } from "../../plots/point-layer.js";
import { pointSize } from "../../plots/scatter-plot.js";
import { useExplore } from "../../state/explore.js";
import { percentiles } from "../../state/explore-logic.js";
import { useSpeech, useTheme } from "../../state/settings.js";
import { sayValue } from "./say-value.js";

/** What the colours of a column and the sizes of the third component mean. */
export function ColourScale() {
  const colour = useExplore((state) => state.colour);
  const depth = useExplore((state) => state.points?.depth ?? null);
  if (colour === "label" && !depth) return null;
  return (
    <div className="pointer-events-none absolute top-2 right-3 flex w-56 flex-col gap-2 rounded-md bg-surface/85 px-2 py-1.5">
      {colour !== "label" && <Colours />}
      {depth && colour !== "depth" && <Sizes depth={depth} />}
    </div>
  );
}

function useThirdTitle(): string {
  const { t, percent } = useSpeech();
  const third = useExplore((state) => state.third) ?? 0;
  const ratios = useExplore((state) => state.overview?.pca?.explainedVarianceRatio);
  return t("explore.componentShare", { number: third + 1, share: percent(ratios?.[third] ?? 0) });
}

function Colours() {
  const speech = useSpeech();
  const { t } = speech;
  const theme = useTheme();
  const colour = useExplore((state) => state.colour);
  const values = useExplore((state) => state.values);
  const third = useThirdTitle();
  const ends = useMemo(() => (values ? percentiles(values, 0.01, 0.99) : undefined), [values]);
  if (!ends || colour === "label") return null;
  const stops = continuousPalette(theme)
    .filter((_, step) => step % 32 === 0 || step === 255)
    .map(toHex);
  return (
    <div>
      <p className="mb-1 text-2xs font-medium">{colour === "depth" ? third : t(`explore.colour.${colour}`)}</p>
      <div className="h-2 rounded-full" style={{ background: `linear-gradient(to right, ${stops.join(",")})` }} />
      <p className="tabular mt-1 flex justify-between text-2xs text-muted">
        <span>{sayValue(speech, colour, ends[0], ends[1] - ends[0])}</span>
        <span>{sayValue(speech, colour, ends[1], ends[1] - ends[0])}</span>
      </p>
    </div>
  );
}

/** Five points from the smallest to the largest, in the proportions of the map. */
function Sizes({ depth }: { depth: Float32Array }) {
  const speech = useSpeech();
  const title = useThirdTitle();
  const zoom = useExplore((state) => state.camera?.zoom ?? 1);
  const [low, high] = useMemo(() => percentiles(depth, 0.01, 0.99), [depth]);
  const diameter = pointSize(depth.length, zoom);
  const steps = [0, 0.25, 0.5, 0.75, 1];
  return (
    <div>
      <p className="mb-1 text-2xs font-medium">{title}</p>
      <p className="flex h-7 items-center justify-between" aria-hidden="true">
        {steps.map((step) => {
          const side = diameter * (SIZES.least + step * (SIZES.most - SIZES.least));
          return <span key={step} className="rounded-full bg-muted" style={{ width: side, height: side }} />;
        })}
      </p>
      <p className="tabular flex justify-between text-2xs text-muted">
        <span>{sayValue(speech, "depth", low)}</span>
        <span>{sayValue(speech, "depth", high)}</span>
      </p>
    </div>
  );
}
