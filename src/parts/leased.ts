// Leases around any protocol (decision 0008): carries what the trusted instances say to each other,
// and asks for a higher limit in good time. Protocols know nothing of it.

import {
  type ClientMachine,
  type Codec,
  comparePositions,
  type Digest,
  type Effect,
  type Input,
  type LeaseKeeper,
  origin,
  type Position,
  type Protocol,
  type ReplicaContext,
  type ReplicaMachine,
  type ReplicaStatus,
  type Tagged,
  type TrustedCounter,
} from "../core/index.js";
import { Outbox } from "./outbox.js";

/** A statement of one trusted instance to another. */
export interface LeaseMessage {
  readonly kind: "lease";
  readonly statement: Uint8Array;
}

/** The first byte of a lease message: no union of messages has so many kinds. */
const selector = 255;
/** An `accept` of the largest group, and room to spare. */
const statementBytesMax = 16_384;
const timerName = "lease";
/** Counters of one instance. */
const counterCount = 8;

/**
 * The protocol, for trusted instances of any freshness: a machine whose counter keeps leases asks
 * for them and answers those of others; with any other counter it is the protocol's own machine.
 */
export function leased<M extends Tagged, D extends Tagged>(
  protocol: Protocol<M, D>,
): Protocol<M | LeaseMessage, D> {
  return {
    ...protocol,
    messages: new LeasedCodec(protocol.messages),
    claims(message, from, context) {
      if (isLease(message)) return from === null ? null : [];
      return protocol.claims(message, from, context);
    },
    replica(context) {
      const { leases } = context.counter;
      if (leases !== null) return new LeasedReplica(protocol, context, leases);
      return protocol.replica(context) as ReplicaMachine<M | LeaseMessage, D>;
    },
    client: {
      ...protocol.client,
      reply: (message) => (isLease(message) ? null : protocol.client.reply(message)),
      claims(message, from, context) {
        return isLease(message) ? null : protocol.client.claims(message, from, context);
      },
      machine: (context) => protocol.client.machine(context) as ClientMachine<M | LeaseMessage>,
    },
  };
}

function isLease(message: Tagged): message is LeaseMessage {
  return message.kind === "lease";
}

class LeasedCodec<M extends Tagged> implements Codec<M | LeaseMessage> {
  readonly #inner: Codec<M>;

  constructor(inner: Codec<M>) {
    this.#inner = inner;
  }

  size(value: M | LeaseMessage): number {
    return isLease(value) ? 1 + value.statement.length : this.#inner.size(value);
  }

  encode(value: M | LeaseMessage): Uint8Array {
    const bytes = new Uint8Array(this.size(value));
    this.encodeInto(value, bytes, 0);
    return bytes;
  }

  encodeInto(value: M | LeaseMessage, into: Uint8Array, offset: number): number {
    if (!isLease(value)) return this.#inner.encodeInto(value, into, offset);
    into[offset] = selector;
    into.set(value.statement, offset + 1);
    return offset + 1 + value.statement.length;
  }

  decode(bytes: Uint8Array): M | LeaseMessage | null {
    if (bytes[0] !== selector) return this.#inner.decode(bytes);
    if (bytes.length > 1 + statementBytesMax) return null;
    return { kind: "lease", statement: bytes.subarray(1) };
  }

  describe(value: M | LeaseMessage): string {
    if (!isLease(value)) return this.#inner.describe(value);
    const names = ["probe", "report", "claim", "accept", "ask", "grant"];
    return `lease(${names[value.statement[0] ?? 255] ?? "?"})`;
  }
}

/** What is wanted of one counter. */
interface Wish {
  /** The highest position that was refused for want of a lease. */
  refused: Position;
  /** The highest order certified or refused in any view: orders go on in the next. */
  top: number;
  /** The limit asked for last. */
  asked: Position;
}

/** The counter as the machine inside sees it: what it refuses is asked for. */
class WatchedCounter implements TrustedCounter {
  readonly instance: number;
  readonly leases: LeaseKeeper | null;
  /** One for each counter that was ever used. */
  readonly wishes = new Map<number, Wish>();
  private readonly counter: TrustedCounter;

  constructor(counter: TrustedCounter) {
    this.counter = counter;
    this.instance = counter.instance;
    this.leases = counter.leases;
  }

  limit(counter: number): Position {
    return this.counter.limit(counter);
  }

  current(counter: number): Position {
    return this.counter.current(counter);
  }

  independent(counter: number, next: Position, digest: Digest) {
    this.note(counter, next);
    return this.counter.independent(counter, next, digest);
  }

  continuing(counter: number, next: Position, digest: Digest) {
    this.note(counter, next);
    return this.counter.continuing(counter, next, digest);
  }

  trustedMac(counter: number, digest: Digest) {
    return this.counter.trustedMac(counter, digest);
  }

  multi(...parameters: Parameters<TrustedCounter["multi"]>) {
    for (const { counter, next } of parameters[1]) this.note(counter, next);
    return this.counter.multi(...parameters);
  }

  verify(...parameters: Parameters<TrustedCounter["verify"]>): boolean {
    return this.counter.verify(...parameters);
  }

  verifyMulti(...parameters: Parameters<TrustedCounter["verifyMulti"]>): boolean {
    return this.counter.verifyMulti(...parameters);
  }

  verifyClient(...parameters: Parameters<TrustedCounter["verifyClient"]>): boolean {
    return this.counter.verifyClient(...parameters);
  }

  resume(...parameters: Parameters<TrustedCounter["resume"]>): boolean {
    return this.counter.resume(...parameters);
  }

  private note(counter: number, next: Position): void {
    let wish = this.wishes.get(counter);
    if (wish === undefined) {
      this.wishes.set(counter, (wish = { refused: origin, top: 0, asked: origin }));
    }
    wish.top = Math.max(wish.top, next.order);
    if (comparePositions(next, this.limit(counter)) <= 0) return;
    if (comparePositions(next, wish.refused) > 0) wish.refused = { ...next };
  }
}

class LeasedReplica<M extends Tagged, D extends Tagged>
  implements ReplicaMachine<M | LeaseMessage, D>
{
  private readonly inner: ReplicaMachine<M, D>;
  private readonly keeper: LeaseKeeper;
  private readonly counter: WatchedCounter;
  private readonly outbox = new Outbox<M | LeaseMessage, D>();
  /** How far ahead a lease reaches: an ordering window. */
  private readonly window: number;
  private readonly retryMs: number;
  /** The question of coming back that was sent last. */
  private reading: Uint8Array | null = null;
  private isRetrying = false;
  /** Where its counters went on after a restart: it votes for nothing below. */
  private resumed: Position = origin;

  constructor(protocol: Protocol<M, D>, context: ReplicaContext, keeper: LeaseKeeper) {
    this.keeper = keeper;
    this.counter = new WatchedCounter(context.counter);
    this.inner = protocol.replica({ ...context, counter: this.counter });
    this.window = 2 * context.limits.checkpointOrders;
    this.retryMs = context.timing.statusMs;
  }

  step(now: number, input: Input<M | LeaseMessage, D>): readonly Effect<M | LeaseMessage, D>[] {
    if (input.kind === "timeout" && input.timer === timerName) {
      this.isRetrying = false;
      this.ask(true);
    } else if (input.kind === "message" && isLease(input.message)) {
      if (input.from !== null) this.onStatement(now, input.from, input.message.statement);
    } else {
      this.pass(now, input as Input<M, D>);
    }
    this.ask(false);
    return this.outbox.take();
  }

  status(): ReplicaStatus {
    const status = this.inner.status();
    const isLater = status.view > this.resumed.view && status.role !== "changing view";
    const isBelow = !isLater && status.stable < this.resumed.order;
    return isBelow ? { ...status, role: "mute" } : status;
  }

  private pass(now: number, input: Input<M, D>): void {
    for (const effect of this.inner.step(now, input)) this.outbox.add(effect);
  }

  private onStatement(now: number, from: number, statement: Uint8Array): void {
    const { isActive } = this.keeper;
    const answer = this.keeper.receive(statement);
    if (answer !== null) this.outbox.send(from, { kind: "lease", statement: answer });
    const mayTryAgain = [...this.counter.wishes].some(([counter, wish]) =>
      this.isGranted(counter, wish),
    );
    const isBack = isActive !== this.keeper.isActive;
    if (isBack) this.resumed = this.highest();
    if (mayTryAgain || isBack) this.pass(now, { kind: "leased" });
  }

  private highest(): Position {
    const positions = Array.from({ length: counterCount }, (_, i) => this.counter.current(i));
    return positions.reduce((a, b) => (comparePositions(a, b) >= 0 ? a : b));
  }

  /** Whether what was refused is within the limit now; notes that it is. */
  private isGranted(counter: number, wish: Wish): boolean {
    if (comparePositions(wish.refused, origin) === 0) return false;
    if (comparePositions(wish.refused, this.counter.limit(counter)) > 0) return false;
    wish.refused = origin;
    return true;
  }

  /** Asks what there is to ask: what is new at once, what was asked before if `again`. */
  private ask(again: boolean): void {
    const isWaiting = this.keeper.isActive ? this.askForLimits(again) : this.askToComeBack(again);
    if (!isWaiting || this.isRetrying) return;
    this.isRetrying = true;
    this.outbox.setTimer(timerName, this.retryMs);
  }

  private askToComeBack(again: boolean): boolean {
    const question = this.keeper.ask(0, origin);
    if (question === null) return false;
    const isNew = this.reading === null || !isSame(this.reading, question);
    this.reading = question;
    if (isNew || again) this.outbox.broadcast({ kind: "lease", statement: question });
    return true;
  }

  private askForLimits(again: boolean): boolean {
    let isWaiting = false;
    for (const [counter, wish] of this.counter.wishes) {
      const wanted = this.wanted(counter, wish);
      const isNew = comparePositions(wanted, wish.asked) > 0;
      if (isNew) wish.asked = wanted;
      if (comparePositions(wish.asked, this.counter.limit(counter)) <= 0) continue;
      isWaiting = true;
      if (!isNew && !again) continue;
      const question = this.keeper.ask(counter, wish.asked);
      if (question !== null) this.outbox.broadcast({ kind: "lease", statement: question });
    }
    return isWaiting;
  }

  /** A window beyond what was refused, or beyond where the counter stands if half of it is left. */
  private wanted(counter: number, { refused, top }: Wish): Position {
    const limit = this.counter.limit(counter);
    if (comparePositions(refused, limit) > 0) {
      return ahead({ view: refused.view, order: top }, this.window);
    }
    const current = this.counter.current(counter);
    const isAmple = comparePositions(limit, ahead(current, this.window / 2)) >= 0;
    return isAmple ? origin : ahead(current, this.window);
  }
}

function ahead({ view, order }: Position, orders: number): Position {
  return { view, order: Math.min(order + orders, Number.MAX_SAFE_INTEGER) };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
