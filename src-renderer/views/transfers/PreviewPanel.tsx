import { Play } from "lucide-react";
import { useState } from "react";
import type { Amount } from "../../../src-main/api/contract.js";
import type { Preview } from "../../../src-main/api/transfers.js";
import { Button, Confirm } from "../../components/ui.js";
import { useSpeech } from "../../state/settings.js";
import { Problems } from "./Problems.js";

/** What a transfer would do, and the button that does it. */
export function PreviewPanel({ preview, onStart }: { preview: Preview; onStart: () => void }) {
  const { t, n, bytes } = useSpeech();
  const [asking, setAsking] = useState(false);
  const { summary, moreActions } = preview;
  const { copied, deleted, unchanged, skipped, conflicts, failed, actions = [] } = summary;
  const facts: readonly (readonly [name: string, amount: Amount, always: boolean, tone: string])[] = [
    [t("transfers.toCopy"), copied, true, copied.files > 0 ? "text-accent" : ""],
    [t("transfers.unchanged"), unchanged, true, ""],
    [t("transfers.toDelete"), deleted, false, "text-danger"],
    [t("transfers.skipped"), skipped, false, ""],
    [t("transfers.conflicts"), conflicts, false, "text-warning"],
    [t("transfers.failed"), failed, false, "text-warning"],
  ];
  const nothing = copied.files === 0 && deleted.files === 0 && actions.length === 0;
  return (
    <section aria-label={t("transfers.preview")} className="mt-4 rounded-xl border border-line bg-surface p-4">
      <dl className="flex flex-wrap gap-x-10 gap-y-3">
        {facts
          .filter(([, amount, always]) => always || amount.files > 0)
          .map(([name, amount, , tone]) => (
            <div key={name}>
              <dt className="text-muted">{name}</dt>
              <dd className="tabular">
                <span className={`text-xl font-semibold tracking-tight ${tone}`}>{n(amount.files)}</span>{" "}
                {amount.files > 0 && <span className="text-muted">{bytes(amount.bytes)}</span>}
              </dd>
            </div>
          ))}
      </dl>
      {actions.length > 0 && (
        <details className="mt-3">
          <summary className="w-fit cursor-pointer rounded font-medium">
            {t("transfers.actions", { count: actions.length + moreActions })}
          </summary>
          <ul
            className="mt-2 max-h-56 overflow-y-auto rounded-md border border-line"
            tabIndex={0}
            aria-label={t("transfers.preview")}
          >
            {actions.map(({ action, key, bytes: size, reason }) => (
              <li key={`${action} ${key}`} className="tabular flex gap-3 px-3 py-1 odd:bg-sunken">
                <span className={`w-24 shrink-0 ${action === "delete" ? "text-danger" : "text-muted"}`}>
                  {t(`transfers.reason.${reason}`)}
                </span>
                <span className="min-w-0 grow truncate" title={key}>
                  {key}
                </span>
                <span className="shrink-0 text-muted">{bytes(size)}</span>
              </li>
            ))}
            {moreActions > 0 && (
              <li className="px-3 py-1 text-muted">{t("transfers.moreActions", { count: moreActions })}</li>
            )}
          </ul>
        </details>
      )}
      <Problems problems={summary.problems} count={conflicts.files + failed.files} />
      <div className="mt-4 flex items-center gap-3">
        <Button
          kind="primary"
          icon={Play}
          disabled={nothing}
          onClick={() => (deleted.files > 0 ? setAsking(true) : onStart())}
        >
          {t("transfers.start")}
        </Button>
        {nothing && <p className="text-muted">{t("transfers.nothing")}</p>}
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={onStart}
        title={t("transfers.delete.title", { count: deleted.files })}
        text={t("transfers.delete.text", { place: summary.to, bytes: bytes(deleted.bytes) })}
        confirm={t("transfers.delete.confirm")}
        danger
      />
    </section>
  );
}
