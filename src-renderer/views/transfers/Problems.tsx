import type { SyncProblem } from "../../../src-main/api/contract.js";
import { SetAsideTable } from "../../components/SetAsideTable.js";
import { useSpeech } from "../../state/settings.js";

/** Files that a transfer could not take, and why. */
export function Problems({ problems, count }: { problems: readonly SyncProblem[]; count: number }) {
  const { t } = useSpeech();
  if (count === 0) return null;
  const title = t("transfers.problems", { count });
  return (
    <details className="mt-2">
      <summary className="w-fit cursor-pointer rounded font-medium text-warning">{title}</summary>
      <section className="mt-2 max-h-72 overflow-y-auto rounded-md border border-line" tabIndex={0} aria-label={title}>
        <SetAsideTable items={problems.map(({ key, code, message }) => ({ path: key, stage: "", code, message }))} />
      </section>
    </details>
  );
}
