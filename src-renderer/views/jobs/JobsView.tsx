import { Plus } from "lucide-react";
import { go } from "../../app/router.js";
import { Button, Empty } from "../../components/ui.js";
import { useApp } from "../../state/app.js";
import { useSpeech } from "../../state/settings.js";
import { JobLists } from "./JobLists.js";

export function JobsView() {
  const { t } = useSpeech();
  const jobs = useApp((state) => state.jobs);
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
        {jobs && <JobLists jobs={jobs} />}
      </div>
    </div>
  );
}
