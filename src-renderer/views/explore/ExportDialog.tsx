import { clsx } from "clsx";
import { CircleCheck } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { Problem, ResponseOf } from "../../../src-main/api/channels.js";
import { client, isAbort, problemOf } from "../../api/client.js";
import { TextField } from "../../components/Field.js";
import { PathField } from "../../components/PathField.js";
import { Bar, Button, Dialog, ProblemNote } from "../../components/ui.js";
import { exportListeners } from "../../state/app.js";
import { showDialog, useExplore, useExploreOf } from "../../state/explore.js";
import { useSpeech } from "../../state/settings.js";
import { joinPath, parentOf } from "./paths.js";

const FORMATS = ["csv", "parquet", "copies", "links"] as const;
type Format = (typeof FORMATS)[number];

/** What a spreadsheet that opens a CSV takes for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** Writes the selection, or all that is shown, to a table or a folder of photos. */
export function ExportDialog() {
  const { t } = useSpeech();
  const open = useExplore((state) => state.dialog === "export");
  const selection = useExplore((state) => state.selection);
  const shown = useExplore((state) => state.shown);
  return (
    <Dialog
      open={open}
      onClose={() => showDialog(null)}
      title={t("export.titleCount", { count: shown.length })}
      text={t(selection ? "export.selected" : "export.shown")}
      wide
    >
      {open && <Export />}
    </Dialog>
  );
}

function isTable(format: Format): format is "csv" | "parquet" {
  return format === "csv" || format === "parquet";
}

/** Hands bytes to the browser's downloads. */
function save(bytes: Uint8Array, name: string): void {
  const address = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads the address after this turn; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

interface Running {
  readonly done: number;
  readonly stop: AbortController;
}

function Export() {
  const { t, n } = useSpeech();
  const { run, overview, shown, labels, ids } = useExploreOf("run", "overview", "shown", "labels", "ids");
  const card = overview?.card;
  // What is written is what was shown when the dialog opened, whatever changes meanwhile.
  const rows = useRef(shown).current;
  const version = useRef(card?.version).current;
  const hasPca = (overview?.pca?.components ?? 0) > 0;
  const hasPhotos = overview?.root !== null;
  const likeFormulas = useMemo(
    () => rows.some((row) => FORMULA.test(labels[ids[row] ?? -1]?.name ?? "")),
    [rows, labels, ids],
  );
  const [format, setFormat] = useState<Format>("csv");
  const [coordinates, setCoordinates] = useState(hasPca);
  const [features, setFeatures] = useState(false);
  const [folder, setFolder] = useState(() => parentOf(card?.path ?? ""));
  const [stem, setStem] = useState(() => `${card?.name ?? "verger"}-${t("export.stem")}`);
  const [running, setRunning] = useState<Running>();
  const [problem, setProblem] = useState<Problem>();
  const [result, setResult] = useState<ResponseOf<"selection.export">>();
  // The desktop app stands on the machine that it exports from.
  const [download, setDownload] = useState(false);
  const downloads = isTable(format) && download && !client.shell;
  const name = isTable(format) ? `${stem.trim()}.${format}` : stem.trim();
  const to = joinPath(folder, name);
  const job = useMemo(() => `export-${Math.random().toString(36).slice(2)}`, []);

  useEffect(() => {
    return exportListeners.add((event) => {
      if (event.export === job) setRunning((now) => now && { ...now, done: event.done });
    });
  }, [job]);
  const stop = useRef<AbortController>(undefined);
  // A dialog that closes gives up what is under way.
  useEffect(() => () => stop.current?.abort(), []);

  const start = async () => {
    if (run === null) return;
    stop.current = new AbortController();
    setProblem(undefined);
    setRunning({ done: 0, stop: stop.current });
    try {
      const what = {
        run,
        ...(version ? { version } : {}),
        rows,
        format,
        coordinates: coordinates && hasPca,
        features,
        export: job,
      };
      const request = downloads ? what : { ...what, to };
      const answer = await client.call("selection.export", request, { signal: stop.current.signal });
      if (answer.bytes) save(answer.bytes, name);
      setResult(answer.bytes ? { ...answer, path: name, bytes: null } : answer);
    } catch (error) {
      if (!isAbort(error)) setProblem(problemOf(error));
    }
    setRunning(undefined);
  };

  if (result) return <Result result={result} format={format} downloaded={downloads} />;
  const ready = stem.trim() !== "" && (downloads || folder.trim() !== "");
  return (
    <form
      className="flex min-h-0 flex-col"
      onSubmit={(event) => {
        event.preventDefault();
        if (!running && ready) void start();
      }}
    >
      <div className="-mx-1 flex min-h-0 flex-col gap-3.5 overflow-y-auto p-1">
        <fieldset className="grid gap-2 sm:grid-cols-2" disabled={running !== undefined}>
          <legend className="mb-1 font-medium">{t("export.format")}</legend>
          {FORMATS.map((choice) => (
            <Option
              key={choice}
              name={choice}
              checked={format === choice}
              disabled={!hasPhotos && (choice === "copies" || choice === "links")}
              onChoose={() => setFormat(choice)}
            />
          ))}
        </fieldset>
        {format === "csv" && likeFormulas && (
          <p className="rounded-md bg-warning-soft px-3 py-2 text-warning">{t("export.formulas")}</p>
        )}
        {isTable(format) && (
          <fieldset className="flex flex-wrap gap-x-5 gap-y-1" disabled={running !== undefined}>
            <legend className="mb-1 font-medium">{t("export.columns")}</legend>
            <p className="w-full text-muted">{t("export.columnsAlways")}</p>
            {hasPca && (
              <Check checked={coordinates} onChange={setCoordinates}>
                {t("export.coordinates", { count: overview?.pca?.components ?? 0 })}
              </Check>
            )}
            <Check checked={features} onChange={setFeatures}>
              {t("export.features")}
            </Check>
          </fieldset>
        )}
        {isTable(format) && !client.shell && (
          <fieldset className="flex flex-wrap gap-x-5 gap-y-1" disabled={running !== undefined}>
            <legend className="mb-1 font-medium">{t("export.where")}</legend>
            {[false, true].map((choice) => (
              <label key={String(choice)} className="flex w-fit cursor-pointer items-center gap-2">
                <input
                  type="radio"
                  name="export-where"
                  className="accent-accent"
                  checked={download === choice}
                  onChange={() => setDownload(choice)}
                />
                {t(choice ? "export.toDownload" : "export.toFolder")}
              </label>
            ))}
          </fieldset>
        )}
        <div className={clsx("grid gap-3", !downloads && "sm:grid-cols-[2fr_1fr]")}>
          {!downloads && (
            <PathField id="export-folder" label={t("export.folder")} value={folder} onChange={setFolder} />
          )}
          <TextField
            id="export-name"
            label={t(isTable(format) ? "export.name" : "export.newFolder")}
            value={stem}
            onChange={setStem}
          />
        </div>
        <p className="-mt-2.5 text-2xs text-muted [overflow-wrap:anywhere]">{downloads ? name : to}</p>
        {problem && <ProblemNote {...problem} />}
        {running && (
          <div>
            <Bar share={running.done / Math.max(1, rows.length)} label={t("export.progress")} />
            <p className="tabular mt-1 text-muted">
              {t("jobs.progress", { done: n(running.done), total: n(rows.length) })}
            </p>
          </div>
        )}
      </div>
      <div className="mt-3 flex shrink-0 justify-end gap-2">
        {running ? (
          <Button onClick={() => running.stop.abort()}>{t("export.stop")}</Button>
        ) : (
          <>
            <Button onClick={() => showDialog(null)}>{t("action.cancel")}</Button>
            <Button kind="primary" type="submit" disabled={!ready}>
              {t("export.start")}
            </Button>
          </>
        )}
      </div>
    </form>
  );
}

function Option({
  name,
  checked,
  disabled,
  onChoose,
}: {
  name: Format;
  checked: boolean;
  disabled: boolean;
  onChoose: () => void;
}) {
  const { t } = useSpeech();
  return (
    <label
      className={clsx(
        "flex gap-2.5 rounded-lg border px-2.5 py-2 has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-accent",
        checked ? "border-accent bg-accent-soft/50" : "border-line hover:bg-sunken",
        disabled ? "opacity-50" : "cursor-pointer",
      )}
    >
      <input
        type="radio"
        name="export-format"
        className="mt-1 shrink-0 self-start accent-accent outline-none"
        data-first-focus={checked || undefined}
        checked={checked}
        disabled={disabled}
        onChange={onChoose}
      />
      <span>
        <span className="block font-medium">{t(`export.${name}`)}</span>
        <span className="block text-2xs text-muted">{t(`export.${name}Text`)}</span>
      </span>
    </label>
  );
}

function Check({
  checked,
  onChange,
  children,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
}) {
  return (
    <label className="flex w-fit cursor-pointer items-center gap-2">
      <input
        type="checkbox"
        className="accent-accent"
        checked={checked}
        onChange={({ target }) => onChange(target.checked)}
      />
      {children}
    </label>
  );
}

/** Missing photos named before the rest is counted. */
const NAMED = 50;

function Result({
  result,
  format,
  downloaded,
}: {
  result: ResponseOf<"selection.export">;
  format: Format;
  downloaded: boolean;
}) {
  const { t } = useSpeech();
  const [copied, setCopied] = useState(false);
  const { path, rows, missing } = result;
  return (
    <div className="flex flex-col gap-3">
      <p role="status" className="flex items-start gap-2">
        <CircleCheck size={18} className="mt-0.5 shrink-0 text-accent" aria-hidden />
        <span className="min-w-0">
          {t(downloaded ? "export.downloaded" : isTable(format) ? "export.doneRows" : "export.donePhotos", {
            count: rows,
          })}
          <code className="mt-1 block font-sans font-medium [overflow-wrap:anywhere]">{path}</code>
        </span>
      </p>
      {missing.length > 0 && (
        <div className="rounded-md bg-warning-soft px-3 py-2 text-warning">
          <p>{t("export.missing", { count: missing.length })}</p>
          <ul className="mt-1 max-h-32 overflow-y-auto text-2xs" tabIndex={0} aria-label={t("export.missingList")}>
            {missing.slice(0, NAMED).map((name) => (
              <li key={name} className="[overflow-wrap:anywhere]">
                {name}
              </li>
            ))}
            {missing.length > NAMED && <li>…</li>}
          </ul>
        </div>
      )}
      <div className="flex justify-end gap-2">
        {!downloaded && (
          <Button
            onClick={() =>
              void navigator.clipboard.writeText(path ?? "").then(
                () => setCopied(true),
                () => setCopied(false),
              )
            }
          >
            {t(copied ? "export.copied" : "runs.copyPath")}
          </Button>
        )}
        <Button kind="primary" onClick={() => showDialog(null)}>
          {t("action.close")}
        </Button>
      </div>
    </div>
  );
}
