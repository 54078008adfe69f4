// Checkpoints: this replica's images, everybody's statements, and the proof that one is stable
// (hybster.txt §5.2.2).

import {
  type Digest,
  equalBytes,
  type Limits,
  type ReplicaId,
  type StateImage,
} from "../core/index.js";

/**
 * One replica's statement about the state after an order. `Statement` is the message that proves
 * it.
 */
export interface CheckpointStatement {
  readonly order: number;
  readonly digest: Digest;
}

/** A quorum of equal statements. For order 0, the initial state, none are needed. */
export interface StableProof<Statement extends CheckpointStatement> {
  readonly order: number;
  readonly digest: Digest;
  readonly statements: readonly Statement[];
}

/** So many orders, and the bytes of their batches. */
export interface Amount {
  readonly orders: number;
  readonly bytes: number;
}

interface OwnCheckpoint<Statement> {
  readonly image: StateImage;
  readonly digest: Digest;
  readonly statement: Statement;
}

/**
 * Images kept for replicas that are fetching one while the checkpoint moves on. Images share their
 * pages.
 */
const imagesKept = 4;

/**
 * Statements kept of each replica: two for the window and one beyond it, to notice having fallen
 * behind.
 */
const statementsKept = 3;

/**
 * Says when a checkpoint is due, keeps images that may still be asked for, and finds stable
 * checkpoints.
 */
export class Checkpoints<Statement extends CheckpointStatement> {
  private readonly limits: Limits;
  private readonly quorum: number;
  private readonly images = new Map<number, OwnCheckpoint<Statement>>();
  private readonly statements: Map<number, Statement>[];
  private ordersSince = 0;
  private bytesSince = 0;
  private lastStable: StableProof<Statement> = {
    order: 0,
    digest: new Uint8Array(32),
    statements: [],
  };

  constructor(n: number, quorum: number, limits: Limits) {
    this.quorum = quorum;
    this.limits = limits;
    this.statements = Array.from({ length: n }, () => new Map());
  }

  get stable(): StableProof<Statement> {
    return this.lastStable;
  }

  /** An order was executed. True if a checkpoint is due: the same orders on every replica. */
  isDueAfter(bytes: number): boolean {
    this.ordersSince += 1;
    this.bytesSince += bytes;
    return this.isDue(this.sinceLast);
  }

  /** What was executed since the last checkpoint. */
  get sinceLast(): Amount {
    return { orders: this.ordersSince, bytes: this.bytesSince };
  }

  /** Whether a checkpoint is due after so much. */
  isDue({ orders, bytes }: Amount): boolean {
    const { checkpointOrders, checkpointBytes } = this.limits;
    return orders >= checkpointOrders || bytes >= checkpointBytes;
  }

  /** This replica's state is the one of a checkpoint: the next is counted from here. */
  restartCount(): void {
    this.ordersSince = 0;
    this.bytesSince = 0;
  }

  addOwn(image: StateImage, digest: Digest, statement: Statement): void {
    this.images.set(image.order, { image, digest, statement });
  }

  own(order: number): OwnCheckpoint<Statement> | undefined {
    return this.images.get(order);
  }

  /** This replica's statements that are not stable yet, to be sent again. */
  unstable(): Statement[] {
    return [...this.images.values()]
      .filter(({ image }) => image.order > this.lastStable.order)
      .map(({ statement }) => statement);
  }

  /** Notes a statement; the proof if it makes a checkpoint above the stable one certain. */
  note(replica: ReplicaId, statement: Statement): StableProof<Statement> | null {
    if (statement.order <= this.lastStable.order) return null;
    const kept = this.statements[replica]!;
    // The latest: of a liar that states two things, others may have proven either.
    kept.set(statement.order, statement);
    const { order, digest } = statement;
    const statements = this.statements
      .map((of) => of.get(order))
      .filter((other) => other !== undefined && equalBytes(other.digest, digest));
    // Only now: a replica that stated orders far ahead must not keep its part out of old proofs.
    if (kept.size > statementsKept) kept.delete(Math.min(...kept.keys()));
    if (statements.length < this.quorum) return null;
    return { order, digest, statements: statements.slice(0, this.quorum) as Statement[] };
  }

  /** Moves the stable checkpoint; old images and statements are forgotten. */
  advance(proof: StableProof<Statement>): void {
    this.lastStable = proof;
    const old = [...this.images.keys()].filter((order) => order <= proof.order);
    for (const order of old.slice(0, -imagesKept)) this.images.delete(order);
    for (const kept of this.statements) {
      for (const order of kept.keys()) if (order <= proof.order) kept.delete(order);
    }
  }

  /** Forgets this replica's own images: its state proved wrong. */
  forgetOwn(): void {
    this.images.clear();
  }
}
