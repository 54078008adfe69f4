// What a liar in a PBFT cluster remembers of everything it saw.

import type { Request } from "../codec/index.js";
import type { ReplicaContext, ReplicaId, Tagged } from "../core/index.js";
import type { Ballot, StableCheckpoint } from "../parts/index.js";
import type { pbft } from "../protocols/index.js";
import { Hoard, type Random } from "../simulator/index.js";
import { StableMemory } from "./stable-memory.js";

type PbftMessage = pbft.PbftMessage;
type PbftReport = pbft.PbftReport;
export type Message<K extends PbftMessage["kind"]> = Extract<PbftMessage, { kind: K }>;

export const is = <K extends PbftMessage["kind"]>(
  message: Tagged,
  kind: K,
): message is Message<K> => message.kind === kind;

export const isBallot = (
  message: Tagged,
): message is Message<"pre-prepare" | "prepare" | "commit"> =>
  is(message, "pre-prepare") || is(message, "prepare") || is(message, "commit");

/** Views whose reports are remembered. */
const viewsMax = 8;

/** Everything seen that other stories can be made of. */
export class PbftMemory {
  readonly requests = new Hoard<Request>(64);
  readonly ballots = new Hoard<Ballot>(128);
  readonly stables = new Hoard<StableCheckpoint>(8);
  readonly stable: StableMemory;
  /** By view, of each replica. */
  readonly #reports = new Map<number, Map<ReplicaId, PbftReport>>();

  constructor(context: Pick<ReplicaContext, "n" | "f">) {
    this.stable = new StableMemory(context);
  }

  note(message: Tagged): void {
    if (is(message, "request")) this.requests.put(message);
    if (isBallot(message)) {
      const { view, order, batch } = message;
      this.ballots.put({ view, order, batch });
    }
    if (is(message, "pre-prepare")) for (const one of message.requests) this.requests.put(one);
    if (is(message, "checkpoint")) this.stable.note(message);
    if (is(message, "view-change")) this.#noteReport(message);
    if (is(message, "new-view")) for (const one of message.reports) this.#noteReport(one);
  }

  #noteReport(report: PbftReport): void {
    const { to: view, replica, stable, prepared, seen, proof } = report;
    this.stables.put(stable);
    for (const ballot of prepared) this.ballots.put(ballot);
    const reports = this.#reports.get(view) ?? new Map<ReplicaId, PbftReport>();
    reports.set(replica, { replica, to: view, stable, prepared, seen, proof });
    this.#reports.set(view, reports);
    if (this.#reports.size > viewsMax) this.#reports.delete(Math.min(...this.#reports.keys()));
  }

  /** One report of each replica, for whatever view. */
  oldReports(random: Random): PbftReport[] {
    const all = [...this.#reports.values()].flatMap((reports) => [...reports.values()]);
    const one = new Map(random.shuffled(all).map((report) => [report.replica, report]));
    return [...one.values()];
  }

  /** The latest view that anybody reported for. */
  get lastReported(): number {
    return Math.max(0, ...this.#reports.keys());
  }

  reportsFor(view: number): PbftReport[] {
    return [...(this.#reports.get(view)?.values() ?? [])];
  }
}
