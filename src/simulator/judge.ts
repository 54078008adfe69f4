// The checkers of one run: they see what correct replicas observe and answer, and what correct
// clients accept.

import {
  type Digest,
  equalBytes,
  type Observation,
  type ReplicaId,
  type Reply,
  toHex,
} from "../core/index.js";
import type { ReplicaHost } from "./replica-host.js";
import { answerOf } from "./simulated-client.js";

/**
 * What must always hold; `message` of a violation says which replicas, orders and values broke it.
 */
export type Property =
  | "agreement"
  | "exactly-once"
  | "durability"
  | "validity"
  | "state-equality"
  | "equal-answers"
  | "linearizability"
  | "liveness"
  | "bounded"
  | "never-throws";

export interface Violation {
  readonly property: Property;
  readonly message: string;
}

/** A replica's progress in one life. */
interface Progress {
  readonly life: number;
  /** The last order of its state. */
  order: number;
  /** Bundles that took effect in this life. */
  readonly applied: Set<string>;
}

interface Witness {
  readonly digest: Digest;
  readonly replica: ReplicaId;
}

const name = (digest: Digest): string => toHex(digest.subarray(0, 6));

type BundleId = Pick<Reply, "client" | "session" | "number">;
const keyOf = ({ client, session, number }: BundleId): string =>
  `client ${client} session ${session} bundle ${number}`;

/** Judges safety as the run goes. At most one violation of each property is kept. */
export class Judge {
  readonly violations: Violation[] = [];
  readonly #correctClients: number;
  readonly #executed = new Map<number, Witness>();
  readonly #checkpoints = new Map<number, Witness>();
  readonly #progress = new Map<ReplicaId, Progress>();
  /**
   * After which order a bundle took effect: the same for all correct replicas, in all their lives.
   */
  readonly #applied = new Map<string, { readonly order: number; readonly replica: ReplicaId }>();
  readonly #answers = new Map<string, string>();
  readonly #submitted = new Set<string>();
  readonly #expired = new Set<string>();

  /** Clients numbered below `correctClients` are correct. */
  constructor(correctClients: number) {
    this.#correctClients = correctClients;
  }

  violate(property: Property, message: string): void {
    if (this.violations.some((violation) => violation.property === property)) return;
    this.violations.push({ property, message });
  }

  /** Something a correct replica observed, in the order in which it was. */
  observed(host: ReplicaHost, event: Observation): void {
    const progress = this.#progressOf(host);
    switch (event.event) {
      case "executed":
        this.#compare("agreement", "executed", this.#executed, event.order, {
          digest: event.digest,
          replica: host.id,
        });
        progress.order = event.order;
        return;
      case "checkpoint":
        this.#compare("state-equality", "took checkpoint", this.#checkpoints, event.order, {
          digest: event.digest,
          replica: host.id,
        });
        return;
      case "transfer":
        if (event.status === "finished") progress.order = event.order;
        return;
      case "applied":
        this.#onApplied(host.id, progress, event);
        return;
      case "stable":
      case "view":
      case "suspect":
      case "mute":
      case "dropped":
        return; // nothing that must agree
    }
  }

  #progressOf(host: ReplicaHost): Progress {
    const known = this.#progress.get(host.id);
    if (known?.life === host.life) return known;
    const fresh = { life: host.life, order: host.startedFrom, applied: new Set<string>() };
    this.#progress.set(host.id, fresh);
    return fresh;
  }

  #compare(
    property: Property,
    did: string,
    witnesses: Map<number, Witness>,
    order: number,
    { digest, replica }: Witness,
  ): void {
    const first = witnesses.get(order);
    if (first === undefined) witnesses.set(order, { digest: digest.slice(), replica });
    else if (!equalBytes(first.digest, digest)) {
      const one = `replica ${first.replica} ${did} ${order} as ${name(first.digest)}`;
      this.violate(property, `${one}, replica ${replica} as ${name(digest)}`);
    }
  }

  #onApplied(replica: ReplicaId, progress: Progress, bundle: BundleId): void {
    const key = keyOf(bundle);
    if (progress.applied.has(key)) {
      this.violate("exactly-once", `${key} took effect twice at replica ${replica}`);
    }
    progress.applied.add(key);
    const { order } = progress;
    const first = this.#applied.get(key);
    if (first === undefined) {
      this.#applied.set(key, { order, replica });
      if (bundle.client < this.#correctClients && !this.#submitted.has(key)) {
        this.violate("validity", `${key} took effect and was never submitted`);
      }
    } else if (first.order !== order) {
      const one = `after order ${first.order} at replica ${first.replica}`;
      this.violate("exactly-once", `${key} took effect ${one}, after ${order} at ${replica}`);
    }
  }

  /** A correct client submitted a bundle. */
  submitted(bundle: BundleId): void {
    this.#submitted.add(keyOf(bundle));
  }

  /** A correct replica answered. */
  answered(replica: ReplicaId, reply: Reply): void {
    if (reply.outcome !== "executed") return;
    const key = keyOf(reply);
    const answer = answerOf(reply);
    const first = this.#answers.get(key);
    if (first === undefined) this.#answers.set(key, answer);
    else if (first !== answer) {
      this.violate("equal-answers", `${key}: replica ${replica} says ${answer}, others ${first}`);
    }
  }

  /** A correct client took an answer for true. */
  accepted(reply: Reply): void {
    const key = keyOf(reply);
    if (reply.outcome === "session-expired") this.#expired.add(key);
    // What a crash kept from being observed may come back from the disk: its answer tells of it.
    else if (!this.#applied.has(key) && !this.#answers.has(key)) {
      this.violate("durability", `${key} was acknowledged and no correct replica has it`);
    } else if (this.#answers.get(key) !== answerOf(reply)) {
      this.violate("durability", `${key}: the client accepted what no correct replica answered`);
    }
  }

  /** The end of the run: all correct replicas, which are up and idle. */
  finished(hosts: readonly ReplicaHost[]): void {
    for (const key of this.#expired) {
      if (this.#applied.has(key)) {
        this.violate("durability", `${key} was refused as expired and took effect`);
      }
    }
    const [first, ...others] = hosts.filter((host) => host.isUp);
    if (first === undefined) return;
    const pages = first.service.pages();
    for (const host of others) {
      const theirs = host.service.pages();
      const index = pages.findIndex(
        (page, i) => theirs[i] === undefined || !equalBytes(page.digest, theirs[i].digest),
      );
      if (index >= 0 || pages.length !== theirs.length) {
        const which = `page ${index} at replicas ${first.id} and ${host.id}`;
        this.violate("state-equality", `${which} differs after the last order`);
      }
    }
  }
}
