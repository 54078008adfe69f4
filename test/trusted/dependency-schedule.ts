// Hostile schedules for TruDep: instances that keep the rules, and hosts, clients and a network
// that do whatever they like with what the instances say. What comes out must still agree.

import {
  type Access,
  type LeaveCertificate,
  type OrderedCommand,
  type ProposeCertificate,
  type RecordCertificate,
  type ReplicaId,
  replicaIds,
  type Touches,
  type TrustedDependencies,
  type VoteCertificate,
} from "../../src/core/index.js";
import type { Random } from "../../src/simulator/index.js";

type Commit = VoteCertificate<"commit">;
type Violation = "agreement" | "edge";

/** What a run is about. */
export interface ScheduleOptions {
  /** Whether replicas other than the leader also decide from commits (D1 of protocols.md). */
  readonly everyoneDecides?: boolean;
  /** Whether the hosts of f replicas have their instances forget what commands touch (D2). */
  readonly hasForgetful?: boolean;
}

const names = ["apple", "plum"].map((name) => new TextEncoder().encode(`the name ${name}`));
names[1]![0] = 7;
const slotsPerSpace = 2;
const viewsMax = 5;
const commands = 6;

interface Command {
  readonly digest: Uint8Array;
  readonly touches: Touches;
  readonly accesses: readonly (Access | null)[];
}

/** One run. */
export class HostileSchedule {
  /** How often what happened. */
  readonly seen = { decided: 0, finalized: 0, fixed: 0, freed: 0, truncated: 0 };
  readonly #random: Random;
  readonly #instances: readonly TrustedDependencies[];
  readonly #options: ScheduleOptions;
  readonly #n: number;
  readonly #f: number;
  readonly #commands: Command[];
  readonly #proposals: ProposeCertificate[] = [];
  readonly #commits = new Map<ProposeCertificate, Commit[]>();
  readonly #accepts: VoteCertificate<"accept">[] = [];
  readonly #finalizers = new Map<string, Set<ReplicaId>>();
  readonly #decided = new Map<string, OrderedCommand & { readonly slot: number }>();
  #violation: Violation | null = null;

  constructor(
    random: Random,
    instances: readonly TrustedDependencies[],
    options: ScheduleOptions = {},
  ) {
    this.#random = random;
    this.#instances = instances;
    this.#options = options;
    this.#n = instances.length;
    this.#f = instances[0]!.f;
    this.#commands = Array.from({ length: commands }, (_, id) => this.#command(id));
  }

  /** Runs to the end; what went wrong first, if anything. */
  run(): Violation | null {
    const tasks = replicaIds(this.#n)
      .filter(() => this.#random.chance(0.8))
      .flatMap((space) => [this.#ordinary(space), this.#ordinary(space)]);
    for (let i = this.#random.below(6); i > 0; i--) tasks.push(this.#recovery(false));
    while (tasks.length > 0 && this.#violation === null) {
      if (this.#random.chance(0.25)) this.#stray();
      const index = this.#random.below(tasks.length);
      if (tasks[index]!.next().done === true) tasks.splice(index, 1);
      else if (this.#random.chance(0.03)) tasks.splice(index, 1);
    }
    for (let round = 0; round < 4; round++) this.#drain(this.#recovery(false));
    for (const space of replicaIds(this.#n)) this.#drain(this.#recovery(true, space));
    return this.#violation ?? this.#lostEdge();
  }

  #drain(task: Generator): void {
    while (this.#violation === null && task.next().done !== true);
  }

  /** A command as its leader means it: proposed, acknowledged, decided one way or the other. */
  *#ordinary(space: ReplicaId): Generator {
    const leader = this.#instances[space]!;
    for (let slots = slotsPerSpace; slots > 0; slots--) {
      const { view, next } = leader.standing(space);
      if (view !== 0 || next > slotsPerSpace) return;
      const proposal = this.#propose(leader, space, next);
      yield;
      if (proposal !== null) yield* this.#order(leader, proposal, this.#random.chance(0.7));
    }
  }

  *#order(leader: TrustedDependencies, proposal: ProposeCertificate, mayStop: boolean): Generator {
    for (const id of this.#random.shuffled(replicaIds(this.#n))) {
      if (id === leader.instance || (mayStop && this.#random.chance(0.3))) continue;
      this.#ack(this.#instances[id]!, proposal);
      yield;
      if (this.#random.chance(0.4)) this.#choose(leader, proposal);
    }
    this.#choose(leader, proposal);
    yield;
    for (const accepted of this.#accepts.filter((one) => isOf(one, proposal))) {
      yield* this.#finish(accepted, mayStop);
    }
  }

  *#finish(accepted: VoteCertificate<"accept">, mayStop: boolean): Generator {
    for (const id of this.#random.shuffled(replicaIds(this.#n))) {
      if (mayStop && this.#random.chance(0.3)) continue;
      this.#finalize(this.#instances[id]!, accepted);
      yield;
    }
  }

  /** A new view from a random quorum; one that is complete orders all slots. */
  *#recovery(isComplete: boolean, which?: ReplicaId): Generator {
    const space = which ?? this.#random.below(this.#n);
    const views = this.#instances.map((instance) => instance.standing(space).view);
    const highest = Math.max(...views);
    if (highest >= viewsMax && !isComplete) return;
    const view = highest + 1 + (isComplete ? 0 : this.#random.below(2));
    const leader = this.#instances[(space + view) % this.#n]!;
    const size = this.#f + (isComplete || this.#random.chance(0.8) ? 1 : 0);
    const quorum = this.#random.shuffled(replicaIds(this.#n)).slice(0, size);
    const left: LeaveCertificate[] = [];
    for (const id of new Set([...quorum, leader.instance])) {
      const leave = this.#instances[id]!.leave(space, view);
      if (leave !== null && quorum.includes(id)) left.push(leave);
      yield;
    }
    const established = leader.newView(left);
    if (established === null) return;
    for (let slot = 1; slot <= established.boundary; slot++) {
      if (!isComplete && this.#random.chance(0.2)) continue;
      yield* this.#recoverSlot(leader, quorum, space, slot, isComplete);
    }
    const { next } = leader.standing(space);
    if (next === 0 || next > slotsPerSpace || this.#random.chance(0.5)) return;
    const fresh = this.#propose(leader, space, next);
    for (const id of replicaIds(this.#n)) yield* this.#follow(id, space, view);
    if (fresh !== null) yield* this.#order(leader, fresh, !isComplete);
  }

  *#recoverSlot(
    leader: TrustedDependencies,
    quorum: readonly ReplicaId[],
    space: ReplicaId,
    slot: number,
    isComplete: boolean,
  ): Generator {
    const records: RecordCertificate[] = [];
    for (const id of quorum) {
      const record = this.#instances[id]!.record(space, slot);
      if (record !== null) records.push(record);
      yield;
    }
    const outcome = leader.recover(records);
    if (outcome === null) return;
    const { view } = leader.standing(space);
    if (isComplete) for (const instance of this.#instances) instance.leave(space, view);
    else for (const id of replicaIds(this.#n)) yield* this.#follow(id, space, view);
    if (outcome === "free") {
      this.seen.freed += 1;
      const proposal = this.#propose(leader, space, slot);
      if (proposal !== null) yield* this.#order(leader, proposal, !isComplete);
    } else {
      this.seen.fixed += 1;
      this.#accepted(outcome);
      yield* this.#finish(outcome, !isComplete);
    }
  }

  *#follow(id: ReplicaId, space: ReplicaId, view: number): Generator {
    if (this.#random.chance(0.4)) return;
    this.#instances[id]!.leave(space, view);
    yield;
  }

  /** Anything that anybody might still be asked for. */
  #stray(): void {
    const instance = this.#random.pick(this.#instances);
    if (this.#proposals.length === 0) return;
    const proposal = this.#random.pick(this.#proposals);
    switch (this.#random.below(4)) {
      case 0:
        return this.#ack(instance, proposal);
      case 1:
        return this.#choose(this.#instances[proposal.issuer]!, proposal);
      case 2:
        if (this.#accepts.length > 0) this.#finalize(instance, this.#random.pick(this.#accepts));
        return;
      default:
        if (this.#random.chance(0.2)) this.#checkpoint();
    }
  }

  // What hosts ask for

  #propose(leader: TrustedDependencies, space: ReplicaId, slot: number): ProposeCertificate | null {
    const { digest, touches } = this.#random.pick(this.#commands);
    const others = replicaIds(this.#n).filter((id) => id !== leader.instance);
    const partner = this.#f === 1 ? this.#random.pick(others) : null;
    const proposal = leader.propose({ space, slot, digest, touches, partner });
    if (proposal === null) return null;
    this.#proposals.push(proposal);
    this.#commits.set(proposal, []);
    return proposal;
  }

  #ack(instance: TrustedDependencies, proposal: ProposeCertificate): void {
    const isForgetful = this.#options.hasForgetful === true && instance.instance <= this.#f;
    const forgetful = isForgetful && instance.instance > 0 ? instance.ack(proposal, []) : null;
    const commit = forgetful ?? instance.ack(proposal, this.#commandOf(proposal)!.touches);
    if (commit === null) return;
    this.#commits.get(proposal)!.push(commit);
    if (this.#options.everyoneDecides === true) this.#decideFrom(proposal);
  }

  /** Either path, with any of the commits there are, in any order. */
  #choose(leader: TrustedDependencies, proposal: ProposeCertificate): void {
    const all = this.#random.shuffled(this.#commits.get(proposal)!);
    const commits = all.slice(0, 1 + this.#random.below(this.#n));
    if (this.#random.chance(0.6)) {
      const decision = leader.decide(commits);
      if (decision === null) return;
      this.seen.decided += 1;
      this.#decide(decision);
    } else {
      const accepted = leader.accept(commits);
      if (accepted !== null) this.#accepted(accepted);
    }
  }

  #finalize(instance: TrustedDependencies, accepted: VoteCertificate<"accept">): void {
    const finalized = instance.finalize(accepted);
    if (finalized !== null) this.#count(finalized);
  }

  /** What is decided and closed may be executed, and certified by every host. */
  #checkpoint(): void {
    const frontier = this.#frontier();
    if (frontier.every((slot) => slot === 0)) return;
    const [digest] = this.#commands.map((command) => command.digest);
    const checkpoints = this.#instances.map((one) => one.checkpoint(digest!, frontier)!);
    const quorum = this.#random.shuffled(checkpoints).slice(0, this.#f + 1);
    for (const instance of this.#instances) {
      if (this.#random.chance(0.5) && instance.truncate(quorum)) this.seen.truncated += 1;
    }
  }

  #frontier(): number[] {
    const frontier = replicaIds(this.#n).map((space) => {
      let slot = 0;
      while (this.#decided.has(`${space}/${slot + 1}`)) slot++;
      return slot;
    });
    const isClosed = (space: ReplicaId, slot: number): boolean =>
      this.#decided.get(`${space}/${slot}`)!.dependencies.every((to, i) => to <= frontier[i]!);
    for (let isStable = false; !isStable; ) {
      isStable = true;
      for (const [space, top] of frontier.entries()) {
        for (let slot = 1; slot <= top; slot++) {
          if (isClosed(space, slot)) continue;
          frontier[space] = slot - 1;
          isStable = false;
          break;
        }
      }
    }
    return frontier;
  }

  // What must hold

  #accepted(accepted: VoteCertificate<"accept">): void {
    this.#accepts.push(accepted);
    this.#count(accepted);
  }

  #count(finalized: VoteCertificate<"accept"> | VoteCertificate<"finalize">): void {
    const { space, view, slot, digest, dependencies } = finalized;
    const key = `${space}/${view}/${slot}/${digest.join()}/${dependencies.join()}`;
    const issuers = this.#finalizers.get(key) ?? new Set();
    this.#finalizers.set(key, issuers.add(finalized.issuer));
    if (issuers.size !== this.#f + 1) return;
    this.seen.finalized += 1;
    this.#decide(finalized);
  }

  #decideFrom(proposal: ProposeCertificate): void {
    const commits = this.#commits.get(proposal)!;
    const isEqual = ({ dependencies }: Commit) =>
      dependencies.join() === proposal.dependencies.join();
    const fast =
      this.#f === 1
        ? commits.filter(({ issuer }) => issuer === proposal.partner)
        : commits.filter(isEqual);
    if (fast.length < 2 * this.#f - 1) return;
    this.#decide({ ...proposal, dependencies: fast[0]!.dependencies });
  }

  #decide(value: OrderedCommand & { readonly space: ReplicaId; readonly slot: number }): void {
    const key = `${value.space}/${value.slot}`;
    const earlier = this.#decided.get(key);
    if (earlier === undefined) this.#decided.set(key, value);
    else if (
      earlier.digest.join() !== value.digest.join() ||
      earlier.dependencies.join() !== value.dependencies.join() ||
      earlier.sequence !== value.sequence
    ) {
      this.#violation = "agreement";
    }
  }

  /** Of two commands that interfere, one must name the other. */
  #lostEdge(): Violation | null {
    const all = [...this.#decided].map(([key, value]) => ({
      ...value,
      space: Number(key.split("/")[0]),
      command: this.#commandOf(value),
    }));
    const names = (one: (typeof all)[number], other: (typeof all)[number]): boolean =>
      one.dependencies[other.space]! >= other.slot;
    for (const [i, one] of all.entries()) {
      for (const other of all.slice(0, i)) {
        if (!interfere(one.command, other.command)) continue;
        if (!names(one, other) && !names(other, one)) return "edge";
      }
    }
    return null;
  }

  #commandOf({ digest }: { readonly digest: Uint8Array }): Command | undefined {
    return this.#commands[digest[0]!];
  }

  #command(id: number): Command {
    const digest = new Uint8Array(32).fill(id);
    if (id === 1) return { digest, touches: "everything", accesses: ["write", "write"] };
    const accesses = names.map(() =>
      id > 0 && this.#random.chance(0.7) ? this.#random.pick(["read", "write", "add"]) : null,
    ) as (Access | null)[];
    const touches = names.flatMap((name, i) => {
      const access = accesses[i]!;
      return access === null ? [] : [{ name, access }];
    });
    return { digest, touches, accesses };
  }
}

const isOf = (accepted: VoteCertificate<"accept">, { space, slot, view }: ProposeCertificate) =>
  accepted.space === space && accepted.slot === slot && accepted.view === view;

function interfere(one: Command | undefined, other: Command | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  if (isBarrier(one) || isBarrier(other)) return !isNoOp(one) && !isNoOp(other);
  return one.accesses.some((access, i) => {
    const otherAccess = other.accesses[i]!;
    if (access === null || otherAccess === null) return false;
    return access !== otherAccess || access === "write";
  });
}

const isBarrier = ({ touches }: Command): boolean => touches === "everything";
const isNoOp = ({ accesses }: Command): boolean => accesses.every((access) => access === null);
