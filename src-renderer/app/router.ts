/** Where the window is, from the address; back and forward work as everywhere. */
import { create } from "zustand";
import { type Place, readPlace, writePlace } from "./link.js";

export interface Route {
  readonly place: Place;
  readonly search: URLSearchParams;
}

export const useRoute = create<Route>(() => readPlace(location.hash));

addEventListener("hashchange", () => useRoute.setState(readPlace(location.hash), true));

/** Goes to a place. */
export function go(place: Place, search?: URLSearchParams): void {
  location.hash = writePlace(place, search);
}

/** Notes the state of the view in the address, without a step in the history and without a change of view. */
export function note(place: Place, search: URLSearchParams): void {
  const hash = writePlace(place, search);
  if (hash !== location.hash) history.replaceState(history.state, "", hash);
}
