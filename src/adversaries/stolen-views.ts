// Views that a liar begins as it likes: what its honest machine says in them is kept back.

import type { Tagged } from "../core/index.js";
import { leaderOf } from "../parts/index.js";
import type { Means, Outgoing } from "../simulator/index.js";

type NewView = Tagged & { readonly view: number };

export abstract class StolenViews<Beginning extends NewView> {
  /** The last view that it began so. */
  #stolen = 0;
  protected readonly means: Means;
  readonly #proposal: string;

  /** `proposal`: the kind of a leader's proposals. */
  constructor(means: Means, proposal: string) {
    this.means = means;
    this.#proposal = proposal;
  }

  /** The view as it begins it; null where it has no way to. */
  protected abstract steal(message: Beginning): readonly Outgoing[] | null;

  /** What it sends in place of what its machine sends. */
  tell(outgoing: readonly Outgoing[]): readonly Outgoing[] {
    const more: Outgoing[] = [];
    for (const message of new Set(outgoing.map((one) => one.message))) {
      if (!this.#begins(message) || message.view <= this.#stolen) continue;
      const said = this.steal(message);
      if (said === null) continue;
      this.#stolen = message.view;
      more.push(...said);
    }
    return [...outgoing.filter(({ message }) => !this.#isHonest(message)), ...more];
  }

  #begins(message: Tagged): message is Beginning {
    if (message.kind !== "new-view") return false;
    const { n, replica } = this.means.context;
    return leaderOf((message as NewView).view, n) === replica;
  }

  #isHonest(message: Tagged): boolean {
    const { view } = message as NewView;
    return (
      (message.kind === "new-view" || message.kind === this.#proposal) && view === this.#stolen
    );
  }
}
