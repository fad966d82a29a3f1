// What is asked of free places, and whether one fits.

/** Half-open, in whatever unit the owner counts. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A search for the lowest free place. */
export interface Search {
  readonly size: number;
  /** Places below this are not looked at. */
  readonly wide: number;
  readonly align: number;
  readonly lowest: number;
  /** How many more places that are wide enough may be wrongly aligned; with 0 nothing more is looked at. */
  left: number;
}

/** Where in the free place [low, high) the search ends; places must be asked for by address. */
export function fit(low: number, high: number, search: Search): number | undefined {
  const { size, wide, align, lowest } = search;
  if (high - low < wide || high - lowest < size || search.left <= 0) return undefined;
  const at = Math.ceil(Math.max(low, lowest) / align) * align;
  if (at + size <= high) return at;
  search.left--;
  return undefined;
}
