import { create } from "zustand";

/** The row under the pointer in the gallery, ringed on the map; a store of its own, since it changes at every move. */
export const usePointed = create<{ readonly row: number }>(() => ({ row: -1 }));

export function pointAt(row: number): void {
  usePointed.setState({ row });
}
