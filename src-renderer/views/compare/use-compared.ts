import { useEffect, useState } from "react";
import type { Overview, Problem } from "../../../src-main/api/channels.js";
import type { AgreementAnswer, Comparison } from "../../../src-main/api/compare.js";
import { client, isAbort, problemOf } from "../../api/client.js";
import type { Axis } from "../../plots/grid-lines.js";
import { runListeners } from "../../state/app.js";
import { normalise } from "../../state/explore-logic.js";

export interface Points {
  readonly xy: Float32Array;
  readonly x: Pick<Axis, "low" | "high">;
  readonly y: Pick<Axis, "low" | "high">;
  /** Label id per row. */
  readonly ids: Uint32Array;
}

export interface Compared {
  readonly a: Overview;
  readonly b: Overview;
  readonly comparison: Comparison;
}

type Loaded<T> = { readonly value?: T; readonly problem?: Problem };

/** Fetches again when one of the runs changes. */
export function useCompared(a: string, b: string): Loaded<Compared> {
  const [loaded, setLoaded] = useState<Loaded<Compared>>({});
  const turn = useChanges(a, b);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of a run is a reason to ask again.
  useEffect(
    () =>
      ask(setLoaded, async (signal) => {
        const [ofA, ofB, comparison] = await Promise.all([
          client.call("run.overview", { run: a }, { signal }),
          client.call("run.overview", { run: b }, { signal }),
          client.call("runs.compare", { a, b }, { signal }),
        ]);
        return { a: ofA, b: ofB, comparison };
      }),
    [a, b, turn],
  );
  return loaded;
}

/** How far both agree on what is alike; takes seconds for large runs. */
export function useAgreement(a: string, b: string, compared: Compared | undefined): Loaded<AgreementAnswer> {
  const [loaded, setLoaded] = useState<Loaded<AgreementAnswer>>({});
  // Corrected labels change nothing of it.
  const versions = compared && `${compared.a.card.version} ${compared.b.card.version}`;
  useEffect(() => {
    if (!versions) return;
    return ask(setLoaded, (signal) => client.call("runs.agreement", { a, b }, { signal }));
  }, [a, b, versions]);
  return loaded;
}

/** Points of one run along two of its components; none while it has no PCA. */
export function usePoints(overview: Overview, [x, y]: readonly [number, number]): Points | undefined {
  const [points, setPoints] = useState<Points>();
  const { run, version } = overview.card;
  const kept = overview.pca?.components ?? 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version of the run has other points.
  useEffect(() => {
    if (kept === 0) return;
    // A run that kept one component shows it twice rather than nothing.
    const components = [Math.min(x, kept - 1), Math.min(y, kept - 1)];
    return ask<Points>(
      ({ value }) => setPoints(value),
      async (signal) => {
        const { axes, ranges, labels } = await client.call("run.coordinates", { run, components }, { signal });
        const [low, high = low] = axes;
        const [ofX = [0, 0], ofY = ofX] = ranges;
        const none = new Float32Array(0);
        return {
          xy: normalise(low ?? none, high ?? none, [ofX, ofY]),
          x: { low: ofX[0], high: ofX[1] },
          y: { low: ofY[0], high: ofY[1] },
          ids: labels,
        };
      },
    );
  }, [run, version, kept, x, y]);
  return points;
}

/** Counts the changes of two runs. */
function useChanges(a: string, b: string): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    return runListeners.add(({ run }) => {
      if (run === a || run === b) setTurn((before) => before + 1);
    });
  }, [a, b]);
  return turn;
}

/** Calls, and gives up when the view no longer wants the answer. */
export function ask<T>(take: (loaded: Loaded<T>) => void, call: (signal: AbortSignal) => Promise<T>): () => void {
  const stop = new AbortController();
  call(stop.signal).then(
    (value) => {
      if (!stop.signal.aborted) take({ value });
    },
    (error: unknown) => {
      if (!stop.signal.aborted && !isAbort(error)) take({ problem: problemOf(error) });
    },
  );
  return () => stop.abort();
}
