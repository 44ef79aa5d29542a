import type { Job } from "../../../src-main/api/channels.js";
import { isActive } from "../../../src-main/api/progress.js";
import { useSpeech } from "../../state/settings.js";
import { JobItem } from "./JobItem.js";

/** Jobs that run or wait, and those that have ended. */
export function JobLists({ jobs }: { jobs: readonly Job[] }) {
  const { t } = useSpeech();
  const lists = [
    ["jobs.now", jobs.filter(isActive)],
    ["jobs.history", jobs.filter((job) => !isActive(job))],
  ] as const;
  return lists.map(
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
  );
}
