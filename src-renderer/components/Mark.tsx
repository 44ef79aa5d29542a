import { clsx } from "clsx";
import { OUTLINES, type Shape } from "../plots/shapes.js";

/** A point as the map draws it, in its colour and shape. */
export function Mark({ shape, colour, className }: { shape: Shape; colour: string; className?: string }) {
  return (
    <svg viewBox="-1.15 -1.15 2.3 2.3" aria-hidden="true" className={clsx("shrink-0", className)}>
      <path d={OUTLINES[shape]} fill={colour} />
    </svg>
  );
}
