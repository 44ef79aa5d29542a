import { toHex } from "../../plots/colour.js";
import type { Shape } from "../../plots/shapes.js";
import { useExplore } from "../../state/explore.js";
import { labelColour, labelShape } from "../../state/explore-logic.js";
import { useTheme } from "../../state/settings.js";

/** Colour and shape of a label as the map draws them. */
export function useLabelMark(): (label: number) => { colour: string; shape: Shape } {
  const theme = useTheme();
  const labels = useExplore((state) => state.labels);
  const own = useExplore((state) => state.own);
  const ownShapes = useExplore((state) => state.ownShapes);
  const shapes = useExplore((state) => state.shapes);
  return (label) => {
    const name = labels[label]?.name ?? null;
    return {
      colour: toHex(labelColour(label, name, own, theme)),
      shape: labelShape(label, name, labels.length, { ownShapes, shapes }),
    };
  };
}
