import { clsx } from "clsx";
import type { ReactNode } from "react";

/** A label, what is filled in, and a line of help; the input takes `id` and is described by `${id}-help`. */
export function Field({
  id,
  label,
  help,
  wrong,
  children,
}: {
  id: string;
  label: string;
  help?: ReactNode;
  /** The help says why what was filled in will not do. */
  wrong?: boolean;
  children: ReactNode;
}) {
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1.5 block font-medium">
        {label}
      </label>
      {children}
      {help && (
        <p id={`${id}-help`} className={clsx("mt-1", wrong ? "text-danger" : "text-muted")}>
          {help}
        </p>
      )}
    </div>
  );
}

/** A line of text: paths, addresses, names. */
export function TextInput({
  id,
  value,
  onChange,
  placeholder,
  described,
  wrong,
  disabled,
}: {
  id: string;
  value: string;
  onChange: (text: string) => void;
  placeholder?: string;
  /** Has a line of help. */
  described?: boolean;
  /** Will not do as it is. */
  wrong?: boolean;
  disabled?: boolean;
}) {
  return (
    <input
      id={id}
      className="field w-full min-w-0 grow"
      value={value}
      onChange={({ target }) => onChange(target.value)}
      placeholder={placeholder}
      aria-describedby={described ? `${id}-help` : undefined}
      aria-invalid={wrong || undefined}
      disabled={disabled}
      spellCheck={false}
      autoComplete="off"
    />
  );
}

/** A line of text with its label and, where there is one, its line of help. */
export function TextField({
  label,
  help,
  ...input
}: { label: string; help?: ReactNode } & Omit<Parameters<typeof TextInput>[0], "described">) {
  return (
    <Field id={input.id} label={label} help={help} wrong={input.wrong ?? false}>
      <TextInput {...input} described={help !== undefined} />
    </Field>
  );
}
