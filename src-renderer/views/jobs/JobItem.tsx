import { clsx } from "clsx";
import { Check, LoaderCircle } from "lucide-react";
import { useState } from "react";
import type { Job, JobStage } from "../../../src-main/api/channels.js";
import type { SyncSummary } from "../../../src-main/api/contract.js";
import { isActive, shareDone } from "../../../src-main/api/progress.js";
import { client } from "../../api/client.js";
import { writePlace } from "../../app/link.js";
import { doneText, rateText, sourceOf, titleOf } from "../../components/job-words.js";
import { isBucket } from "../../components/s3-choice.js";
import { Bar, Button, Confirm, ProblemNote } from "../../components/ui.js";
import type { Speech } from "../../i18n/index.js";
import { tellError } from "../../state/app.js";
import { useSpeech } from "../../state/settings.js";
import { Problems } from "../transfers/Problems.js";
import { bringing } from "../transfers/transfer-logic.js";
import { SetAside } from "./SetAside.js";

/** The stages that a job goes through, in order. */
function stagesOf({ work, stages }: Job): readonly JobStage[] {
  if (work.kind === "sync") return work.request.delete ? ["compare", "transfer", "delete"] : ["compare", "transfer"];
  // Only features that stand elsewhere are fetched.
  const fetches = stages.some(({ stage }) => stage === "fetch");
  if (work.kind === "pca") return fetches ? ["fetch", "fit", "transform"] : ["fit", "transform"];
  return work.request.pca ? ["scan", "load", "embed", "fit", "transform"] : ["scan", "load", "embed"];
}

/** Notices of what goes on at that moment: over with the job. */
const PASSING: ReadonlySet<string> = new Set(["run/uploading", "features/fetching"]);

type Act = "jobs.cancel" | "jobs.pause" | "jobs.resume" | "jobs.retry" | "jobs.forget";

export function JobItem({ job }: { job: Job }) {
  const speech = useSpeech();
  const { t, duration, date, said } = speech;
  const [asking, setAsking] = useState(false);
  const active = isActive(job);
  const setAside = job.summary?.setAside ?? job.progress?.setAside ?? 0;
  const act = (channel: Act) => () => void client.call(channel, { job: job.id }).catch(tellError);
  const sources = sourceOf(job);
  const { transfer } = job;
  const notices = job.notices.filter(({ code }) => active || !PASSING.has(code));
  const sync = job.work.kind === "sync";
  const failed = transfer ? transfer.conflicts.files + transfer.failed.files : 0;
  return (
    <li className="py-4" data-job={job.state}>
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 grow basis-64">
          <h3 className="flex items-center gap-2">
            <span className="truncate text-[0.9375rem] font-semibold" title={job.out}>
              {titleOf(job)}
            </span>
            <State state={job.state} />
          </h3>
          <p className="truncate text-muted" title={sources}>
            {sync ? t("transfers.fromTo", { from: sources, to: job.out }) : sources}
          </p>
        </div>
        <div className="flex shrink-0 flex-wrap items-center justify-end gap-1.5">
          {job.state === "running" && <Button onClick={act("jobs.pause")}>{t("jobs.pause")}</Button>}
          {(job.state === "running" || job.state === "queued") && (
            <Button onClick={() => setAsking(true)}>{t("jobs.cancel")}</Button>
          )}
          {(job.state === "paused" ||
            job.state === "interrupted" ||
            job.state === "cancelled" ||
            job.state === "failed") && (
            <Button kind="primary" onClick={act("jobs.resume")}>
              {t("jobs.resume")}
            </Button>
          )}
          {job.state === "done" && setAside > 0 && <Button onClick={act("jobs.retry")}>{t("jobs.retry")}</Button>}
          {job.state === "done" && failed > 0 && <Button onClick={act("jobs.retry")}>{t("transfers.retry")}</Button>}
          {!active && (
            <Button kind="ghost" className="text-muted" onClick={act("jobs.forget")}>
              {t("jobs.forget")}
            </Button>
          )}
          {job.state === "done" && !sync && isBucket(job.out) && (
            <a
              href={writePlace({ view: "transfers" }, bringing(job.out, job.work.kind === "sync" ? {} : job.work.s3))}
              className="inline-flex h-8 items-center rounded-md border border-line-strong px-3 font-medium hover:bg-sunken"
            >
              {t("jobs.bring")}
            </a>
          )}
          {job.state === "done" && job.run && (
            <a
              href={writePlace({ view: "explore", run: job.run })}
              className="inline-flex h-8 items-center rounded-md bg-accent px-3 font-medium text-on-accent hover:brightness-110"
            >
              {t("jobs.openRun")}
            </a>
          )}
        </div>
      </div>
      {(active || job.stages.length > 0) && <Stages job={job} />}
      {active && <Progress job={job} />}
      {!active && (
        <p className="tabular mt-2 text-muted">
          {[
            job.endedAt && date(job.endedAt),
            t("jobs.took", { duration: duration(job.seconds) }),
            job.summary && t("runs.photos", { count: job.summary.images }),
            job.summary && job.summary.imagesPerSecond > 0 && rateText(speech, job.summary.imagesPerSecond, "images"),
            ...(transfer ? transferFacts(speech, transfer) : []),
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
      )}
      {job.failure && (
        <div className="mt-2">
          <ProblemNote {...job.failure} />
        </div>
      )}
      {notices.length > 0 && (
        <ul className="mt-2 space-y-0.5 text-muted">
          {notices.map((notice) => (
            <li key={`${notice.code} ${notice.message}`} className="break-words">
              {said(notice)}
            </li>
          ))}
        </ul>
      )}
      {transfer && <Problems problems={transfer.problems} count={failed} />}
      {setAside > 0 && job.run && !sync && <SetAside run={job.run} count={setAside} />}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={act("jobs.cancel")}
        title={t(sync ? "transfers.cancel.title" : "jobs.cancel.title")}
        text={t(sync ? "transfers.cancel.text" : "jobs.cancel.text")}
        confirm={t(sync ? "transfers.cancel.confirm" : "jobs.cancel.confirm")}
        cancel={t("jobs.cancel.keep")}
      />
    </li>
  );
}

function State({ state }: { state: Job["state"] }) {
  const { t } = useSpeech();
  if (state === "done") return <span className="shrink-0 text-muted">{t("jobs.state.done")}</span>;
  return (
    <span
      className={clsx(
        "shrink-0 rounded px-1.5 text-2xs font-semibold",
        state === "failed"
          ? "bg-danger-soft text-danger"
          : state === "running"
            ? "bg-accent-soft text-accent"
            : "bg-warning-soft text-warning",
      )}
    >
      {t(`jobs.state.${state}`)}
    </span>
  );
}

/** What a transfer did, in a few words. */
function transferFacts({ t, bytes }: Speech, transfer: SyncSummary): string[] {
  const { copied, deleted, unchanged, bytesPerSecond } = transfer;
  const facts = [t("transfers.copied", { count: copied.files, bytes: bytes(copied.bytes) })];
  if (bytesPerSecond > 0) facts.push(t("jobs.rate.bytes", { rate: bytes(bytesPerSecond) }));
  if (unchanged.files > 0) facts.push(t("transfers.wereThere", { count: unchanged.files }));
  if (deleted.files > 0) facts.push(t("transfers.deleted", { count: deleted.files }));
  return facts;
}

function Stages({ job }: { job: Job }) {
  const { t, duration } = useSpeech();
  return (
    <ol aria-label={t("jobs.stages")} className="mt-3 grid grid-cols-5 gap-2">
      {stagesOf(job).map((name) => {
        const stage = job.stages.find((known) => known.stage === name);
        const running = stage?.state === "running" && job.state === "running";
        return (
          <li key={name} className={clsx("min-w-0 border-t-2 pt-1.5", stage ? "border-accent" : "border-line")}>
            <span className={clsx("flex items-center gap-1.5 font-medium", !stage && "text-muted")}>
              {running && <LoaderCircle size={13} className="shrink-0 animate-spin text-accent" aria-hidden />}
              {stage?.state === "done" && <Check size={13} className="shrink-0 text-accent" aria-hidden />}
              <span className="truncate">{t(`jobs.stage.${name}`)}</span>
            </span>
            <span className="tabular block text-2xs text-muted">
              {stage?.seconds == null ? " " : duration(stage.seconds)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function Progress({ job }: { job: Job }) {
  const speech = useSpeech();
  const { t, duration } = speech;
  const { progress } = job;
  if (!progress) return null;
  const { rate, secondsLeft, unit } = progress;
  return (
    <div className="mt-3">
      <Bar share={shareDone(progress)} label={t(`jobs.stage.${progress.stage}`)} />
      <p className="tabular mt-1.5 flex gap-4 text-muted">
        <span className="text-ink">{doneText(speech, progress)}</span>
        {rate !== null && <span>{rateText(speech, rate, unit)}</span>}
        {secondsLeft !== null && <span>{t("jobs.left", { duration: duration(secondsLeft) })}</span>}
      </p>
    </div>
  );
}
