import { Play } from "lucide-react";
import { useState } from "react";
import type { Problem } from "../../../src-main/api/channels.js";
import { shareDone } from "../../../src-main/api/progress.js";
import { client, problemOf } from "../../api/client.js";
import { go } from "../../app/router.js";
import { TextField } from "../../components/Field.js";
import { PathField } from "../../components/PathField.js";
import { S3Fields } from "../../components/S3Fields.js";
import { isBucket, NO_S3, s3Options } from "../../components/s3-choice.js";
import { Bar, Button, Choice, Dialog, ProblemNote } from "../../components/ui.js";
import { useSettings, useSpeech } from "../../state/settings.js";
import { suggestedOut } from "../new-run/suggested-out.js";
import { useOut } from "../new-run/use-out.js";
import { VarianceField } from "../new-run/VarianceField.js";
import { columnsOf, type Look, type Names, type Report, type Role, useReport } from "./use-report.js";

/** The choice "no labels"; no column is called so, since names are never empty. */
const NO_LABEL = "";

/** Features that Spark or pandas wrote: a PCA of them becomes a run. */
export function ImportDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useSpeech();
  return (
    <Dialog open={open} onClose={onClose} title={t("import.title")} text={t("import.text")} wide>
      {open && <Import />}
    </Dialog>
  );
}

function Import() {
  const { t } = useSpeech();
  const home = useSettings((state) => state.info?.home ?? "");
  const [source, setSource] = useState("");
  const [names, setNames] = useState<Names>({});
  const [s3, setS3] = useState(NO_S3);
  const [out, setOut] = useOut(suggestedOut(besideWhat(source), home, "pca"));
  const [variance, setVariance] = useState(0.8);
  const [problem, setProblem] = useState<Problem>();
  const [starting, setStarting] = useState(false);
  const look = useReport(source.trim(), names, s3);
  const { report, problem: unread, busy } = look;
  const inBucket = isBucket(source) || isBucket(out);
  const start = async () => {
    setStarting(true);
    setProblem(undefined);
    try {
      const columns = Object.keys(names).length > 0 ? { columns: columnsOf(names) } : {};
      await client.call("jobs.start", {
        kind: "pca",
        request: { features: source.trim(), out: out.trim(), variance, ...columns },
        ...(inBucket ? { s3: s3Options(s3) } : {}),
      });
      go({ view: "jobs" });
    } catch (error) {
      setProblem(problemOf(error));
      setStarting(false);
    }
  };
  return (
    <form
      className="flex min-h-0 flex-col"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <div className="-mx-1 min-h-0 space-y-5 overflow-y-auto px-1 pb-1">
        <div>
          <PathField
            id="import-source"
            label={t("import.source")}
            help={t("import.sourceHelp")}
            value={source}
            onChange={(path) => {
              setSource(path);
              setNames({});
            }}
            placeholder="/data/features.parquet"
            features
          />
          <Found look={look} />
          {unread && <ProblemNote {...unread} />}
          {report?.problem && <ProblemNote {...report.problem} />}
        </div>
        {inBucket && <S3Fields value={s3} onChange={setS3} />}
        {report && report.columns.length > 0 && <Columns report={report} names={names} onChange={setNames} />}
        <div className="grid gap-5 sm:grid-cols-2">
          <TextField id="import-out" label={t("new.out")} help={t("import.outHelp")} value={out} onChange={setOut} />
          <VarianceField id="import-variance" value={variance} onChange={setVariance} />
        </div>
        {problem && <ProblemNote {...problem} />}
      </div>
      <div className="mt-4 flex justify-end">
        <Button
          kind="primary"
          type="submit"
          icon={Play}
          disabled={starting || busy || !report || report.problem !== null || report.rows === 0 || out.trim() === ""}
        >
          {t("import.start")}
        </Button>
      </div>
    </form>
  );
}

/** What was found, or how far a look has come that has to fetch a file first. */
function Found({ look: { report, busy, fetched, stopped, stop, again } }: { look: Look }) {
  const { t, bytes } = useSpeech();
  if (busy && fetched) {
    const { done, total } = fetched;
    return (
      <div className="mt-2">
        <Bar share={shareDone(fetched)} label={t("import.fetching")} />
        <div className="mt-1.5 flex items-center gap-3">
          <p role="status" className="tabular grow font-medium">
            {t("import.fetched", { done: bytes(done), total: bytes(total) })}
          </p>
          <Button onClick={stop}>{t("action.cancel")}</Button>
        </div>
      </div>
    );
  }
  if (stopped) {
    return (
      <div className="mt-2 flex items-center gap-3">
        <p role="status" className="grow text-muted">
          {t("import.stopped")}
        </p>
        <Button onClick={again}>{t("import.look")}</Button>
      </div>
    );
  }
  return (
    <p role="status" className="tabular mt-2 min-h-5 font-medium">
      {busy && t("import.looking")}
      {!busy && report?.problem === null && <FoundText report={report} />}
    </p>
  );
}

function FoundText({ report: { rows, files, bytes: size, dimension } }: { report: Report }) {
  const { t, bytes } = useSpeech();
  const inFiles = t("transfers.files", { count: files });
  if (rows !== null) return t("import.found", { count: rows, files: inFiles, dimension: dimension ?? 0 });
  return t("import.foundRemote", { files: inFiles, bytes: bytes(size ?? 0), dimension: dimension ?? 0 });
}

/** Which column is what; only those that could serve are offered. */
function Columns({ report, names, onChange }: { report: Report; names: Names; onChange: (names: Names) => void }) {
  const { t } = useSpeech();
  const offered = (role: Role) => report.columns.filter(({ fits }) => fits.includes(role));
  // Where one column is missing, the others are still those that would be taken.
  const usual = (role: Role) => offered(role).find(({ name }) => name.toLowerCase() === role)?.name;
  const current = (role: Role): string => {
    const chosen = names[role];
    if (chosen !== undefined) return chosen ?? NO_LABEL;
    return (report.chosen ? report.chosen[role] : usual(role)) ?? "";
  };
  return (
    <fieldset>
      <legend className="mb-1.5 font-medium">{t("import.columns")}</legend>
      <div className="grid gap-3 sm:grid-cols-3">
        {(["path", "label", "features"] as const).map((role) => (
          <div key={role} className="min-w-0">
            <p className="mb-1 text-muted" aria-hidden>
              {t(`import.column.${role}`)}
            </p>
            <Choice
              label={t(`import.column.${role}`)}
              className="w-full"
              value={current(role)}
              onChange={({ target }) => onChange({ ...names, [role]: target.value === NO_LABEL ? null : target.value })}
            >
              {role === "label" && <option value={NO_LABEL}>{t("new.labels.none")}</option>}
              {role !== "label" && current(role) === "" && (
                <option value="">{t(offered(role).length > 0 ? "import.choose" : "import.noColumn")}</option>
              )}
              {offered(role).map(({ name, type }) => (
                <option key={name} value={name}>
                  {name} ({type})
                </option>
              ))}
            </Choice>
          </div>
        ))}
      </div>
    </fieldset>
  );
}

/** A file goes by its name without the extension, the features of a run by the run: what is made stands beside those. */
function besideWhat(source: string): string {
  return source
    .trim()
    .replace(/\.(parquet|parq|pq)[\\/]?$/i, "")
    .replace(/[\\/]features[\\/]?$/, "");
}
