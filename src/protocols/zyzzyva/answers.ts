// What clients are told: a SPEC-RESPONSE as soon as their bundle is executed, and a reply that
// needs no certificate to those that ask again, once what they ask for is decided.

import type { Answer, Execution } from "../../parts/index.js";

type Name = Pick<Answer, "client" | "session" | "number">;

const keyOf = ({ client, session, number }: Name): string => `${client} ${session} ${number}`;

/** Remembers where bundles were executed that may have to be undone, and who asked for them. */
export class Answers {
  /** The order at which a bundle took effect, while that is tentative. */
  private readonly places = new Map<string, number>();
  /** Bundles whose clients asked again meanwhile. */
  private readonly awaited = new Set<string>();
  /** Bundles refused on account of what was tentative then: up to which order. */
  private readonly refused = new Map<string, { readonly answer: Answer; readonly order: number }>();

  /** Executed tentatively: the bundles that took effect. */
  place(order: number, executions: readonly Execution[]): void {
    for (const { bundle, applied } of executions) {
      if (applied) this.places.set(keyOf(bundle), order);
    }
  }

  /** Where a bundle took effect tentatively; null if that is decided, or it did not. */
  placeOf(name: Name): number | null {
    return this.places.get(keyOf(name)) ?? null;
  }

  /** The client asks for an answer that is tentative. */
  await(name: Name): void {
    this.awaited.add(keyOf(name));
  }

  /** A bundle was decided; whether its client waits to hear so. */
  decided(name: Name): boolean {
    this.places.delete(keyOf(name));
    return this.awaited.delete(keyOf(name));
  }

  /** It was refused, after an order that is tentative. */
  refuse(answer: Answer, order: number): void {
    this.refused.set(keyOf(answer), { answer, order });
  }

  /** The refusals that are certain after an order. */
  takeRefusals(executed: number): Answer[] {
    const certain = [...this.refused].filter(([, { order }]) => order <= executed);
    for (const [key] of certain) this.refused.delete(key);
    return certain.map(([, { answer }]) => answer);
  }

  /** Orders beyond this one were undone. */
  undo(beyond: number): void {
    for (const [key, order] of this.places) if (order > beyond) this.places.delete(key);
    this.awaited.clear();
    this.refused.clear();
  }
}
