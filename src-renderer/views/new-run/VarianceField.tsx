import { Field } from "../../components/Field.js";
import { useSpeech } from "../../state/settings.js";

/** The share of the variance that the kept components shall explain. */
export function VarianceField({
  id,
  value,
  onChange,
}: {
  id: string;
  value: number;
  onChange: (share: number) => void;
}) {
  const { t, percent } = useSpeech();
  return (
    <Field id={id} label={t("new.variance")} help={t("new.varianceHelp")}>
      <div className="flex h-8 items-center gap-3">
        <input
          id={id}
          aria-describedby={`${id}-help`}
          type="range"
          min={0.5}
          max={0.99}
          step={0.01}
          value={value}
          onChange={(event) => onChange(Number(event.target.value))}
          className="min-w-0 grow accent-accent"
        />
        <output htmlFor={id} className="tabular w-12 text-right font-semibold">
          {percent(value, 0)}
        </output>
      </div>
    </Field>
  );
}
