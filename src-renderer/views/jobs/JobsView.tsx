import { Plus } from "lucide-react";
import { go } from "../../app/router.js";
import { Button, Empty } from "../../components/ui.js";
import { isActive, useApp } from "../../state/app.js";
import { useSpeech } from "../../state/settings.js";
import { JobItem } from "./JobItem.js";

export function JobsView() {
  const { t } = useSpeech();
  const jobs = useApp((state) => state.jobs);
  const now = jobs?.filter(isActive) ?? [];
  const earlier = jobs?.filter((job) => !isActive(job)) ?? [];
  return (
    <div className="relative h-full overflow-y-auto">
      <div className="mx-auto max-w-4xl px-6 py-5">
        <h1 className="mb-4 text-lg font-semibold tracking-tight">{t("jobs.title")}</h1>
        {jobs?.length === 0 && (
          <div className="rounded-xl border border-dashed border-line-strong/60">
            <Empty title={t("jobs.empty.title")} text={t("jobs.empty.text")}>
              <Button kind="primary" icon={Plus} onClick={() => go({ view: "new" })}>
                {t("nav.new")}
              </Button>
            </Empty>
          </div>
        )}
        {(
          [
            ["jobs.now", now],
            ["jobs.history", earlier],
          ] as const
        ).map(
          ([title, group]) =>
            group.length > 0 && (
              <section key={title} className="mb-8">
                <h2 className="mb-2 text-2xs font-semibold tracking-wide text-muted uppercase">{t(title)}</h2>
                <ul className="divide-y divide-line border-y border-line">
                  {group.map((job) => (
                    <JobItem key={job.id} job={job} />
                  ))}
                </ul>
              </section>
            ),
        )}
      </div>
    </div>
  );
}
