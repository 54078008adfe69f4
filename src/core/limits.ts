// Every limit and every patience in one place, with its reason. Nothing in Troth grows without one
// of these.

const KiB = 1024;
const MiB = 1024 * KiB;

/** Bounds, the same on every replica of a cluster. */
export interface Limits {
  /** One operation. A kv put of the largest key and value fits. */
  readonly operationBytesMax: number;
  /** One operation's result. */
  readonly resultBytesMax: number;
  /** Operations in a client's bundle: with the largest results, a reply still fits a frame. */
  readonly bundleOperationsMax: number;
  /** A bundle's bytes, so that a batch can hold several. */
  readonly bundleBytesMax: number;
  /**
   * Unanswered bundles of one session: what a client may have outstanding, and the replies replicas
   * keep for it.
   */
  readonly sessionWindow: number;
  /** Replies kept for one session, in bytes; older ones are forgotten first. */
  readonly sessionReplyBytesMax: number;
  /** Sessions of one client that replicas remember; the one unused for longest expires. */
  readonly sessionsPerClient: number;
  /** Requests (bundles) in one proposal. */
  readonly batchRequestsMax: number;
  /**
   * A proposal's bytes: large enough to amortise a certificate, small enough not to block a link
   * for long.
   */
  readonly batchBytesMax: number;
  /** Proposals of a leader without a quorum yet: more only lengthens queues and shrinks batches. */
  readonly pipeline: number;
  /** A checkpoint is taken after so many orders … */
  readonly checkpointOrders: number;
  /** … or so many bytes of proposals, whichever comes first. The ordering window is twice this. */
  readonly checkpointBytes: number;
  /** Requests waiting at a replica to be ordered; beyond it, clients wait on their socket. */
  readonly pendingRequestsMax: number;
  /** … or this many bytes of them. */
  readonly pendingBytesMax: number;
  /**
   * Requests that one replica has endorsed and that are not ordered yet; older ones are forgotten
   * first.
   */
  readonly endorsementsMax: number;
  /** One message on the wire; the largest is a new-view message with its certificate. */
  readonly frameBytesMax: number;
  /** A message of state transfer: what a replica that is behind asks for at a time. */
  readonly chunkBytes: number;
  /** One page of a state. */
  readonly pageBytesMax: number;
}

export const defaultLimits: Limits = {
  operationBytesMax: 68 * KiB,
  resultBytesMax: 68 * KiB,
  bundleOperationsMax: 128,
  bundleBytesMax: 1 * MiB,
  sessionWindow: 256,
  sessionReplyBytesMax: 4 * MiB,
  sessionsPerClient: 16,
  batchRequestsMax: 256,
  batchBytesMax: 1 * MiB,
  pipeline: 2,
  checkpointOrders: 256,
  checkpointBytes: 64 * MiB,
  pendingRequestsMax: 16_384,
  pendingBytesMax: 64 * MiB,
  endorsementsMax: 16_384,
  frameBytesMax: 16 * MiB,
  chunkBytes: 512 * KiB,
  pageBytesMax: 64 * MiB,
};

/** How long parts of the system wait, in milliseconds. */
export interface Timing {
  /**
   * A replica suspects its leader when the oldest request it knows waited this long; doubled per
   * failed view.
   */
  readonly patienceMs: number;
  /** The most that back-off makes of it. */
  readonly patienceMsMax: number;
  /** How often replicas tell each other where they stand, and resend what the other lacks. */
  readonly statusMs: number;
  /**
   * How long a replica that is behind waits for the ordinary messages before it fetches the state.
   */
  readonly catchUpMs: number;
  /** How long a fast path is given before the slow one starts beside it. */
  readonly fastPathMs: number;
  /**
   * Over how long a leader's throughput is compared with that of leaders before it: longer than a
   * pause for garbage or a slow sync, which are nobody's fault; a slow leader is served that long.
   */
  readonly throughputWindowMs: number;
}

export const defaultTiming: Timing = {
  patienceMs: 500,
  patienceMsMax: 30_000,
  statusMs: 100,
  catchUpMs: 300,
  fastPathMs: 20,
  throughputWindowMs: 5_000,
};
