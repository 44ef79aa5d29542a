import { clsx } from "clsx";
import { CloudDownload, CloudUpload, Cloudy, Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Problem } from "../../../src-main/api/channels.js";
import type { Preview } from "../../../src-main/api/transfers.js";
import { client, isAbort, problemOf } from "../../api/client.js";
import { useRoute } from "../../app/router.js";
import { TextField } from "../../components/Field.js";
import { PathField } from "../../components/PathField.js";
import { S3Fields } from "../../components/S3Fields.js";
import { isBucket, namesBucket } from "../../components/s3-choice.js";
import { Button, ProblemNote } from "../../components/ui.js";
import { previewListeners, useApp } from "../../state/app.js";
import { useSettings, useSpeech } from "../../state/settings.js";
import { JobLists } from "../jobs/JobLists.js";
import { OpenUploads } from "./OpenUploads.js";
import { PreviewPanel } from "./PreviewPanel.js";
import {
  DIRECTIONS,
  type Direction,
  EMPTY_FORM,
  formOf,
  isComplete,
  proposedBy,
  requestOf,
  type TransferForm,
} from "./transfer-logic.js";

/** Photos and runs to a bucket, back from it, and from one bucket to another. */
export function TransfersView() {
  const { t } = useSpeech();
  const jobs = useApp((state) => state.jobs)?.filter(({ work }) => work.kind === "sync");
  const home = useSettings((state) => state.info?.home ?? "");
  const search = useRoute((route) => route.search);
  const proposed = proposedBy(search, home);
  // What is being filled in stays, whatever jobs come and go.
  const key = proposed ? `${search} ${home}` : jobs?.length === 0 ? "empty" : "known";
  return (
    <div className="relative h-full overflow-y-auto">
      <div className="mx-auto max-w-4xl px-6 py-5">
        <h1 className="text-lg font-semibold tracking-tight">{t("transfers.title")}</h1>
        <p className="mt-0.5 mb-5 max-w-[70ch] text-muted">{t("transfers.text")}</p>
        {jobs && <Form key={key} initial={proposed ?? formOf(jobs[0])} />}
        <div className="mt-8">{jobs && <JobLists jobs={jobs} />}</div>
      </div>
    </div>
  );
}

let lastPreview = 0;

type PreviewState =
  | { readonly kind: "none" }
  | { readonly kind: "busy"; readonly files: number }
  | { readonly kind: "failed"; readonly problem: Problem }
  | { readonly kind: "ready"; readonly preview: Preview };

function Form({ initial }: { initial: TransferForm }) {
  const { t } = useSpeech();
  const [form, setForm] = useState(initial);
  const [preview, setPreview] = useState<PreviewState>({ kind: "none" });
  const giveUp = useRef<AbortController>(null);
  useEffect(() => () => giveUp.current?.abort(), []);
  const change = (changes: Partial<TransferForm>) => {
    giveUp.current?.abort();
    setPreview({ kind: "none" });
    setForm((before) => ({ ...before, ...changes }));
  };

  const look = async (asked: TransferForm) => {
    giveUp.current?.abort();
    const controller = new AbortController();
    giveUp.current = controller;
    const { signal } = controller;
    const name = `${Date.now().toString(36)}-${++lastPreview}`;
    const leave = previewListeners.add((event) => {
      if (event.preview === name) setPreview({ kind: "busy", files: event.files });
    });
    setPreview({ kind: "busy", files: 0 });
    try {
      const answer = await client.call("transfers.preview", { preview: name, request: requestOf(asked) }, { signal });
      if (!signal.aborted) setPreview({ kind: "ready", preview: answer });
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) setPreview({ kind: "failed", problem: problemOf(error) });
    } finally {
      leave();
    }
  };
  const start = async (agreed: Preview) => {
    try {
      const { files, bytes } = agreed.summary.deleted;
      await client.call("jobs.start", { kind: "sync", request: requestOf(form), agreed: { files, bytes } });
      setPreview({ kind: "none" });
    } catch (error) {
      setPreview({ kind: "failed", problem: problemOf(error) });
    }
  };
  // Parts are left open where a transfer writes; a folder has none, but what it is filled from may.
  const written = (form.direction === "copy" ? form.copyTo : form.bucket).trim();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void look(form);
      }}
    >
      <fieldset>
        <legend className="sr-only">{t("transfers.direction")}</legend>
        <div className="grid gap-2 sm:grid-cols-3">
          {DIRECTIONS.map((direction) => (
            <DirectionCard
              key={direction}
              direction={direction}
              chosen={form.direction === direction}
              onChoose={() => change({ direction })}
            />
          ))}
        </div>
      </fieldset>
      <div className="mt-5 grid gap-5 sm:grid-cols-2">
        <Sides form={form} onChange={change} />
      </div>
      <details className="group mt-4" open={form.s3 !== EMPTY_FORM.s3 && Object.values(form.s3).some(Boolean)}>
        <summary className="w-fit cursor-pointer rounded font-medium">{t("transfers.options")}</summary>
        <div className="mt-3 space-y-5 rounded-xl border border-line bg-surface p-4">
          <S3Fields value={form.s3} onChange={(s3) => change({ s3 })} />
          <div className="grid gap-3 sm:grid-cols-3">
            <TextField
              id="transfer-only"
              label={t("transfers.only")}
              help={t("transfers.onlyHelp")}
              value={form.only}
              onChange={(only) => change({ only })}
              placeholder="*.jpg, *.png"
            />
            <TextField
              id="transfer-except"
              label={t("transfers.except")}
              help={t("transfers.exceptHelp")}
              value={form.except}
              onChange={(except) => change({ except })}
              placeholder="raw/, *.tmp"
            />
            {form.direction !== "copy" && (
              <TextField
                id="transfer-limit"
                label={t("transfers.limit")}
                help={t("transfers.limitHelp")}
                value={form.limit}
                onChange={(limit) => change({ limit })}
                placeholder="2.5"
              />
            )}
          </div>
          <div className="space-y-2">
            <Check
              checked={!form.overwrite}
              onChange={(keep) => change({ overwrite: !keep })}
              label={t("transfers.keep")}
            />
            <Check
              checked={form.remove}
              onChange={(remove) => change({ remove, removeMost: false })}
              label={t("transfers.delete")}
              help={t("transfers.deleteHelp")}
            />
          </div>
        </div>
      </details>
      <div className="mt-4 flex flex-wrap items-center gap-3">
        <Button
          type="submit"
          icon={Search}
          kind={preview.kind === "ready" ? "plain" : "primary"}
          disabled={!isComplete(form) || preview.kind === "busy"}
        >
          {t("transfers.preview")}
        </Button>
        {preview.kind === "busy" && (
          <>
            <p role="status" className="tabular text-muted">
              {t("transfers.comparing", { count: preview.files })}
            </p>
            <Button
              kind="ghost"
              onClick={() => {
                giveUp.current?.abort();
                setPreview({ kind: "none" });
              }}
            >
              {t("action.cancel")}
            </Button>
          </>
        )}
        {preview.kind === "none" && <p className="text-muted">{t("transfers.previewHelp")}</p>}
      </div>
      {preview.kind === "failed" && (
        <div className="mt-3 space-y-2">
          <ProblemNote {...preview.problem} />
          {preview.problem.code === "sync/too-many-deletions" && (
            <Button
              onClick={() => {
                const asked = { ...form, removeMost: true };
                setForm(asked);
                void look(asked);
              }}
            >
              {t("transfers.deleteMost")}
            </Button>
          )}
        </div>
      )}
      {preview.kind === "ready" && (
        <PreviewPanel preview={preview.preview} onStart={() => void start(preview.preview)} />
      )}
      {isComplete(form) && <OpenUploads key={written} target={written} s3={form.s3} />}
    </form>
  );
}

/** The two sides, the one that is read first. */
function Sides({ form, onChange }: { form: TransferForm; onChange: (changes: Partial<TransferForm>) => void }) {
  const { t } = useSpeech();
  const { direction } = form;
  const folder = (
    <PathField
      key="folder"
      id="transfer-folder"
      label={t(direction === "upload" ? "transfers.folder.from" : "transfers.folder.to")}
      {...(isBucket(form.folder) ? { help: t("transfers.noFolder"), wrong: true } : {})}
      value={form.folder}
      onChange={(text) => onChange({ folder: text })}
      placeholder={t("new.sourcePlaceholder")}
    />
  );
  const address = (name: "bucket" | "copyTo", end: "from" | "copy" | "to") => (
    <Address
      key={name}
      id={`transfer-${name}`}
      label={t(`transfers.bucket.${end}`)}
      value={form[name]}
      onChange={(text) => onChange({ [name]: text })}
    />
  );
  if (direction === "copy") return [address("bucket", "copy"), address("copyTo", "to")];
  return direction === "upload" ? [folder, address("bucket", "to")] : [address("bucket", "from"), folder];
}

function Address({
  id,
  label,
  value,
  onChange,
}: {
  id: string;
  label: string;
  value: string;
  onChange: (text: string) => void;
}) {
  const { t } = useSpeech();
  // Said only once it can no longer become an address by typing on.
  const wrong = value.trim() !== "" && !namesBucket(value) && !"s3://".startsWith(value.trim().toLowerCase());
  return (
    <TextField
      id={id}
      label={label}
      {...(wrong ? { help: t("transfers.noAddress"), wrong } : {})}
      value={value}
      onChange={onChange}
      placeholder="s3://bucket/photos"
    />
  );
}

const ICONS = { upload: CloudUpload, download: CloudDownload, copy: Cloudy } as const;

function DirectionCard({
  direction,
  chosen,
  onChoose,
}: {
  direction: Direction;
  chosen: boolean;
  onChoose: () => void;
}) {
  const { t } = useSpeech();
  const Icon = ICONS[direction];
  return (
    <label
      className={clsx(
        "flex cursor-pointer items-start gap-3 rounded-lg border p-3 transition-colors has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
        chosen ? "border-accent bg-accent-soft" : "border-line bg-surface hover:border-line-strong",
      )}
    >
      <input type="radio" name="direction" className="sr-only" checked={chosen} onChange={onChoose} />
      <Icon size={20} aria-hidden className={clsx("mt-0.5 shrink-0", chosen ? "text-accent" : "text-muted")} />
      <span>
        <span className="font-semibold">{t(`transfers.${direction}`)}</span>
        <span className={clsx("block", chosen ? "text-ink" : "text-muted")}>{t(`transfers.${direction}Text`)}</span>
      </span>
    </label>
  );
}

function Check({
  checked,
  onChange,
  label,
  help,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  label: string;
  help?: string;
}) {
  return (
    <label className="flex items-start gap-2">
      <input
        type="checkbox"
        className="mt-1 accent-accent"
        checked={checked}
        onChange={({ target }) => onChange(target.checked)}
      />
      <span>
        {label}
        {help && <span className="block text-muted">{help}</span>}
      </span>
    </label>
  );
}
