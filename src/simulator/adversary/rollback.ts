// A host that restarts its trusted instance at will, keeps the earlier lives running beside the
// latest, shows a new one an old journal, and lets each of them speak to some (protocols.md §7.1).

import {
  type Effect,
  type Input,
  otherReplicas,
  type Protocol,
  type ReplicaContext,
  type ReplicaId,
  type ReplicaMachine,
  type ReplicaStatus,
  type Service,
  type StateImage,
  type Tagged,
  type TrustedCounter,
} from "../../core/index.js";
import { reread } from "../journal.js";
import type { TrustedGroup } from "../model-counter.js";
import type { Random } from "../random.js";

type Effects = Effect<Tagged, Tagged>[];
type Message = Extract<Input<Tagged, Tagged>, { kind: "message" }>;

/** What a rolling-back host has to work with. */
export interface RollbackMeans {
  readonly protocol: Protocol;
  /** For the first life: its counter, and all that later lives share. */
  readonly context: ReplicaContext;
  readonly service: () => Service;
  /** Starts the trusted instance again. */
  readonly restart: () => TrustedCounter;
  /** The machine of one life: honest, or lying in other ways too. */
  readonly machine: (context: ReplicaContext) => ReplicaMachine<Tagged, Tagged>;
  readonly random: Random;
}

/** What a journal held at some time. */
interface Past {
  readonly saved: StateImage | null;
  readonly records: readonly Uint8Array[];
}

/** One life with its machine and its journal. */
interface Branch {
  readonly name: string;
  readonly machine: ReplicaMachine<Tagged, Tagged>;
  saved: StateImage | null;
  records: Uint8Array[];
  /** Peers that it talks to, and listens to above all. */
  audience: ReadonlySet<ReplicaId>;
}

const forkTimer = "rollback";
const branchesMax = 3;
const forksMax = 8;
const pastsMax = 24;

/**
 * The counter of one life, without the tripwire: what arrives is verified by an instance that the
 * host started for nothing else.
 */
export function untripped(group: TrustedGroup, instance: number): TrustedCounter {
  const life = group.counter(instance);
  const verifier = group.counter(instance);
  return {
    instance,
    leases: life.leases,
    limit: (counter) => life.limit(counter),
    current: (counter) => life.current(counter),
    independent: (counter, next, digest) => life.independent(counter, next, digest),
    continuing: (counter, next, digest) => life.continuing(counter, next, digest),
    trustedMac: (counter, digest) => life.trustedMac(counter, digest),
    multi: (kind, parts, digest) => life.multi(kind, parts, digest),
    verify: (attestation, digest) => verifier.verify(attestation, digest),
    verifyMulti: (attestation, digest) => verifier.verifyMulti(attestation, digest),
    verifyClient: (client, digest, mac) => verifier.verifyClient(client, digest, mac),
    resume: (attestation, digest) => life.resume(attestation, digest),
  };
}

export class RollbackReplica implements ReplicaMachine<Tagged, Tagged> {
  readonly #means: RollbackMeans;
  readonly #branches: Branch[] = [];
  readonly #pasts: Past[] = [{ saved: null, records: [] }];
  #forks = 0;
  /** How likely instances hear what is not said to their host's audience. */
  readonly #reach: number;

  constructor(means: RollbackMeans) {
    this.#means = means;
    this.#reach = means.random.pick([0.05, 0.4, 0.9]);
    this.#add(means.context, { saved: null, records: [] });
  }

  step(now: number, input: Input<Tagged, Tagged>): Effects {
    switch (input.kind) {
      case "start":
        return [...this.#run(this.#branches[0]!, now, input), this.#nextFork()];
      case "message":
        return this.#listeners(input).flatMap((branch) => this.#run(branch, now, input));
      case "leased":
        return [];
      case "timeout":
        if (input.timer === forkTimer) return [...this.#fork(now), this.#nextFork()];
        return this.#onTimer(now, input.timer);
    }
  }

  status(): ReplicaStatus {
    return this.#branches.at(-1)!.machine.status();
  }

  #nextFork(): Effects[number] {
    return { kind: "set-timer", timer: forkTimer, afterMs: this.#means.random.between(20, 500) };
  }

  #add(context: ReplicaContext, { saved, records }: Past): Branch {
    const machine = this.#means.machine(context);
    const name = `life ${this.#forks++}`;
    const audience = new Set<ReplicaId>(this.#others());
    const branch = { name, machine, saved, records: [...records], audience };
    this.#branches.push(branch);
    return branch;
  }

  #others(): ReplicaId[] {
    const { n, replica } = this.#means.context;
    return otherReplicas(n, replica);
  }

  /** Restarts the instance before a journal from some time past, and divides the others anew. */
  #fork(now: number): Effects {
    const { random, context, service, restart, protocol } = this.#means;
    if (this.#forks > forksMax) return [];
    if (this.#branches.length === branchesMax) this.#branches.splice(random.below(branchesMax), 1);
    else if (random.chance(0.2)) this.#branches.shift();
    const past = random.pick([...this.#pasts, this.#pasts[0]!]);
    const branch = this.#add({ ...context, service: service(), counter: restart() }, past);
    for (const one of this.#branches) one.audience = new Set();
    for (const peer of this.#others()) {
      const spoken = random.shuffled(this.#branches).slice(0, random.chance(0.7) ? 1 : 2);
      for (const one of spoken) one.audience = new Set([...one.audience, peer]);
    }
    const journal = past.records.map((bytes) => protocol.records.decode(bytes.slice())!);
    const snapshot = past.saved && reread(past.saved);
    return this.#run(branch, now, { kind: "start", snapshot, journal });
  }

  #onTimer(now: number, timer: string): Effects {
    const branch = this.#branches.find(({ name }) => timer.startsWith(`${name}:`));
    if (branch === undefined) return [];
    return this.#run(branch, now, { kind: "timeout", timer: timer.slice(branch.name.length + 1) });
  }

  /** Who hears a message: those that speak to its sender, and sometimes the others. */
  #listeners({ from, message }: Message): Branch[] {
    const { random } = this.#means;
    const chance = from === null ? 0.6 : message.kind === "lease" ? this.#reach : 0.2;
    return this.#branches.filter(
      ({ audience }) => (from !== null && audience.has(from)) || random.chance(chance),
    );
  }

  #run(branch: Branch, now: number, input: Input<Tagged, Tagged>): Effects {
    return branch.machine.step(now, input).flatMap((effect) => this.#carryOut(branch, effect));
  }

  #carryOut(branch: Branch, effect: Effects[number]): Effects {
    switch (effect.kind) {
      case "persist":
        branch.records.push(this.#means.protocol.records.encode(effect.record));
        this.#remember(branch);
        return [];
      case "checkpoint":
        if (effect.required) {
          branch.saved = { order: effect.image.order, pages: [...effect.image.pages] };
          branch.records = effect.retain.map((one) => this.#means.protocol.records.encode(one));
        }
        return [];
      case "set-timer":
      case "cancel-timer":
        return [{ ...effect, timer: `${branch.name}:${effect.timer}` }];
      case "send":
        return this.#says(branch, effect.to, effect.message) ? [effect] : [];
      case "broadcast":
        return this.#others()
          .filter((to) => this.#says(branch, to, effect.message))
          .map((to) => ({ kind: "send", to, message: effect.message }));
      case "reply":
        return [effect];
      case "observe":
        return [];
    }
  }

  /** All goes to the life's audience; statements of its instance to others too, some of them. */
  #says({ audience }: Branch, to: ReplicaId, message: Tagged): boolean {
    return audience.has(to) || (message.kind === "lease" && this.#means.random.chance(this.#reach));
  }

  #remember({ saved, records }: Branch): void {
    const { random } = this.#means;
    if (!random.chance(0.3)) return;
    if (this.#pasts.length === pastsMax) this.#pasts.splice(1 + random.below(pastsMax - 1), 1);
    this.#pasts.push({ saved, records: [...records] });
  }
}
