import { useEffect, useState } from "react";
import type { Problem, ResponseOf } from "../../../src-main/api/channels.js";
import { client, isAbort, problemOf } from "../../api/client.js";
import { isBucket, namesBucket, type S3Choice, s3Options } from "../../components/s3-choice.js";
import { lookListeners } from "../../state/app.js";

export type Report = ResponseOf<"features.inspect">;
export type Role = "path" | "label" | "features";
export type Names = Readonly<Partial<Record<Role, string | null>>>;

/** A look at features: what it found, how far it is, and how to end or repeat it. */
export interface Look {
  readonly report?: Report;
  readonly problem?: Problem;
  readonly busy: boolean;
  /** Bytes of the file that has to be here before anything can be said; absent where nothing is fetched. */
  readonly fetched?: { readonly done: number; readonly total: number };
  readonly stopped: boolean;
  readonly stop: () => void;
  readonly again: () => void;
}

/** People type paths: a look starts when they pause. */
const PAUSE = 350;
/** A look into a bucket may fetch a file: half an address names another one. */
const PAUSE_BUCKET = 900;

let lastLook = 0;

/** Roles that were chosen; a path or features column that was taken back is found by its usual name again. */
export function columnsOf({ path, label, features }: Names) {
  return {
    ...(path ? { path } : {}),
    ...(label === undefined ? {} : { label }),
    ...(features ? { features } : {}),
  };
}

type Found = { readonly source: string; readonly report?: Report; readonly problem?: Problem };

/** What stands at a path or address. What was found stays on the screen while other columns are tried. */
export function useReport(source: string, names: Names, s3: S3Choice): Look {
  const [found, setFound] = useState<Found>();
  const [state, setState] = useState<Pick<Look, "busy" | "stopped" | "fetched">>(IDLE);
  const [turn, setTurn] = useState(0);
  const [giveUp, setGiveUp] = useState<AbortController>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another turn is another look at the same.
  useEffect(() => {
    if (source === "" || (isBucket(source) && !namesBucket(source))) {
      setState(IDLE);
      return;
    }
    const controller = new AbortController();
    const { signal } = controller;
    const look = `${Date.now().toString(36)}-${++lastLook}`;
    setGiveUp(controller);
    setState(LOOKING);
    const bucket = isBucket(source);
    const request = { path: source, columns: columnsOf(names), ...(bucket ? { s3: s3Options(s3), look } : {}) };
    const timer = setTimeout(
      async () => {
        const leave = lookListeners.add((event) => {
          if (event.look === look && !signal.aborted) setState({ ...LOOKING, fetched: event });
        });
        try {
          const report = await client.call("features.inspect", request, { signal });
          if (!signal.aborted) setFound({ source, report });
        } catch (error) {
          if (!signal.aborted && !isAbort(error)) setFound({ source, problem: problemOf(error) });
        } finally {
          leave();
          if (!signal.aborted) setState(IDLE);
        }
      },
      bucket ? PAUSE_BUCKET : PAUSE,
    );
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [source, names, s3, turn]);
  const stop = () => {
    giveUp?.abort();
    setFound(undefined);
    setState({ busy: false, stopped: true });
  };
  return {
    ...state,
    ...(found?.source === source ? found : {}),
    stop,
    again: () => setTurn((before) => before + 1),
  };
}

const IDLE = { busy: false, stopped: false };
const LOOKING = { busy: true, stopped: false };
