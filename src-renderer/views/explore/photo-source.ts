import { imageUrl } from "../../api/client.js";
import type { PhotoSource } from "../../plots/overlay.js";

/** Photos that are kept decoded at most: 64 px each, some 16 kB. */
const KEPT = 1500;
/** Photos on their way at once, so that a pan over a thousand photos does not queue them all. */
const AT_ONCE = 24;

/** Small photos for the map, fetched as they are asked for, latest first. */
export function photoSource(run: { run: string; version: string }): PhotoSource & { close(): void } {
  const ready = new Map<number, HTMLImageElement | undefined>();
  let wanted: number[] = [];
  let under = 0;
  let closed = false;
  const next = () => {
    while (!closed && under < AT_ONCE && wanted.length > 0) {
      const row = wanted.pop() as number;
      if (ready.has(row)) continue;
      ready.set(row, undefined);
      under++;
      const image = new Image();
      image.decoding = "async";
      const end = (loaded: boolean) => {
        under--;
        if (loaded && !closed) {
          ready.set(row, image);
          source.onLoad();
        }
        next();
      };
      image.onload = () => end(true);
      image.onerror = () => end(false);
      image.src = imageUrl(run, row, 64);
    }
  };
  const source: PhotoSource & { close(): void } = {
    onLoad: () => {},
    get(row) {
      const photo = ready.get(row);
      if (photo) {
        // Asked for last, dropped last.
        ready.delete(row);
        ready.set(row, photo);
      } else if (!ready.has(row)) {
        wanted = [...wanted.slice(-200), row];
        if (ready.size > KEPT) ready.delete(ready.keys().next().value as number);
        queueMicrotask(next);
      }
      return photo;
    },
    close() {
      closed = true;
      ready.clear();
    },
  };
  return source;
}
