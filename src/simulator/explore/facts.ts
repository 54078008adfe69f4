// What must always hold, as facts: what a correct replica did, in all its lives, and what it said.
// A state is wrong if one replica's facts are at odds with each other or with another's. Facts are
// never taken back, so that no violation is missed by looking at later states only.

import { type Observation, toHex } from "../../core/index.js";
import type { Property } from "../judge.js";
import { Interner } from "./interner.js";
import type { Emission } from "./live-replica.js";
import { bundleName, type Vocabulary } from "./vocabulary.js";

/** What the explorer watches. */
export const alwaysProperties = [
  "agreement",
  "exactly-once",
  "validity",
  "state-equality",
  "equal-answers",
  "never-throws",
] as const satisfies readonly Property[];

export type AlwaysProperty = (typeof alwaysProperties)[number];

/** A property that does not hold, and how. */
export interface Broken {
  readonly property: AlwaysProperty | "eventually answered";
  readonly message: string;
}

/** A correct replica's facts. */
interface Facts {
  /** What must be the same wherever it is known, e.g. "order 1" ↦ its batch's digest. */
  readonly claims: ReadonlyMap<string, Claim>;
  /** Bundles that took effect in this life. */
  readonly applied: ReadonlySet<string>;
  /** The last order executed in this life. */
  readonly order: number;
}

interface Claim {
  readonly property: AlwaysProperty;
  /** As in: replica 1 `did` value. */
  readonly did: string;
  readonly value: string;
}

const short = (digest: Uint8Array): string => toHex(digest.subarray(0, 6));

/** The facts of all replicas of an exploration, by number. */
export class FactBook {
  readonly #facts = new Interner<Facts>();
  readonly #vocabulary: Vocabulary;
  readonly #always: ReadonlySet<string>;
  readonly #conflicts = new Map<number, Broken | null>();
  readonly none: number;

  constructor(vocabulary: Vocabulary, always: readonly AlwaysProperty[]) {
    this.#vocabulary = vocabulary;
    this.#always = new Set(always);
    this.none = this.#add({ claims: new Map(), applied: new Set(), order: 0 });
  }

  /** The facts after a turn, and what is wrong with them. */
  after(
    before: number,
    emissions: readonly Emission[],
  ): { readonly facts: number; readonly broken: Broken | null } {
    const draft = new Draft(this.#facts.get(before), this.#vocabulary);
    for (const emission of emissions) {
      if (emission.kind === "observe") draft.observe(emission.event);
      else if (emission.kind === "answer") draft.answer(emission.bundle, emission.answer);
    }
    const broken = draft.broken.find(({ property }) => this.#always.has(property)) ?? null;
    return { facts: draft.changed ? this.#add(draft) : before, broken };
  }

  /** A new life begins, from the state after an order. */
  restarted(before: number, order: number): number {
    return this.#add({ claims: this.#facts.get(before).claims, applied: new Set(), order });
  }

  /** Whether two correct replicas contradict each other. */
  conflict(a: number, b: number): Broken | null {
    const [low, high] = a < b ? [a, b] : [b, a];
    const key = low * 2 ** 26 + high;
    let conflict = this.#conflicts.get(key);
    if (conflict === undefined) {
      conflict = this.#compare(this.#facts.get(low), this.#facts.get(high));
      this.#conflicts.set(key, conflict);
    }
    return conflict;
  }

  #compare(a: Facts, b: Facts): Broken | null {
    for (const [subject, claim] of a.claims) {
      const other = b.claims.get(subject);
      if (other === undefined || other.value === claim.value) continue;
      if (!this.#always.has(claim.property)) continue;
      return {
        property: claim.property,
        message: `one correct replica ${claim.did} ${claim.value}, another ${other.value}`,
      };
    }
    return null;
  }

  /** The facts as lines for people. */
  describe(facts: number): string[] {
    return [...this.#facts.get(facts).claims.values()].map(({ did, value }) => `${did} ${value}`);
  }

  /** The answers that a replica gave: bundle ↦ answer. */
  answers(facts: number): Map<string, string> {
    const answers = new Map<string, string>();
    for (const [subject, { property, value }] of this.#facts.get(facts).claims) {
      if (property === "equal-answers") answers.set(subject.slice("answer ".length), value);
    }
    return answers;
  }

  #add({ claims, applied, order }: Facts): number {
    const texts = [...claims].map(([subject, { value }]) => `${subject}=${value}`).sort();
    const key = `${texts.join(";")}|${[...applied].sort().join(";")}|${order}`;
    return this.#facts.add(key, { claims: new Map(claims), applied: new Set(applied), order });
  }
}

/** Facts being added to. */
class Draft implements Facts {
  readonly claims: Map<string, Claim>;
  readonly applied: Set<string>;
  order: number;
  changed = false;
  readonly broken: Broken[] = [];
  readonly #vocabulary: Vocabulary;

  constructor({ claims, applied, order }: Facts, vocabulary: Vocabulary) {
    this.claims = new Map(claims);
    this.applied = new Set(applied);
    this.order = order;
    this.#vocabulary = vocabulary;
  }

  observe(event: Observation): void {
    switch (event.event) {
      case "executed": {
        const did = `executed order ${event.order} as`;
        this.#claim(`order ${event.order}`, "agreement", did, short(event.digest));
        return this.#reach(event.order);
      }
      case "checkpoint": {
        const did = `took checkpoint ${event.order} as`;
        const subject = `checkpoint ${event.order}`;
        return this.#claim(subject, "state-equality", did, short(event.digest));
      }
      case "transfer":
        if (event.status === "finished") this.#reach(event.order);
        return;
      case "applied":
        return this.#apply(bundleName(event));
      default:
        return;
    }
  }

  #reach(order: number): void {
    this.changed ||= this.order !== order;
    this.order = order;
  }

  #apply(bundle: string): void {
    if (this.applied.has(bundle)) {
      const message = `${bundle} took effect twice at one replica`;
      this.broken.push({ property: "exactly-once", message });
    }
    if (!this.#vocabulary.submitted.has(bundle)) {
      const message = `${bundle} took effect and was never submitted`;
      this.broken.push({ property: "validity", message });
    }
    this.applied.add(bundle);
    this.changed = true;
    const did = `let ${bundle} take effect after order`;
    this.#claim(`effect ${bundle}`, "exactly-once", did, String(this.order));
  }

  answer(bundle: string, answer: string): void {
    this.#claim(`answer ${bundle}`, "equal-answers", `answered ${bundle} with`, answer);
  }

  #claim(subject: string, property: AlwaysProperty, did: string, value: string): void {
    const known = this.claims.get(subject);
    if (known === undefined) {
      this.claims.set(subject, { property, did, value });
      this.changed = true;
    } else if (known.value !== value) {
      const message = `one replica ${did} ${known.value}, and again as ${value}`;
      this.broken.push({ property, message });
    }
  }
}
