// A liar in a Hybster cluster that keeps to its lies: what its honest machine goes on to say about
// view changes agrees with what it told before.

import { hybster } from "../protocols/index.js";
import type { Means, Outgoing } from "../simulator/index.js";
import { forging } from "./hybster-forge.js";

const { decide, planDigest } = hybster;
type HybsterMessage = hybster.HybsterMessage;
type NewView = hybster.NewView;
type ViewChange = hybster.ViewChange;
type Message<K extends HybsterMessage["kind"]> = Extract<HybsterMessage, { kind: K }>;

/** Its own acknowledgement of what a NEW-VIEW decides; null if that is nothing. */
export function acknowledging(
  { context }: Means,
  { view, viewChanges }: Pick<NewView, "view" | "viewChanges">,
): Message<"acknowledgement"> | null {
  if (viewChanges.length === 0) return null;
  const { base, last, plan } = decide(viewChanges);
  const digest = planDigest(plan, context.hash);
  const own = forging(context).acknowledgement({ view, base, last, plan: digest });
  return own && { ...own, kind: "acknowledgement" };
}

/** The NEW-VIEW in place of the one that is sent, and the liar's acknowledgement with it. */
export function announcing(
  means: Means,
  outgoing: readonly Outgoing[],
  message: Message<"new-view">,
): readonly Outgoing[] {
  const own = acknowledging(means, message);
  return outgoing.map((one) => {
    const { kind } = one.message;
    if (kind === "new-view") return { ...one, message };
    return kind === "acknowledgement" && own !== null ? { ...one, message: own } : one;
  });
}

/** The view changes that a liar told, by the view they lead to. */
export class Told {
  readonly #means: Means;
  readonly #told = new Map<number, ViewChange>();

  constructor(means: Means) {
    this.#means = means;
  }

  note(message: ViewChange): void {
    this.#told.set(message.to, message);
  }

  /** What is sent, with the view changes that it told in place of its machine's. */
  keepTo(outgoing: readonly Outgoing[]): readonly Outgoing[] {
    if (this.#told.size === 0) return outgoing;
    return outgoing.reduce<readonly Outgoing[]>((sent, { message: tagged }) => {
      const message = tagged as HybsterMessage;
      if (message.kind !== "certificate" && message.kind !== "new-view") return sent;
      const viewChanges = message.viewChanges.map((one) => this.#asTold(one));
      const other = { ...message, viewChanges } as typeof message;
      if (other.kind === "new-view") return announcing(this.#means, sent, other);
      return sent.map((one) => (one.message === tagged ? { ...one, message: other } : one));
    }, outgoing);
  }

  #asTold(one: ViewChange): ViewChange {
    const isOwn = one.attestation.instance === this.#means.context.replica;
    return (isOwn && this.#told.get(one.to)) || one;
  }
}
