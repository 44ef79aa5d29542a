import { useEffect, useState } from "react";
import type { ResponseOf } from "../../../src-main/api/channels.js";
import { client, problemOf } from "../../api/client.js";
import { SetAsideTable } from "../../components/SetAsideTable.js";
import { ProblemNote } from "../../components/ui.js";
import { useSpeech } from "../../state/settings.js";

const LISTED = 200;

/** The photos that a job could not use, and why. */
export function SetAside({ run, count }: { run: string; count: number }) {
  const { t } = useSpeech();
  const [open, setOpen] = useState(false);
  const [answer, setAnswer] = useState<ResponseOf<"run.setAside">>();
  const [problem, setProblem] = useState<{ code: string; message: string }>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: more photos set aside meanwhile are a reason to ask again.
  useEffect(() => {
    if (!open) return;
    client
      .call("run.setAside", { run, offset: 0, limit: LISTED })
      .then(setAnswer, (error) => setProblem(problemOf(error)));
  }, [open, run, count]);
  return (
    <details className="mt-2" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="w-fit cursor-pointer rounded font-medium text-warning">
        {t("jobs.setAside.title", { count })}
      </summary>
      {problem && <ProblemNote {...problem} />}
      {answer && (
        <section
          className="mt-2 max-h-72 overflow-y-auto rounded-md border border-line"
          tabIndex={0}
          aria-label={t("jobs.setAside.title", { count })}
        >
          <SetAsideTable items={answer.items} />
          {answer.total > answer.items.length && (
            <p className="px-3 py-2 text-muted">{t("jobs.setAside.more", { count: answer.items.length })}</p>
          )}
        </section>
      )}
    </details>
  );
}
