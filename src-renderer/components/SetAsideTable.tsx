import type { ResponseOf } from "../../src-main/api/channels.js";
import { useSpeech } from "../state/settings.js";

/** Photos that could not be used, each with its reason. */
export function SetAsideTable({ items }: { items: ResponseOf<"run.setAside">["items"] }) {
  const { t, said } = useSpeech();
  return (
    <table className="w-full table-fixed text-left">
      <thead className="sticky top-0 bg-sunken text-muted">
        <tr>
          <th className="px-3 py-1.5 font-medium">{t("jobs.setAside.path")}</th>
          <th className="px-3 py-1.5 font-medium">{t("jobs.setAside.reason")}</th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {items.map(({ path, code, message }) => (
          <tr key={path} className="align-top">
            <td className="px-3 py-1.5 [overflow-wrap:anywhere]">{path}</td>
            <td
              className="px-3 py-1.5 [overflow-wrap:anywhere]"
              title={said({ code, message }) === message ? undefined : t("error.originalIs", { text: message })}
            >
              {said({ code, message })} <code className="text-2xs text-muted">[{code}]</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
