import { ChevronUp, CornerDownLeft, Folder, Images, Table2, Waypoints } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { ResponseOf } from "../../src-main/api/channels.js";
import { client, problemOf } from "../api/client.js";
import { tellError } from "../state/app.js";
import { useSpeech } from "../state/settings.js";
import { Button, Dialog, IconButton, ProblemNote } from "./ui.js";

type Listing = ResponseOf<"files.browse">;

interface FolderDialogProps {
  open: boolean;
  onClose: () => void;
  onChoose: (path: string) => void;
  start?: string;
  /** Only run folders are wanted: one that is met is chosen by a click. */
  runs?: boolean;
  /** Parquet may be chosen too: a file, or a folder that is named like one. */
  features?: boolean;
}

/** Chooses a folder on the machine that serves; in the desktop app by the system's own dialog. */
export function FolderDialog(props: FolderDialogProps) {
  const { shell } = client;
  return shell ? <SystemDialog {...props} shell={shell} /> : <PageDialog {...props} />;
}

function SystemDialog({
  open,
  onClose,
  onChoose,
  start,
  runs,
  shell,
}: FolderDialogProps & { shell: NonNullable<typeof client.shell> }) {
  const { t } = useSpeech();
  // biome-ignore lint/correctness/useExhaustiveDependencies: opening it shows it once, whatever changes meanwhile.
  useEffect(() => {
    if (!open) return;
    const title = runs ? t("runs.open") : t("new.browse.title");
    shell.chooseFolder({ title, ...(start ? { start } : {}) }).then(
      (path) => (path === null ? onClose() : onChoose(path)),
      (error) => {
        onClose();
        tellError(error);
      },
    );
  }, [open]);
  return null;
}

/** By walking, or by its path. */
function PageDialog({ open, onClose, onChoose, start, runs, features }: FolderDialogProps) {
  const { t } = useSpeech();
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={runs ? t("runs.open") : t("new.browse.title")}
      {...(runs ? { text: t("runs.openHelp") } : {})}
      wide
    >
      {open && <Browser onChoose={onChoose} start={start} runs={runs ?? false} features={features ?? false} />}
    </Dialog>
  );
}

function Browser({
  onChoose,
  start,
  runs,
  features,
}: {
  onChoose: (path: string) => void;
  start: string | undefined;
  runs: boolean;
  features: boolean;
}) {
  const { t } = useSpeech();
  const [listing, setListing] = useState<Listing>();
  const [problem, setProblem] = useState<{ code: string; message: string }>();
  const [path, setPath] = useState(start ?? "");
  // What was typed while the first folder was on its way stays.
  const typed = useRef(false);
  const take = (answer: Listing) => {
    setListing(answer);
    if (!typed.current) setPath(answer.path);
    setProblem(undefined);
  };
  const walk = (to: string) => {
    typed.current = false;
    return client.call("files.browse", { path: to }).then(take, (error) => setProblem(problemOf(error)));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: it starts once, where it was told to.
  useEffect(() => {
    client
      .call("files.browse", start ? { path: start } : {})
      // A path that is half typed leads nowhere: home is as good a place to begin.
      .catch(() => client.call("files.browse", {}))
      .then(take, (error) => setProblem(problemOf(error)));
  }, []);
  const images = listing?.entries.filter(({ kind }) => kind === "image").length ?? 0;
  const folders =
    listing?.entries.filter(({ kind }) => kind === "run" || kind === "folder" || (features && kind === "features")) ??
    [];
  return (
    <>
      <form
        className="flex gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          // The dialog may have been opened from a form: React would submit that one too.
          event.stopPropagation();
          if (runs) onChoose(path);
          else void walk(path);
        }}
      >
        <IconButton
          icon={ChevronUp}
          label={t("new.browse.up")}
          disabled={!listing?.parent}
          onClick={() => listing?.parent && void walk(listing.parent)}
        />
        <input
          aria-label={runs ? t("runs.openPath") : t("new.browse.path")}
          className="field grow"
          value={path}
          onChange={(event) => {
            typed.current = true;
            setPath(event.target.value);
          }}
          spellCheck={false}
        />
        <Button type="submit" icon={CornerDownLeft}>
          {t("action.open")}
        </Button>
      </form>
      <div className="mt-2 flex flex-wrap gap-1">
        {listing?.places.map((place) => (
          <Button key={place.name} kind="ghost" className="!h-7 text-muted" onClick={() => void walk(place.path)}>
            {t(`new.browse.${place.name}`)}
          </Button>
        ))}
      </div>
      {problem && <ProblemNote {...problem} />}
      <ul className="mt-2 h-72 min-h-0 overflow-y-auto rounded-md border border-line" tabIndex={0} aria-label={path}>
        {folders.map(({ name, path: place, kind }) => (
          <li key={place}>
            <button
              type="button"
              className="flex h-8 w-full items-center gap-2 px-3 text-left hover:bg-sunken focus-visible:-outline-offset-2"
              onClick={() => ((kind === "run" && runs) || kind === "features" ? onChoose(place) : void walk(place))}
            >
              {kind === "features" ? (
                <Table2 size={15} className="shrink-0 text-accent" aria-hidden />
              ) : kind === "run" ? (
                <Waypoints size={15} className="shrink-0 text-accent" aria-hidden />
              ) : (
                <Folder size={15} className="shrink-0 text-muted" aria-hidden />
              )}
              <span className="truncate">{name}</span>
            </button>
          </li>
        ))}
        {listing && folders.length === 0 && images === 0 && (
          <li className="px-3 py-6 text-center text-muted">{t("new.browse.empty")}</li>
        )}
        {images > 0 && (
          <li className="flex h-8 items-center gap-2 px-3 text-muted">
            <Images size={15} aria-hidden />
            {t("new.browse.images", { count: images })}
          </li>
        )}
        {listing?.truncated && <li className="px-3 py-2 text-muted">{t("new.browse.more")}</li>}
      </ul>
      {!runs && (
        <div className="mt-3 flex justify-end">
          <Button kind="primary" disabled={!listing} onClick={() => listing && onChoose(listing.path)}>
            {t("new.browse.here")}
          </Button>
        </div>
      )}
    </>
  );
}
