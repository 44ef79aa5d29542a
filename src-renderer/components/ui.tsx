/** Small parts that every view is made of, on Base UI where a part has behaviour. */
import { Dialog as BaseDialog } from "@base-ui/react/dialog";
import { Menu as BaseMenu } from "@base-ui/react/menu";
import { clsx } from "clsx";
import { Ellipsis, type LucideIcon, X } from "lucide-react";
import { type ButtonHTMLAttributes, type ReactNode, type SelectHTMLAttributes, useRef } from "react";
import type { Problem } from "../../src-main/api/channels.js";
import { useSpeech } from "../state/settings.js";

type ButtonKind = "primary" | "plain" | "ghost" | "danger";

const KINDS: Record<ButtonKind, string> = {
  primary: "bg-accent text-on-accent border-transparent hover:brightness-110",
  plain: "bg-surface text-ink border-line-strong hover:bg-sunken",
  ghost: "border-transparent text-ink hover:bg-sunken",
  danger: "bg-danger text-white dark:text-on-accent border-transparent hover:brightness-110",
};

const BUTTON =
  "inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-md border px-3 text-[0.8125rem] font-medium whitespace-nowrap transition-colors disabled:opacity-50";

export function Button({
  kind = "plain",
  icon: Icon,
  className,
  children,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { kind?: ButtonKind; icon?: LucideIcon }) {
  return (
    <button type="button" className={clsx(BUTTON, KINDS[kind], className)} {...rest}>
      {Icon && <Icon size={15} aria-hidden />}
      {children}
    </button>
  );
}

/** A button with a picture only; its name is said and shown as a hint. */
export function IconButton({
  icon: Icon,
  label,
  pressed,
  className,
  size = 16,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { icon: LucideIcon; label: string; pressed?: boolean; size?: number }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      className={clsx(
        "inline-flex size-8 shrink-0 items-center justify-center rounded-md transition-colors disabled:opacity-40",
        pressed ? "bg-accent-soft text-accent" : "text-muted hover:bg-sunken hover:text-ink",
        className,
      )}
      {...rest}
    >
      <Icon size={size} aria-hidden />
    </button>
  );
}

/** The system's own choice, styled: it works with every keyboard, screen reader and touch screen. */
export function Choice({
  label,
  before,
  brief,
  className,
  children,
  ...rest
}: SelectHTMLAttributes<HTMLSelectElement> & {
  label: string;
  /** A letter or two in front, for the eye only. */
  before?: string;
  /** What a narrow container (below 2xl) shows in place of the chosen option. */
  brief?: string;
}) {
  return (
    <div className={clsx("flex min-w-0 items-center", brief && "shrink-0")}>
      {before && (
        <span aria-hidden className="-mr-1.5 shrink-0 text-muted">
          {before}
        </span>
      )}
      <span className={clsx("relative flex min-w-0 grow", brief && "shrink-0")}>
        <select
          aria-label={label}
          className={clsx("field min-w-0 [&>option]:text-ink", brief && "@max-2xl:text-transparent", className)}
          {...rest}
        >
          {children}
        </select>
        {brief && (
          <span
            aria-hidden
            className="pointer-events-none absolute inset-y-0 left-2.5 flex items-center whitespace-nowrap @2xl:hidden"
          >
            {brief}
          </span>
        )}
      </span>
    </div>
  );
}

/**
 * A dialog over the view. The keyboard's focus goes to the part of it that is marked `data-first-focus`, else to its first
 * control, and back to where it was when the dialog closes. React's `autoFocus` would come before that place is noted.
 */
export function Dialog({
  open,
  onClose,
  title,
  text,
  wide,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  text?: string;
  wide?: boolean;
  children: ReactNode;
}) {
  const { t } = useSpeech();
  const popup = useRef<HTMLDivElement>(null);
  return (
    <BaseDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <BaseDialog.Portal>
        <BaseDialog.Backdrop className="fixed inset-0 z-40 bg-black/35 transition-opacity data-[ending-style]:opacity-0 data-[starting-style]:opacity-0 dark:bg-black/60" />
        <BaseDialog.Popup
          ref={popup}
          initialFocus={() => popup.current?.querySelector<HTMLElement>("[data-first-focus]") ?? true}
          className={clsx(
            "fixed top-[10vh] left-1/2 z-50 flex max-h-[82vh] -translate-x-1/2 flex-col rounded-xl border border-line bg-raised shadow-2xl transition-all data-[ending-style]:scale-[0.98] data-[ending-style]:opacity-0 data-[starting-style]:scale-[0.98] data-[starting-style]:opacity-0",
            wide ? "w-[min(44rem,92vw)]" : "w-[min(27rem,92vw)]",
          )}
        >
          <div className="flex items-start gap-3 px-5 pt-4">
            <div className="min-w-0 grow">
              <BaseDialog.Title className="text-[0.9375rem] font-semibold break-words">{title}</BaseDialog.Title>
              {text && <BaseDialog.Description className="mt-1 text-muted">{text}</BaseDialog.Description>}
            </div>
            <BaseDialog.Close
              aria-label={t("action.close")}
              className="-mt-1 -mr-2 inline-flex size-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-sunken hover:text-ink"
            >
              <X size={16} aria-hidden />
            </BaseDialog.Close>
          </div>
          <div className="flex min-h-0 flex-col px-5 pt-3 pb-5">{children}</div>
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

/** A question before something that cannot simply be taken back. */
export function Confirm({
  open,
  onClose,
  onConfirm,
  title,
  text,
  confirm,
  cancel,
  danger,
}: {
  open: boolean;
  onClose: () => void;
  onConfirm: () => void;
  title: string;
  text: string;
  confirm: string;
  cancel?: string;
  danger?: boolean;
}) {
  const { t } = useSpeech();
  return (
    <Dialog open={open} onClose={onClose} title={title} text={text}>
      <div className="mt-2 flex justify-end gap-2">
        <Button onClick={onClose}>{cancel ?? t("action.cancel")}</Button>
        <Button
          kind={danger ? "danger" : "primary"}
          onClick={() => {
            onClose();
            onConfirm();
          }}
        >
          {confirm}
        </Button>
      </div>
    </Dialog>
  );
}

export interface MenuItem {
  readonly label: string;
  readonly icon?: LucideIcon;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly run: () => void;
}

export function Menu({ label, items }: { label: string; items: readonly MenuItem[] }) {
  return (
    <BaseMenu.Root>
      <BaseMenu.Trigger
        aria-label={label}
        title={label}
        className="inline-flex size-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-sunken hover:text-ink data-[popup-open]:bg-sunken"
      >
        <Ellipsis size={16} aria-hidden />
      </BaseMenu.Trigger>
      <BaseMenu.Portal>
        <BaseMenu.Positioner sideOffset={4} align="end" className="z-50">
          <BaseMenu.Popup className="min-w-48 rounded-lg border border-line bg-raised p-1 shadow-xl">
            {items.map(({ label: name, icon: Icon, danger, disabled, run }) => (
              <BaseMenu.Item
                key={name}
                disabled={disabled ?? false}
                onClick={run}
                className={clsx(
                  "flex h-8 cursor-default items-center gap-2 rounded-md px-2.5 outline-none data-[disabled]:opacity-50 data-[highlighted]:bg-sunken",
                  danger && "text-danger",
                )}
              >
                {Icon && <Icon size={15} aria-hidden />}
                {name}
              </BaseMenu.Item>
            ))}
          </BaseMenu.Popup>
        </BaseMenu.Positioner>
      </BaseMenu.Portal>
    </BaseMenu.Root>
  );
}

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded border border-line-strong/60 bg-sunken px-1.5 font-sans text-2xs font-medium text-ink">
      {children}
    </kbd>
  );
}

/** What a view says when it has nothing to show, and what to do about it. */
export function Empty({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <div className="flex h-full min-h-48 flex-col items-center justify-center gap-1 p-8 text-center">
      <p className="text-[0.9375rem] font-medium">{title}</p>
      <p className="max-w-[42ch] text-muted">{text}</p>
      {children && <div className="mt-4 flex flex-wrap justify-center gap-2">{children}</div>}
    </div>
  );
}

/** A failure, with its code. Where it is said in another language than its own, the original can be looked at. */
export function ProblemNote(problem: Problem) {
  const { t, said } = useSpeech();
  const sentence = said(problem);
  return (
    <div className="rounded-md bg-danger-soft px-3 py-2 text-danger" role="alert">
      <span className="break-words">{sentence}</span> <code className="text-2xs opacity-80">[{problem.code}]</code>
      {sentence !== problem.message && (
        <details className="mt-1 text-2xs">
          <summary className="cursor-pointer">{t("error.original")}</summary>
          <span className="break-words" lang="en">
            {problem.message}
          </span>
        </details>
      )}
    </div>
  );
}

export function Bar({ share, label }: { share: number | null; label: string }) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : Math.round(share * 100)}
      className="h-1.5 w-full overflow-hidden rounded-full bg-line"
    >
      <div
        className={clsx(
          "h-full rounded-full bg-accent transition-[width] duration-200",
          share === null && "animate-pulse",
        )}
        style={{ width: share === null ? "100%" : `${Math.min(100, share * 100)}%` }}
      />
    </div>
  );
}
