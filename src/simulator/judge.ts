// The checkers of one run: they see what correct replicas observe and answer, and what correct
// clients accept. Where a protocol's order is partial, replicas must agree on each instance, and on
// the order of what interferes.

import {
  type ClientId,
  type Digest,
  equalBytes,
  type Instance,
  type Observation,
  type ReplicaId,
  type ReplicaStatus,
  type Reply,
  type Service,
  type SessionId,
  toHex,
} from "../core/index.js";
import { Levels, type Touches, touchesOf } from "./levels.js";
import type { ReplicaHost } from "./replica-host.js";

/**
 * What must always hold; `message` of a violation says which replicas, orders and values broke it.
 */
export type Property =
  | "agreement"
  | "exactly-once"
  | "durability"
  | "relative-order"
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
  /** What it touches; null if nobody correct submitted it. */
  touches: Touches | null;
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
  /** In this instance; or after this order … */
  readonly place: Place;
  /** … and after so many other bundles. */
  readonly index: number;
  readonly order: number;
  /** After which checkpoint. */
  readonly checkpoint: number;
  /** Where the order is partial: see {@link Levels}. */
  readonly level: number | null;
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
  /** The last checkpoint that it passed. */
  checkpoint: number;
  /** Instances executed in this life, where the order is partial. */
  readonly instances: Set<Place>;
  /** Of what took effect; null if it began in a state that no other was seen in. */
  levels: Levels | null;
  /** Orders that it did not execute itself in this life, both ends included. */
  readonly skipped: { readonly from: number; readonly to: number; readonly checkpoint: number }[];
}

interface Witness {
  readonly digest: Digest;
  readonly replica: ReplicaId;
}

const name = (digest: Digest): string => toHex(digest.subarray(0, 6));

const nameOf = ({ client, session, number }: BundleId): string =>
  `client ${client} session ${session} bundle ${number}`;

/** Where something took effect: an instance, or the number of an order. */
type Place = number | string;

const placeOf = (order: number, instance: Instance | undefined): Place =>
  instance === undefined ? order : `instance ${instance.space}.${instance.slot}`;

/** No batch has more bundles. */
const bundlesPerOrderMax = 2 ** 20;

/** Judges safety as the run goes. At most one violation of each property is kept. */
export class Judge {
  readonly violations: Violation[] = [];
  readonly #correctClients: number;
  readonly #executed = new Map<Place, Witness>();
  readonly #checkpoints = new Map<Place, Witness>();
  /** Where the order is partial: what tells what a bundle touches, and levels at checkpoints. */
  readonly #service: Pick<Service, "footprint"> | null;
  readonly #levels = new Map<number, Levels>([[0, new Levels()]]);
  readonly #progress = new Map<ReplicaId, Progress>();
  /** By client, session and number. */
  readonly #fates = new Map<ClientId, Map<SessionId, Map<number, Fate>>>();

  /**
   * Clients numbered below `correctClients` are correct. `service`: what is replicated, if the
   * order is partial; null if it is total.
   */
  constructor(correctClients: number, service: Pick<Service, "footprint"> | null) {
    this.#correctClients = correctClients;
    this.#service = service;
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
        this.#onExecuted(host.id, progress, event);
        return;
      case "checkpoint":
        this.#compare("state-equality", "took checkpoint", this.#checkpoints, event.order, {
          digest: event.digest,
          replica: host.id,
        });
        this.#onCheckpoint(progress, event.order);
        return;
      case "transfer":
        if (event.status === "finished") this.#onTransferred(progress, event.order);
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
    const fresh: Progress = {
      life: host.life,
      order,
      sinceOrder: 0,
      applied: new Set<Fate>(),
      checkpoint: order,
      instances: new Set(),
      levels: this.#levels.get(order)?.copy() ?? null,
      skipped: [{ from: 0, to: order, checkpoint: 0 }],
    };
    this.#progress.set(host.id, fresh);
    return fresh;
  }

  #compare(
    property: Property,
    did: string,
    witnesses: Map<Place, Witness>,
    place: Place,
    { digest, replica }: Witness,
  ): void {
    const first = witnesses.get(place);
    if (first === undefined) witnesses.set(place, { digest: digest.slice(), replica });
    else if (!equalBytes(first.digest, digest)) {
      const one = `replica ${first.replica} ${did} ${place} as ${name(first.digest)}`;
      this.violate(property, `${one}, replica ${replica} as ${name(digest)}`);
    }
  }

  #onExecuted(
    replica: ReplicaId,
    progress: Progress,
    { order, digest, instance }: Extract<Observation, { event: "executed" }>,
  ): void {
    const place = placeOf(order, instance);
    this.#compare("agreement", "executed", this.#executed, place, { digest, replica });
    if (progress.instances.has(place)) {
      this.violate("exactly-once", `replica ${replica} executed ${place} twice`);
    }
    if (instance !== undefined) progress.instances.add(place);
    if (order !== progress.order + 1) {
      const what = `replica ${replica} executed order ${order} after ${progress.order}`;
      this.violate("durability", what);
    }
    progress.order = order;
    progress.sinceOrder = 0;
  }

  #onCheckpoint(progress: Progress, order: number): void {
    progress.checkpoint = order;
    if (this.#service === null || progress.levels === null || this.#levels.has(order)) return;
    this.#levels.set(order, progress.levels.copy());
  }

  #onTransferred(progress: Progress, order: number): void {
    const { order: from, checkpoint } = progress;
    // What was executed beyond the checkpoint is undone, and will be executed again.
    if (this.#service !== null) progress.applied.clear();
    progress.skipped.push({ from, to: order, checkpoint: this.#service === null ? checkpoint : 0 });
    progress.order = progress.checkpoint = order;
    progress.sinceOrder = 0;
    progress.levels = this.#levels.get(order)?.copy() ?? null;
    progress.instances.clear();
  }

  #onApplied(
    replica: ReplicaId,
    progress: Progress,
    bundle: Extract<Observation, { event: "applied" }>,
  ): void {
    const fate = this.#fateOf(bundle);
    if (progress.applied.has(fate)) {
      this.violate("exactly-once", `${nameOf(fate)} took effect twice at replica ${replica}`);
    }
    progress.applied.add(fate);
    const { order, checkpoint } = progress;
    const place = placeOf(order, bundle.instance);
    const index = progress.sinceOrder++;
    const level = fate.touches && (progress.levels?.take(fate.touches) ?? null);
    const first = fate.effect;
    if (first === null) {
      fate.effect = { place, index, order, checkpoint, level, replica };
      if (bundle.client < this.#correctClients && !fate.wasSubmitted) {
        this.violate("validity", `${nameOf(fate)} took effect and was never submitted`);
      }
    } else if (first.place !== place || first.index !== index) {
      const one = `after order ${first.place}.${first.index} at replica ${first.replica}`;
      const other = `after ${place}.${index} at ${replica}`;
      this.violate("exactly-once", `${nameOf(fate)} took effect ${one}, ${other}`);
    } else if (first.level !== null && level !== null && first.level !== level) {
      const one = `after ${first.level - 1} others that interfere at replica ${first.replica}`;
      const what = `${nameOf(fate)} took effect ${one}, after ${level - 1} at ${replica}`;
      this.violate("relative-order", what);
    }
  }

  #fateOf({ client, session, number }: BundleId): Fate {
    let sessions = this.#fates.get(client);
    if (sessions === undefined) this.#fates.set(client, (sessions = new Map()));
    let bundles = sessions.get(session);
    if (bundles === undefined) sessions.set(session, (bundles = new Map()));
    let fate = bundles.get(number);
    if (fate === undefined) {
      const nothing = {
        wasSubmitted: false,
        wasAcknowledged: false,
        wasRefused: false,
        touches: null,
      };
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
  submitted(bundle: BundleId, operations: readonly Uint8Array[]): void {
    const fate = this.#fateOf(bundle);
    fate.wasSubmitted = true;
    if (this.#service !== null) fate.touches = touchesOf(this.#service, bundle.client, operations);
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
    if (this.#service !== null) return effect?.level ?? undefined;
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
    for (const host of hosts) {
      const progress = this.#progressOf(host);
      if (progress.applied.has(fate) || !this.#mustHave(progress, fate.effect)) continue;
      const what = `${nameOf(fate)} was acknowledged, and took effect after order`;
      this.violate("durability", `${what} ${fate.effect.place}, but not at replica ${host.id}`);
    }
  }

  /** Whether a replica executed what an effect was of. */
  #mustHave(progress: Progress, { order, place, checkpoint }: Effect): boolean {
    const { skipped, instances } = progress;
    // What was observed is what is durable; the last orders may not be yet.
    if (this.#service === null) {
      const isSkipped = skipped.some(({ from, to }) => from <= order && order <= to);
      return order < progress.order && !isSkipped;
    }
    if (instances.has(place)) return true;
    const isSkipped = skipped.some((skip) => skip.checkpoint <= checkpoint && checkpoint < skip.to);
    return checkpoint < progress.checkpoint && !isSkipped;
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
    const firsts = new Map<string, ReplicaHost>();
    for (const host of hosts) {
      const { executed, tentative, frontier = "" } = host.machine.status();
      if (tentative !== undefined && tentative > 0) continue; // it may be undone
      const place = `${executed} ${frontier}`;
      const first = firsts.get(place);
      if (first === undefined) firsts.set(place, host);
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
