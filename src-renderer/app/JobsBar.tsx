import { Pause, X } from "lucide-react";
import { useState } from "react";
import { byUrgency, isActive, shareDone } from "../../src-main/api/progress.js";
import { client } from "../api/client.js";
import { doneText, rateText, titleOf } from "../components/job-words.js";
import { Bar, Confirm, IconButton } from "../components/ui.js";
import { tellError, useApp } from "../state/app.js";
import { useSpeech } from "../state/settings.js";
import { writePlace } from "./link.js";
import { useRoute } from "./router.js";

/** The job under way, on every view but those that list it. */
export function JobsBar() {
  const speech = useSpeech();
  const { t, duration } = speech;
  const jobs = byUrgency(useApp((state) => state.jobs)?.filter(isActive) ?? []);
  const [asking, setAsking] = useState(false);
  const { view } = useRoute((route) => route.place);
  const [job] = jobs;
  if (!job) return null;
  const { progress } = job;
  const sync = job.work.kind === "sync";
  if (view === "jobs" || (view === "transfers" && sync)) return null;
  const share = shareDone(progress);
  const act = (channel: "jobs.cancel" | "jobs.pause") => void client.call(channel, { job: job.id }).catch(tellError);
  return (
    <section
      aria-label={t("jobs.bar")}
      className="flex h-10 shrink-0 items-center gap-4 border-t border-line bg-surface pr-1.5 pl-4"
    >
      <a href={writePlace({ view: "jobs" })} className="max-w-64 truncate font-medium hover:underline" title={job.out}>
        {titleOf(job)}
      </a>
      <span className="shrink-0 text-muted">
        {job.state === "running" && progress ? t(`jobs.stage.${progress.stage}`) : t(`jobs.state.${job.state}`)}
      </span>
      <div className="min-w-24 grow">
        <Bar share={share} label={t("jobs.bar")} />
      </div>
      {progress && share !== null && <span className="tabular shrink-0 text-muted">{doneText(speech, progress)}</span>}
      {progress?.rate != null && (
        <span className="tabular hidden shrink-0 text-muted lg:inline">
          {rateText(speech, progress.rate, progress.unit)}
        </span>
      )}
      {progress?.secondsLeft != null && (
        <span className="tabular shrink-0 text-muted">
          {t("jobs.left", { duration: duration(progress.secondsLeft) })}
        </span>
      )}
      {jobs.length > 1 && <span className="shrink-0 text-muted">{t("jobs.active", { count: jobs.length })}</span>}
      <div className="flex">
        <IconButton
          icon={Pause}
          label={t("jobs.pause")}
          onClick={() => act("jobs.pause")}
          disabled={job.state !== "running"}
        />
        <IconButton
          icon={X}
          label={t("jobs.cancel")}
          onClick={() => setAsking(true)}
          disabled={job.state === "stopping"}
        />
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => act("jobs.cancel")}
        title={t(sync ? "transfers.cancel.title" : "jobs.cancel.title")}
        text={t(sync ? "transfers.cancel.text" : "jobs.cancel.text")}
        confirm={t(sync ? "transfers.cancel.confirm" : "jobs.cancel.confirm")}
        cancel={t("jobs.cancel.keep")}
      />
    </section>
  );
}
