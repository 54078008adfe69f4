// The checkers of one run: they see what correct replicas observe and answer, and what correct
// clients accept.

import {
  type ClientId,
  type Digest,
  equalBytes,
  type Observation,
  type ReplicaId,
  type ReplicaStatus,
  type Reply,
  type SessionId,
  toHex,
} from "../core/index.js";
import type { ReplicaHost } from "./replica-host.js";

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
  | "calm"
  | "bounded"
  | "never-throws";

export interface Violation {
  readonly property: Property;
  readonly message: string;
}

type BundleId = Pick<Reply, "client" | "session" | "number">;

/** All that is known of one bundle. */
interface Fate extends BundleId {
  wasSubmitted: boolean;
  /** A correct client took an answer for true … */
  wasAcknowledged: boolean;
  /** … or that it was refused. */
  wasRefused: boolean;
  /** Where it took effect: the same for all correct replicas, in all their lives. */
  effect: Effect | null;
  /** The first answer of a correct replica that it cannot take back. */
  answer: Reply | null;
  /** Those that correct replicas may take back. */
  readonly tentative: Reply[];
  /** What a correct client took for true. */
  accepted: Reply | null;
}

interface Effect {
  /** After this order … */
  readonly order: number;
  /** … and after so many other bundles. */
  readonly index: number;
  /** Who observed it first. */
  readonly replica: ReplicaId;
}

/** A replica's progress in one life. */
interface Progress {
  readonly life: number;
  /** The last order of its state. */
  order: number;
  /** Bundles that took effect since then. */
  sinceOrder: number;
  /** Bundles that took effect in this life. */
  readonly applied: Set<Fate>;
  /** Orders that it did not execute itself in this life, both ends included. */
  readonly skipped: { readonly from: number; readonly to: number }[];
}

interface Witness {
  readonly digest: Digest;
  readonly replica: ReplicaId;
}

const name = (digest: Digest): string => toHex(digest.subarray(0, 6));

const nameOf = ({ client, session, number }: BundleId): string =>
  `client ${client} session ${session} bundle ${number}`;

/** No batch has more bundles. */
const bundlesPerOrderMax = 2 ** 20;

/** Judges safety as the run goes. At most one violation of each property is kept. */
export class Judge {
  readonly violations: Violation[] = [];
  readonly #correctClients: number;
  readonly #executed = new Map<number, Witness>();
  readonly #checkpoints = new Map<number, Witness>();
  readonly #progress = new Map<ReplicaId, Progress>();
  /** By client, session and number. */
  readonly #fates = new Map<ClientId, Map<SessionId, Map<number, Fate>>>();

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
        this.#onExecuted(host.id, progress, event.order);
        return;
      case "checkpoint":
        this.#compare("state-equality", "took checkpoint", this.#checkpoints, event.order, {
          digest: event.digest,
          replica: host.id,
        });
        return;
      case "transfer":
        if (event.status === "finished") {
          progress.skipped.push({ from: progress.order, to: event.order });
          progress.order = event.order;
          progress.sinceOrder = 0;
        }
        return;
      case "applied":
        this.#onApplied(host.id, progress, event);
        return;
      case "stable":
      case "view":
      case "suspect":
      case "mute":
      case "undone":
      case "dropped":
        return; // nothing that must agree
    }
  }

  #progressOf(host: ReplicaHost): Progress {
    const known = this.#progress.get(host.id);
    if (known?.life === host.life) return known;
    const order = host.startedFrom;
    const skipped = [{ from: 0, to: order }];
    const fresh = { life: host.life, order, sinceOrder: 0, applied: new Set<Fate>(), skipped };
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

  #onExecuted(replica: ReplicaId, progress: Progress, order: number): void {
    if (order !== progress.order + 1) {
      const what = `replica ${replica} executed order ${order} after ${progress.order}`;
      this.violate("durability", what);
    }
    progress.order = order;
    progress.sinceOrder = 0;
  }

  #onApplied(replica: ReplicaId, progress: Progress, bundle: BundleId): void {
    const fate = this.#fateOf(bundle);
    if (progress.applied.has(fate)) {
      this.violate("exactly-once", `${nameOf(fate)} took effect twice at replica ${replica}`);
    }
    progress.applied.add(fate);
    const { order } = progress;
    const index = progress.sinceOrder++;
    const first = fate.effect;
    if (first === null) {
      fate.effect = { order, index, replica };
      if (bundle.client < this.#correctClients && !fate.wasSubmitted) {
        this.violate("validity", `${nameOf(fate)} took effect and was never submitted`);
      }
    } else if (first.order !== order || first.index !== index) {
      const one = `after order ${first.order}.${first.index} at replica ${first.replica}`;
      const other = `after ${order}.${index} at ${replica}`;
      this.violate("exactly-once", `${nameOf(fate)} took effect ${one}, ${other}`);
    }
  }

  #fateOf({ client, session, number }: BundleId): Fate {
    let sessions = this.#fates.get(client);
    if (sessions === undefined) this.#fates.set(client, (sessions = new Map()));
    let bundles = sessions.get(session);
    if (bundles === undefined) sessions.set(session, (bundles = new Map()));
    let fate = bundles.get(number);
    if (fate === undefined) {
      const nothing = { wasSubmitted: false, wasAcknowledged: false, wasRefused: false };
      const noAnswers = { answer: null, tentative: [], accepted: null };
      fate = { client, session, number, ...nothing, effect: null, ...noAnswers };
      bundles.set(number, fate);
    }
    return fate;
  }

  /**
   * Who lost nothing of what it wrote has the checkpoint it had, and takes part in the view in
   * which it did, or is beyond. A view that was entered and has not begun may be forgotten.
   */
  cameBack(host: ReplicaHost, stood: ReplicaStatus): void {
    const { view, stable, role } = host.machine.status();
    const tookPart = stood.role === "leader" || stood.role === "follower";
    const isBehind = view < stood.view || (view === stood.view && role === "changing view");
    if (stable >= stood.stable && !(tookPart && isBehind)) return;
    const now = `came back ${role}, view ${view}, checkpoint ${stable}`;
    const then = `it was ${stood.role}, view ${stood.view}, checkpoint ${stood.stable}`;
    this.violate("durability", `replica ${host.id} lost no write and ${now}; ${then}`);
  }

  /** A correct client submitted a bundle. */
  submitted(bundle: BundleId): void {
    this.#fateOf(bundle).wasSubmitted = true;
  }

  /** A correct replica answered. */
  answered(replica: ReplicaId, reply: Reply): void {
    if (reply.outcome !== "executed") return;
    const fate = this.#fateOf(reply);
    if (reply.isTentative === true) {
      if (!fate.tentative.some((other) => sameResults(other, reply))) fate.tentative.push(reply);
      return;
    }
    fate.answer ??= reply;
    if (!sameResults(fate.answer, reply)) {
      this.violate("equal-answers", `replica ${replica} answers ${nameOf(fate)} as no other does`);
    }
    if (fate.accepted !== null && !sameResults(fate.accepted, reply)) {
      const what = `replica ${replica} answers ${nameOf(fate)} otherwise than was accepted`;
      this.violate("equal-answers", what);
    }
  }

  /** A correct client took an answer for true. */
  accepted(reply: Reply): void {
    const fate = this.#fateOf(reply);
    if (reply.outcome === "session-expired") fate.wasRefused = true;
    else {
      fate.wasAcknowledged = true;
      fate.accepted ??= reply;
      const answers = [...(fate.answer === null ? fate.tentative : [fate.answer])];
      // What a crash kept from being observed may come back from the disk: its answer tells of it.
      if (fate.effect === null && answers.length === 0) {
        this.violate("durability", `${nameOf(fate)} was acknowledged, and no correct one has it`);
      } else if (!answers.some((answer) => sameResults(answer, reply))) {
        const what = `${nameOf(fate)}: the client accepted what no correct replica answered`;
        this.violate("durability", what);
      }
    }
  }

  /** Where correct replicas say that a bundle took effect: later ones have larger positions. */
  positionOf(bundle: BundleId): number | undefined {
    const { effect } = this.#fateOf(bundle);
    return effect === null ? undefined : effect.order * bundlesPerOrderMax + effect.index;
  }

  /** The end of the run. */
  finished(correct: readonly ReplicaHost[]): void {
    const hosts = correct.filter((host) => host.isUp);
    this.#judgeStates(hosts);
    for (const sessions of this.#fates.values()) {
      for (const bundles of sessions.values()) {
        for (const fate of bundles.values()) this.#judgeFate(fate, hosts);
      }
    }
  }

  /** What was acknowledged is in every correct state, and what was refused is in none. */
  #judgeFate(fate: Fate, hosts: readonly ReplicaHost[]): void {
    if (fate.effect === null) return this.#judgeWithoutEffect(fate, hosts);
    if (fate.wasRefused) {
      this.violate("durability", `${nameOf(fate)} was refused as expired and took effect`);
    }
    if (!fate.wasAcknowledged) return;
    const { order } = fate.effect;
    for (const host of hosts) {
      const { applied, skipped, order: observed } = this.#progressOf(host);
      // What was observed is what is durable; the last orders may not be yet.
      if (order >= observed || applied.has(fate)) continue;
      if (skipped.some(({ from, to }) => from <= order && order <= to)) continue;
      const what = `${nameOf(fate)} was acknowledged, and took effect after order ${order}`;
      this.violate("durability", `${what}, but not at replica ${host.id}`);
    }
  }

  /** What took effect nowhere was not acknowledged: who executed every order can tell. */
  #judgeWithoutEffect(fate: Fate, hosts: readonly ReplicaHost[]): void {
    if (!fate.wasAcknowledged) return;
    const witness = hosts.find((host) => {
      const { tentative } = host.machine.status();
      const { skipped } = this.#progressOf(host);
      return host.held === 0 && (tentative ?? 0) === 0 && skipped.every(({ to }) => to === 0);
    });
    if (witness === undefined) return;
    this.violate("durability", `${nameOf(fate)} was acknowledged, and never took effect`);
  }

  /** Equal states after equal orders. */
  #judgeStates(hosts: readonly ReplicaHost[]): void {
    const firsts = new Map<number, ReplicaHost>();
    for (const host of hosts) {
      const { executed, tentative } = host.machine.status();
      if (tentative !== undefined && tentative > 0) continue; // it may be undone
      const first = firsts.get(executed);
      if (first === undefined) firsts.set(executed, host);
      else this.#compareStates(first, host, executed);
    }
  }

  #compareStates(first: ReplicaHost, host: ReplicaHost, order: number): void {
    const pages = first.service.pages();
    const theirs = host.service.pages();
    const index = pages.findIndex(
      (page, i) => theirs[i] === undefined || !equalBytes(page.digest, theirs[i].digest),
    );
    if (index >= 0 || pages.length !== theirs.length) {
      const which = `page ${index} at replicas ${first.id} and ${host.id}`;
      this.violate("state-equality", `${which} differs after order ${order}`);
    }
  }
}

function sameResults({ results: one }: Reply, { results: other }: Reply): boolean {
  return one.length === other.length && one.every((result, i) => equalBytes(result, other[i]!));
}

/** What must match in replies, as a text: all but the view. */
export function answerOf(reply: Reply): string {
  return `${reply.outcome}:${reply.results.map((result) => result.join()).join(";")}`;
}
