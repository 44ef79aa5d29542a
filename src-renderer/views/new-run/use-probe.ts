import { useEffect, useState } from "react";
import type { Problem, ResponseOf } from "../../../src-main/api/channels.js";
import type { Preset } from "../../../src-main/api/contract.js";
import { client, isAbort, problemOf } from "../../api/client.js";
import { type S3Choice, s3Options } from "../../components/s3-choice.js";
import { probeListeners } from "../../state/app.js";

export interface ProbeState extends Partial<ResponseOf<"jobs.probe">> {
  readonly state: "idle" | "counting" | "measuring" | "done";
  readonly problem?: Problem;
}

/** People type paths: a probe starts when they pause. */
const PAUSE = 450;

let lastProbe = 0;

/**
 * Counts the photos of a source, then measures this machine on them. What was found stays while another preset is
 * measured; a newer question gives up the older one.
 */
export function useProbe({
  source,
  out,
  preset,
  labelFrom,
  s3,
}: {
  source: string;
  out: string;
  preset: Preset;
  labelFrom: "parent" | "none";
  s3: S3Choice;
}): ProbeState {
  const [state, setState] = useState<ProbeState>({ state: "idle" });
  useEffect(() => {
    if (source === "") {
      setState({ state: "idle" });
      return;
    }
    const giveUp = new AbortController();
    const { signal } = giveUp;
    const probe = `${Date.now().toString(36)}-${++lastProbe}`;
    let leave = () => {};
    const timer = setTimeout(async () => {
      leave = probeListeners.add((event) => {
        if (event.probe === probe)
          setState((now) => (now.state === "counting" ? { ...now, images: event.images } : now));
      });
      const request = { sources: [source], labelFrom, preset, s3: s3Options(s3), ...(out ? { out } : {}) };
      try {
        setState({ state: "counting" });
        const counted = await client.call("jobs.probe", { probe, ...request, measure: false }, { signal });
        if (signal.aborted) return;
        setState({ ...counted, state: counted.images > 0 ? "measuring" : "done" });
        if (counted.images === 0) return;
        const measured = await client.call("jobs.probe", { probe: `${probe}m`, ...request }, { signal });
        if (!signal.aborted) setState({ ...measured, state: "done" });
      } catch (error) {
        if (!isAbort(error) && !signal.aborted) setState({ state: "done", problem: problemOf(error) });
      } finally {
        leave();
      }
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      giveUp.abort();
      leave();
    };
  }, [source, out, preset, labelFrom, s3]);
  return state;
}
