import { useState } from "react";
import type { Problem } from "../../../src-main/api/channels.js";
import type { SweepSummary } from "../../../src-main/api/contract.js";
import { client, problemOf } from "../../api/client.js";
import { type S3Choice, s3Options } from "../../components/s3-choice.js";
import { Button, Confirm, ProblemNote } from "../../components/ui.js";
import { useSpeech } from "../../state/settings.js";

/** Uploads in parts that nobody will finish: they cost money, and no listing shows them. */
export function OpenUploads({ target, s3 }: { target: string; s3: S3Choice }) {
  const { t, date } = useSpeech();
  const [found, setFound] = useState<SweepSummary>();
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const look = async (abort: boolean) => {
    setBusy(true);
    setProblem(undefined);
    try {
      setFound(await client.call("transfers.openUploads", { target, s3: s3Options(s3), abort }));
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy(false);
    }
  };
  const old = found?.dryRun ? found.uploads.filter(({ outcome }) => outcome === "abort").length : 0;
  const word = (outcome: SweepSummary["uploads"][number]["outcome"]) =>
    outcome === "abort" && !found?.dryRun ? t("transfers.uploads.aborted") : t(`transfers.uploads.${outcome}`);
  return (
    <details className="mt-4">
      <summary className="w-fit cursor-pointer rounded font-medium text-muted">{t("transfers.uploads")}</summary>
      <div className="mt-2 space-y-3 rounded-xl border border-line bg-surface p-4">
        <p className="text-muted">{t("transfers.uploadsText")}</p>
        <div className="flex flex-wrap items-center gap-2">
          <Button disabled={busy} onClick={() => void look(false)}>
            {t("transfers.uploads.look")}
          </Button>
          {old > 0 && (
            <Button kind="danger" disabled={busy} onClick={() => setAsking(true)}>
              {t("transfers.uploads.sweep", { count: old })}
            </Button>
          )}
          {found && found.uploads.length === 0 && <p role="status">{t("transfers.uploads.none")}</p>}
        </div>
        {problem && <ProblemNote {...problem} />}
        {found && found.uploads.length > 0 && (
          <ul className="divide-y divide-line border-y border-line">
            {found.uploads.map(({ key, uploadId, initiated, outcome, problem: failure }) => (
              <li key={uploadId} className="tabular flex flex-wrap gap-x-4 py-1.5">
                <span className="min-w-0 grow truncate" title={key}>
                  {key}
                </span>
                <span className="text-muted">{date(initiated)}</span>
                <span className={failure ? "text-danger" : "text-muted"}>{failure?.message ?? word(outcome)}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => void look(true)}
        title={t("transfers.uploads.sweepTitle", { count: old })}
        text={t("transfers.uploads.sweepText")}
        confirm={t("transfers.uploads.sweepConfirm")}
        danger
      />
    </details>
  );
}
