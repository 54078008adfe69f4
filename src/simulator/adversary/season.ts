// When a liar lies: one that is honest for a while is believed for a while.

/** `spells`: for a share of every period; `changes`: during view changes, and shortly after. */
export type Season =
  | { readonly kind: "always" }
  | { readonly kind: "from"; readonly fromMs: number }
  | { readonly kind: "spells"; readonly everyMs: number; readonly share: number }
  | { readonly kind: "changes"; readonly afterMs: number };

export const always: Season = { kind: "always" };

/** `sinceChangeMs`: how long ago the liar's machine was in a view change. */
export function isInSeason(season: Season, now: number, sinceChangeMs: number): boolean {
  switch (season.kind) {
    case "always":
      return true;
    case "from":
      return now >= season.fromMs;
    case "spells":
      return now % season.everyMs < season.share * season.everyMs;
    case "changes":
      return sinceChangeMs <= season.afterMs;
  }
}
