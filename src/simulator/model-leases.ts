// The leases of one life of a model instance: the rules of decision 0008 (protocols.md §7.1 B2). A
// rule that a test takes out is a method of its own.

import {
  comparePositions,
  equalBytes,
  type LeaseKeeper,
  origin,
  type Position,
} from "../core/index.js";
import {
  type Answer,
  type Boot,
  compareBoots,
  decodeStatement,
  encodeStatement,
  leasedCounters,
  noBoot,
  type Question,
  type Row,
  sealBytes,
  type Statement,
} from "./lease-statements.js";

/** What a life is started with. */
export interface LifeOptions {
  readonly instance: number;
  readonly n: number;
  readonly f: number;
  /** 16 random bytes that no other life has. */
  readonly nonce: Uint8Array;
  /** Whether it was started with the administrator's one-time token. */
  readonly isFirst: boolean;
  /** The group's MAC over a statement's bytes. */
  readonly seal: (bytes: Uint8Array) => Uint8Array;
  /** Takes a counter up to what was recorded for it, when the life becomes active. */
  readonly resumeAt: (counter: number, position: Position) => void;
}

/** How a life of an instance keeps leases; tests replace it by one that breaks a rule. */
export type LeaseRules = new (options: LifeOptions) => ModelLeases;

interface Entry {
  boot: Boot;
  limits: Position[];
}

interface Grant {
  readonly boot: Boot;
  readonly limit: Position;
}

const higher = (a: Position, b: Position): Position => (comparePositions(a, b) >= 0 ? a : b);
const later = (a: Boot, b: Boot): Boot => (compareBoots(a, b) >= 0 ? a : b);
const isWhole = (value: number): boolean => Number.isSafeInteger(value);

export class ModelLeases implements LeaseKeeper {
  protected readonly options: LifeOptions;
  protected phase: "probing" | "claiming" | "active";
  protected boot: Boot;
  /** What this life has recorded of every instance, itself included. */
  protected readonly table: Entry[];
  /** Of its own counters: how far they may certify. */
  protected readonly granted = new Array<Position>(leasedCounters).fill(origin);
  private readonly reports = new Map<number, number>();
  private readonly accepts = new Map<number, Boot>();
  private readonly grants: Map<number, Grant>[];

  constructor(options: LifeOptions) {
    const { n, nonce, isFirst, instance } = options;
    this.options = options;
    this.phase = isFirst ? "active" : "probing";
    this.boot = { epoch: 0, nonce };
    this.table = Array.from({ length: n }, () => ({
      boot: noBoot,
      limits: new Array<Position>(leasedCounters).fill(origin),
    }));
    this.grants = Array.from({ length: leasedCounters }, () => new Map<number, Grant>());
    if (isFirst) this.table[instance]!.boot = this.boot;
  }

  get isActive(): boolean {
    return this.phase === "active";
  }

  /** How far the counter may certify. */
  limit(counter: number): Position {
    return this.granted[counter] ?? origin;
  }

  ask(counter: number, limit: Position): Uint8Array | null {
    const from = this.options.instance;
    const { boot } = this;
    if (this.phase === "probing") return this.sealed({ kind: "probe", from, boot });
    if (this.phase === "claiming") return this.sealed({ kind: "claim", from, boot });
    if (!(counter in this.granted) || !isWhole(limit.view) || !isWhole(limit.order)) return null;
    this.recordOwn(counter, limit);
    this.raise();
    if (comparePositions(limit, this.limit(counter)) <= 0) return null;
    return this.sealed({ kind: "ask", from, boot, counter, limit });
  }

  receive(bytes: Uint8Array): Uint8Array | null {
    const statement = this.opened(bytes);
    if (statement === null) return null;
    switch (statement.kind) {
      case "probe":
      case "claim":
      case "ask":
        return this.mayAnswer() ? this.answer(statement) : null;
      default:
        if (this.isMeant(statement)) this.take(statement);
        return null;
    }
  }

  // For others

  /** Who is not active does not know what it had recorded. */
  protected mayAnswer(): boolean {
    return this.phase === "active";
  }

  private answer(question: Question): Uint8Array | null {
    const known = this.table[question.from]!;
    const envelope = {
      from: this.options.instance,
      boot: this.boot,
      to: question.from,
      toBoot: question.boot,
    };
    if (question.kind === "probe") {
      return this.sealed({ ...envelope, kind: "report", epoch: known.boot.epoch });
    }
    if (this.isSuperseded(question.boot, known.boot)) {
      if (question.kind === "ask") return null;
      return this.sealed({ ...envelope, kind: "report", epoch: known.boot.epoch });
    }
    known.boot = later(question.boot, known.boot);
    if (question.kind !== "ask") {
      return this.sealed({ ...envelope, kind: "accept", table: this.table });
    }
    const { counter, limit } = question;
    if (!(counter in known.limits)) return null;
    known.limits[counter] = higher(limit, known.limits[counter]!);
    const boots = this.table.map(({ boot }) => boot);
    return this.sealed({ ...envelope, kind: "grant", counter, limit, boots });
  }

  /** Whether a life that asks is known to have been followed by another. */
  protected isSuperseded(boot: Boot, known: Boot): boolean {
    return compareBoots(boot, known) < 0;
  }

  // For itself

  /** An answer to a question of this life: its nonce is fresh. */
  protected isMeant({ to, toBoot }: Answer): boolean {
    return to === this.options.instance && compareNonces(toBoot, this.boot);
  }

  private take(answer: Answer): void {
    switch (answer.kind) {
      case "report":
        return this.onReport(answer.from, answer.epoch);
      case "accept":
        if (this.phase !== "claiming" || answer.toBoot.epoch !== this.boot.epoch) return;
        this.note(answer.from, answer.boot);
        this.learn(answer.table);
        this.accepts.set(answer.from, answer.boot);
        return this.tryActivate();
      case "grant": {
        if (this.phase !== "active" || answer.toBoot.epoch !== this.boot.epoch) return;
        const { from, boot, counter, limit, boots } = answer;
        this.note(from, boot);
        boots.forEach((known, instance) => this.note(instance, known));
        this.noteGrant(counter, from, { boot, limit });
        return this.raise();
      }
    }
  }

  private onReport(from: number, epoch: number): void {
    if (this.phase === "probing") {
      this.reports.set(from, epoch);
      if (this.reports.size < this.readersNeeded()) return;
      this.phase = "claiming";
      this.claim(1 + Math.max(...this.reports.values()));
    } else if (this.phase === "claiming" && epoch >= this.boot.epoch) {
      this.claim(1 + epoch);
    }
  }

  private claim(epoch: number): void {
    if (!isWhole(epoch)) return;
    this.boot = { ...this.boot, epoch };
    this.accepts.clear();
  }

  /** f+1 others: one of them is in every quorum that granted anything. */
  protected readersNeeded(): number {
    return this.options.f + 1;
  }

  private tryActivate(): void {
    let count = 0;
    for (const [from, boot] of this.accepts) if (this.isLatest(from, boot)) count += 1;
    if (count < this.readersNeeded()) return;
    const own = this.table[this.options.instance]!;
    own.boot = this.boot;
    this.phase = "active";
    own.limits.forEach((recorded, counter) => {
      this.granted[counter] = recorded;
      this.options.resumeAt(counter, this.resumption(recorded));
    });
  }

  /** Where a counter goes on after a restart: at all that was ever recorded for it. */
  protected resumption(recorded: Position): Position {
    return recorded;
  }

  /** Takes over what another instance has recorded, of all instances: it is a holder again. */
  protected learn(table: readonly Row[]): void {
    table.forEach(({ boot, limits }, instance) => {
      this.note(instance, boot);
      this.takeOver(instance, limits);
    });
  }

  protected takeOver(instance: number, limits: readonly Position[]): void {
    const own = this.table[instance]!.limits;
    limits.forEach((limit, counter) => {
      own[counter] = higher(limit, own[counter]!);
    });
  }

  private note(instance: number, boot: Boot): void {
    const known = this.table[instance]!;
    known.boot = later(boot, known.boot);
  }

  /** An answer counts only while its maker is not known to have restarted since. */
  protected isLatest(from: number, boot: Boot): boolean {
    return compareBoots(boot, this.table[from]!.boot) === 0;
  }

  /** Before anybody grants it: who reads this instance learns all that it may certify. */
  protected recordOwn(counter: number, limit: Position): void {
    const { limits } = this.table[this.options.instance]!;
    limits[counter] = higher(limit, limits[counter]!);
  }

  private noteGrant(counter: number, from: number, grant: Grant): void {
    const grants = this.grants[counter];
    const before = grants?.get(from);
    if (grants === undefined) return;
    const isOlder = before !== undefined && compareBoots(before.boot, grant.boot) > 0;
    const isSame = before !== undefined && compareBoots(before.boot, grant.boot) === 0;
    if (isOlder) return;
    grants.set(from, isSame ? { ...grant, limit: higher(before.limit, grant.limit) } : grant);
  }

  protected grantersNeeded(): number {
    return this.options.f;
  }

  /** The limit of each counter becomes what f others granted at least. */
  private raise(): void {
    const needed = this.grantersNeeded();
    const own = this.table[this.options.instance]!.limits;
    this.grants.forEach((grants, counter) => {
      const limits: Position[] = [];
      for (const [from, { boot, limit }] of grants) {
        if (this.isLatest(from, boot)) limits.push(limit);
      }
      limits.sort((a, b) => comparePositions(b, a));
      const reached = needed === 0 ? own[counter] : limits[needed - 1];
      if (reached !== undefined) this.granted[counter] = higher(reached, this.granted[counter]!);
    });
  }

  // Bytes

  private sealed(statement: Statement): Uint8Array {
    const bytes = encodeStatement(statement, this.options.n);
    const body = bytes.subarray(0, bytes.length - sealBytes);
    bytes.set(this.options.seal(body), body.length);
    return bytes;
  }

  /** A genuine statement of another instance. */
  private opened(bytes: Uint8Array): Statement | null {
    const { n, seal, instance } = this.options;
    if (bytes.length <= sealBytes) return null;
    const body = bytes.subarray(0, bytes.length - sealBytes);
    if (!equalBytes(seal(body), bytes.subarray(body.length))) return null;
    const statement = decodeStatement(bytes, n);
    return statement === null || statement.from === instance || statement.from >= n
      ? null
      : statement;
  }
}

function compareNonces(a: Boot, b: Boot): boolean {
  return compareBoots({ ...a, epoch: 0 }, { ...b, epoch: 0 }) === 0;
}
