import { Popover as BasePopover } from "@base-ui/react/popover";
import { clsx } from "clsx";
import type { ReactNode } from "react";

/** A small window beside what opens it; Esc or a click elsewhere closes it. */
export function Popover({
  label,
  trigger,
  triggerClass,
  tabIndex,
  className,
  open,
  onOpenChange,
  children,
}: {
  /** Says what the trigger is for; also the popup's name. */
  label: string;
  trigger: ReactNode;
  triggerClass: string;
  tabIndex?: number;
  className?: string;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  children: ReactNode;
}) {
  return (
    <BasePopover.Root {...(open === undefined ? {} : { open })} onOpenChange={(next) => onOpenChange?.(next)}>
      <BasePopover.Trigger
        aria-label={label}
        title={label}
        {...(tabIndex === undefined ? {} : { tabIndex })}
        className={triggerClass}
      >
        {trigger}
      </BasePopover.Trigger>
      <BasePopover.Portal>
        <BasePopover.Positioner sideOffset={6} collisionPadding={8} align="start" className="z-50">
          <BasePopover.Popup
            aria-label={label}
            className={clsx(
              "max-h-[var(--available-height)] overflow-y-auto rounded-lg border border-line bg-raised p-3 shadow-xl outline-none",
              className,
            )}
          >
            {children}
          </BasePopover.Popup>
        </BasePopover.Positioner>
      </BasePopover.Portal>
    </BasePopover.Root>
  );
}
