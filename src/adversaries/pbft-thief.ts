// A liar in a PBFT cluster that begins its views without what earlier ones ordered, if there is a
// way to have others read that, and proposes something else in its place.

import type { Tagged } from "../core/index.js";
import { type Ballot, batchDigest } from "../parts/index.js";
import { pbft } from "../protocols/index.js";
import { type Means, others, type Outgoing } from "../simulator/index.js";
import { to } from "./leader.js";
import { forging } from "./pbft-forge.js";
import { type Message, type PbftMemory } from "./pbft-memory.js";
import { beginning } from "./pbft-reports.js";
import { StolenViews } from "./stolen-views.js";

const { decide } = pbft;
type PbftReport = pbft.PbftReport;

export class PbftThief extends StolenViews<Message<"new-view">> {
  readonly #memory: PbftMemory;

  constructor(means: Means, memory: PbftMemory) {
    super(means, "pre-prepare");
    this.#memory = memory;
  }

  protected override steal({ view, reports: honest }: Message<"new-view">): Outgoing[] | null {
    const known = [...honest, ...this.#memory.reportsFor(view)];
    const orders = known.flatMap(({ prepared, seen }) => [...prepared, ...seen]);
    const top = Math.max(0, ...orders.map(({ order }) => order));
    const planned = this.#lastOf(honest) ?? 0;
    const lie = beginning(this.means, this.#memory, view, ({ reports }) => {
      const last = this.#lastOf(reports);
      return last === null || last < planned;
    });
    if (lie === null) return null;
    const { reports } = lie as Message<"new-view">;
    const proposals = this.#proposals(view, (this.#lastOf(reports) ?? top) + 1, top);
    return others(this.means).flatMap((peer) =>
      [lie, ...proposals].map((message) => to(peer, message)),
    );
  }

  #lastOf(reports: readonly PbftReport[]): number | null {
    const { f, hash } = this.means.context;
    return decide(reports, f, batchDigest([], hash))?.last ?? null;
  }

  /** Other batches for these orders, and the liar's COMMIT for each. */
  #proposals(view: number, first: number, last: number): Tagged[] {
    const { random, context } = this.means;
    const forge = forging(context);
    if (this.#memory.requests.isEmpty) return [];
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
      const batch = [this.#memory.requests.pick(random)];
      const proposal = forge.prePrepare(view, first + index, batch);
      const ballot: Ballot = proposal;
      return [
        { kind: "pre-prepare", ...proposal } as Tagged,
        { kind: "commit", ...forge.commit(ballot) } as Tagged,
      ];
    }).flat();
  }
}
