// The lease layer alone under attack: instances, up to f lying hosts, and a network that carries
// any statement to anybody at any time, again and again, or never.

import { comparePositions, origin, type Position, replicaIds } from "../../src/core/index.js";
import { type LeaseRules, ModelLeases, Random } from "../../src/simulator/index.js";

/** One life of an instance: it may certify above `start` up to its limit. */
interface Life {
  readonly instance: number;
  readonly number: number;
  readonly leases: ModelLeases;
  start: Position;
}

/** A statement on its way. */
interface Carried {
  readonly bytes: Uint8Array;
  /** The life that it answers; null for a question, which is for everybody. */
  readonly to: Life | null;
}

export interface AttackResult {
  /** Null if no two lives of one instance may certify at one position. */
  readonly violation: string | null;
  readonly activations: number;
  readonly raises: number;
}

const livesMax = 5;
const bagMax = 60;

/** One schedule: `steps` random moves of hosts and network. */
export function attack(
  { n, f, steps }: { readonly n: number; readonly f: number; readonly steps: number },
  seed: number,
  rules: LeaseRules = ModelLeases,
): AttackResult {
  return new Attack(n, f, new Random(seed), rules).run(steps);
}

class Attack {
  private readonly lives: Life[][] = [];
  private readonly bag: Carried[] = [];
  private readonly liars: Set<number>;
  private readonly n: number;
  private readonly f: number;
  private readonly random: Random;
  private readonly rules: LeaseRules;
  private readonly key: number;
  /** How likely a statement of a round arrives. */
  private readonly arrives: number;
  /** How likely a move is a restart, and how likely one is a step of coming back. */
  private readonly restarts: number;
  private readonly comesBack: number;
  private activations = 0;
  private raises = 0;

  constructor(n: number, f: number, random: Random, rules: LeaseRules) {
    this.n = n;
    this.f = f;
    this.random = random;
    this.rules = rules;
    this.key = random.next();
    this.arrives = random.pick([0.4, 0.6, 0.8]);
    this.restarts = random.pick([0.03, 0.1]);
    this.comesBack = random.pick([0.2, 0.4, 0.6]);
    const all = random.shuffled(replicaIds(n));
    this.liars = new Set(all.slice(0, random.below(f + 1)));
    for (let instance = 0; instance < n; instance++) this.lives.push([this.life(instance, 0)]);
  }

  run(steps: number): AttackResult {
    for (let step = 0; step < steps; step++) {
      this.move();
      const violation = this.overlap();
      if (violation !== null) return { ...this.result(), violation };
    }
    return this.result();
  }

  private result(): AttackResult {
    return { violation: null, activations: this.activations, raises: this.raises };
  }

  private life(instance: number, number: number): Life {
    const { n, f, random, key } = this;
    let life: Life | null = null;
    const leases = new this.rules({
      instance,
      n,
      f,
      nonce: random.bytes(16),
      isFirst: number === 0,
      seal: (bytes) => seal(key, bytes),
      resumeAt: (counter, position) => {
        if (counter === 0) life!.start = position;
      },
    });
    return (life = { instance, number, leases, start: origin });
  }

  /** The lives that still run: a correct host runs the last one only. */
  private running(instance: number): readonly Life[] {
    const lives = this.lives[instance]!;
    return this.liars.has(instance) ? lives : lives.slice(-1);
  }

  private all(): Life[] {
    return this.lives.flatMap((_, instance) => this.running(instance));
  }

  private move(): void {
    const { random } = this;
    const dice = random.fraction();
    const reading = this.all().filter(({ leases }) => !leases.isActive);
    if (dice < this.restarts) this.restart(random.below(this.n));
    else if (dice < this.restarts + this.comesBack && reading.length > 0) {
      this.round(random.pick(reading));
    } else if (dice < 0.75) this.round(random.pick(this.all()));
    else if (dice < 0.78) this.replay(random.pick(this.all()));
    else this.deliver();
  }

  private restart(instance: number): void {
    const lives = this.lives[instance]!;
    const isLying = this.liars.has(instance);
    if (!isLying && !this.random.chance(0.5)) return;
    if (isLying && lives.length >= livesMax) return;
    lives.push(this.life(instance, lives.length));
  }

  /** A life asks, some others hear of it, and some of their answers come back at once. */
  private round(life: Life): void {
    const question = this.ask(life);
    if (question === null) return;
    for (const other of this.random.shuffled(this.all())) {
      if (other.instance === life.instance || !this.random.chance(this.arrives)) continue;
      const answer = other.leases.receive(question);
      if (answer === null) continue;
      this.keep({ bytes: answer, to: life });
      if (this.random.chance(this.arrives)) this.hand(life, answer);
    }
  }

  private ask(life: Life): Uint8Array | null {
    const { view, order } = life.leases.limit(0);
    const limit = { view, order: order + 1 + this.random.below(2) };
    const question = life.leases.ask(0, limit);
    if (question !== null) this.keep({ bytes: question, to: null });
    return question;
  }

  /** Something said at any time reaches anybody. */
  private deliver(): void {
    if (this.bag.length === 0) return;
    const { bytes, to } = this.random.pick(this.bag);
    const meant = to !== null && this.random.chance(0.8) ? this.running(to.instance) : this.all();
    const hearer = this.random.pick(meant);
    const answer = this.hand(hearer, bytes);
    if (answer !== null) this.keep({ bytes: answer, to: null });
  }

  /** All that was ever answered to a life of the instance, once more. */
  private replay(life: Life): void {
    for (const { bytes, to } of this.bag) {
      if (to?.instance === life.instance) this.hand(life, bytes);
    }
  }

  private hand(to: Life, bytes: Uint8Array): Uint8Array | null {
    const { isActive } = to.leases;
    const before = to.leases.limit(0);
    const answer = to.leases.receive(bytes);
    if (!isActive && to.leases.isActive) this.activations++;
    else if (comparePositions(to.leases.limit(0), before) > 0) this.raises++;
    return answer;
  }

  private keep(carried: Carried): void {
    this.bag.push(carried);
    if (this.bag.length > bagMax) this.bag.splice(this.random.below(this.bag.length), 1);
  }

  /** Two lives of one instance that may certify at one position. */
  private overlap(): string | null {
    for (const lives of this.lives) {
      for (const one of lives) {
        for (const other of lives) {
          if (other.number <= one.number) continue;
          const from = Math.max(one.start.order, other.start.order);
          const to = Math.min(one.leases.limit(0).order, other.leases.limit(0).order);
          if (from < to) {
            const name = `lives ${one.number} and ${other.number} of ${one.instance}`;
            return `${name} may both certify at ${from + 1}`;
          }
        }
      }
    }
    return null;
  }
}

/** Symbolic: no host computes it. */
function seal(key: number, bytes: Uint8Array): Uint8Array {
  let [a, b] = [key, key ^ 0x9e3779b9];
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ (a >>> 15), 0x85ebca6b) + byte;
  }
  const out = new Uint8Array(32);
  new DataView(out.buffer).setInt32(0, a, true);
  new DataView(out.buffer).setInt32(4, b, true);
  return out;
}
