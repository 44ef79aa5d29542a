import { clsx } from "clsx";
import { Check, TriangleAlert, X } from "lucide-react";
import { IconButton } from "../components/ui.js";
import { dismiss, useApp } from "../state/app.js";
import { useSpeech } from "../state/settings.js";

/** Short messages in the corner; spoken by screen readers as they come. */
export function Notes() {
  const { t, said } = useSpeech();
  const notes = useApp((state) => state.notes);
  return (
    <div
      aria-live="polite"
      className="pointer-events-none fixed right-4 bottom-14 z-50 flex w-96 max-w-[90vw] flex-col gap-2"
    >
      {notes.map(({ id, kind, text, problem, action }) => (
        <div
          key={id}
          className="pointer-events-auto flex items-start gap-2.5 rounded-lg border border-line bg-raised py-2 pr-2 pl-3 shadow-xl"
        >
          <span className={clsx("mt-0.5 shrink-0", kind === "error" ? "text-danger" : "text-accent")}>
            {kind === "error" ? <TriangleAlert size={16} aria-hidden /> : <Check size={16} aria-hidden />}
          </span>
          <p className="min-w-0 grow py-0.5 break-words">
            {problem ? said(problem) : text} {problem && <code className="text-2xs text-muted">[{problem.code}]</code>}
          </p>
          {action && (
            <button
              type="button"
              className="h-7 shrink-0 rounded-md px-2 font-semibold text-accent hover:bg-sunken"
              onClick={() => {
                dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <IconButton icon={X} size={14} label={t("action.close")} className="!size-7" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
