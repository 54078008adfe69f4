// What a lying host asks of its trusted counter in place of a certificate that it will not give:
// one of another kind, of another counter, or for a later position. Nobody should take it for the
// right one.

import { toWire, type WireAttestation } from "../../codec/index.js";
import {
  type Attestation,
  type AttestationKind,
  comparePositions,
  type Digest,
  origin,
  type Position,
  type TrustedCounter,
} from "../../core/index.js";
import type { Random } from "../random.js";

/** The digest that a message would have certified, with that in it; null: nobody would read it. */
type DigestAs = (wire: WireAttestation) => Digest | null;

interface Substitute {
  readonly kind: AttestationKind;
  /** Null: the one that is due. */
  readonly counter: number | null;
  readonly next: "due" | "other view" | "other order";
}

const all: readonly Substitute[] = (["independent", "continuing", "trusted-mac"] as const).flatMap(
  (kind) =>
    [null, 0, 1, 2].flatMap((counter) =>
      (["due", "other view", "other order"] as const)
        .filter((next) => kind !== "trusted-mac" || next === "due")
        .map((next) => ({ kind, counter, next })),
    ),
);

/** After so many certificates that had no substitute, few more are looked for. */
const patience = 24;

export class Substitutes {
  readonly #counter: TrustedCounter;
  readonly #random: Random;
  /** What receivers would read, tried first. */
  readonly #known: Substitute[] = [];
  #failures = 0;

  constructor(counter: TrustedCounter, random: Random) {
    this.#counter = counter;
    this.#random = random;
  }

  /** In place of what discloses where the counter stands: what is read as well, and does not. */
  preferred(due: Attestation, digestAs: DigestAs): Attestation | null {
    if (due.kind !== "continuing" || !this.#random.chance(0.5)) return null;
    return this.#try({ kind: "independent", counter: null, next: "due" }, due, digestAs);
  }

  any(due: Attestation, digestAs: DigestAs): Attestation | null {
    if (this.#failures > patience && !this.#random.chance(0.02)) return null;
    // The first refusal may be the only one that matters: everything is tried.
    for (const substitute of [...this.#known, ...this.#random.shuffled(all)]) {
      const given = this.#try(substitute, due, digestAs);
      if (given === null) continue;
      if (!this.#known.includes(substitute)) this.#known.push(substitute);
      return given;
    }
    this.#failures++;
    return null;
  }

  #try({ kind, counter, next }: Substitute, due: Attestation, digestAs: DigestAs) {
    const asked = counter ?? due.counter;
    const current = this.#counter.current(asked);
    const position = kind === "trusted-mac" ? current : positionAt(next, due.next, current);
    if (kind !== "trusted-mac" && comparePositions(position, current) <= 0) return null;
    const previous = kind === "independent" ? origin : current;
    const substitute = { ...due, kind, counter: asked, next: position, previous };
    return asking(this.#counter, substitute, digestAs(toWire(substitute)));
  }
}

function positionAt(next: Substitute["next"], due: Position, current: Position): Position {
  if (next === "other view") return { view: current.view + 1, order: due.order };
  if (next === "other order") return { view: due.view, order: current.order + 1 };
  return due;
}

/** The certificate that the counter gives in place of the one that is promised. */
export function asking(
  trusted: TrustedCounter,
  { kind, counter, next }: Attestation,
  digest: Digest | null,
): Attestation | null {
  if (digest === null) return null;
  switch (kind) {
    case "independent":
      return trusted.independent(counter, next, digest);
    case "continuing":
      return trusted.continuing(counter, next, digest);
    case "trusted-mac":
      return trusted.trustedMac(counter, digest);
  }
}
