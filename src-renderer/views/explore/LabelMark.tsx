import { clsx } from "clsx";
import { Check } from "lucide-react";
import { Mark } from "../../components/Mark.js";
import { Popover } from "../../components/Popover.js";
import { SHAPES, type Shape } from "../../plots/shapes.js";
import { setOwnColour, setOwnShape, useExplore } from "../../state/explore.js";
import { useSpeech } from "../../state/settings.js";

/** How a label is drawn on the map; a click lets another colour and shape be chosen. */
export function LabelMark({
  name,
  said,
  shape,
  colour,
  faint,
  open,
  onOpen,
}: {
  name: string | null;
  said: string;
  shape: Shape;
  colour: string;
  faint: boolean;
  open: boolean;
  onOpen: (open: boolean) => void;
}) {
  const { t } = useSpeech();
  const changed = useExplore((state) => state.own.has(name ?? "") || state.ownShapes.has(name ?? ""));
  return (
    <Popover
      label={t("labels.mark", { label: said })}
      open={open}
      onOpenChange={onOpen}
      tabIndex={-1}
      triggerClass="flex size-7 shrink-0 items-center justify-center rounded"
      trigger={<Mark shape={shape} colour={colour} className={clsx("size-3.5", faint && "opacity-30")} />}
      className="w-60"
    >
      <h3 className="mb-2 font-semibold break-words">{said}</h3>
      <label className="flex items-center justify-between gap-3">
        {t("labels.colour")}
        <input
          type="color"
          value={colour}
          onChange={(event) => setOwnColour(name, event.target.value)}
          className="h-7 w-14 cursor-pointer rounded-md border border-line-strong bg-surface p-0.5"
        />
      </label>
      <fieldset className="mt-2">
        <legend className="mb-1">{t("labels.shape")}</legend>
        <div className="flex justify-between">
          {SHAPES.map((choice) => (
            <label
              key={choice}
              title={t(`labels.shape.${choice}`)}
              className="flex size-8 cursor-pointer items-center justify-center rounded-md hover:bg-sunken has-[:checked]:bg-accent-soft has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-accent"
            >
              <input
                type="radio"
                name="label-shape"
                aria-label={t(`labels.shape.${choice}`)}
                className="sr-only"
                checked={choice === shape}
                onChange={() => setOwnShape(name, choice)}
              />
              <Mark shape={choice} colour={colour} className="size-4" />
            </label>
          ))}
        </div>
      </fieldset>
      <button
        type="button"
        disabled={!changed}
        className="mt-2 flex h-7 w-full items-center gap-1.5 rounded-md px-1 font-medium text-accent hover:bg-sunken disabled:text-muted disabled:hover:bg-transparent"
        onClick={() => {
          setOwnColour(name, undefined);
          setOwnShape(name, undefined);
        }}
      >
        <Check size={14} aria-hidden className={changed ? "invisible" : ""} />
        {t("labels.automatic")}
      </button>
    </Popover>
  );
}
