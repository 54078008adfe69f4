// Stories told message by message: a cluster in which nothing moves unless the test says so. The
// same hosts, codec, verification and journals as in the random simulation; time and the network
// are the test's.
//
//   const world = scenario({ protocol: hybster, n: 3, service: () => new KeyValue(), liars: [1] });
//   world.submit(0, [put("a", "1")]);
//   world.deliver((m) => m.to === 0);   // only the leader hears of it
//   world.hold((m) => m.message.kind === "commit" && m.to === 2);
//   world.settle();                     // all the rest is delivered, and what follows from it
//   world.fire(2, "patience");
//   world.crash(0);
//   world.restart(0);
//   world.play(5_000);                  // let time pass: timers fire, messages arrive
//   assert.deepEqual(world.result(0, 1), [expected]);

import type {
  ClientAuthentication,
  Freshness,
  ClientId,
  Limits,
  Observation,
  Protocol,
  ReplicaAuthentication,
  ReplicaContext,
  ReplicaId,
  ReplicaStatus,
  Reply,
  Service,
  SessionId,
  Tagged,
  Timing,
} from "../core/index.js";
import { ScriptedWorld } from "./scripted-world.js";

/** A replica by its number, a client as `"client 0"`. */
export type Party = ReplicaId | `client ${number}`;

/**
 * A message on its way. Delivering it decodes its bytes anew: nothing is shared between sender and
 * receivers.
 */
export interface Envelope<M> {
  /** Counts all messages ever sent in the scenario, from 1. */
  readonly id: number;
  readonly from: Party;
  readonly to: Party;
  /** For looking at; changing it changes nothing. */
  readonly message: M;
  readonly bytes: Uint8Array;
}

/** Which messages are meant. */
export type Match<M> = (envelope: Envelope<M>) => boolean;

export interface ScenarioOptions<M extends Tagged, D extends Tagged> {
  /**
   * To test a broken rule, hand in `{ ...protocol, replica: (context) => new Broken(context) }`.
   */
  readonly protocol: Protocol<M, D>;
  readonly n: number;
  /** Default: the most that `n` allows by `protocol.replicas`. */
  readonly f?: number;
  readonly service: () => Service;
  /** Over `defaultLimits`. */
  readonly limits?: Partial<Limits>;
  /** Over `defaultTiming`. */
  readonly timing?: Partial<Timing>;
  /** Default: the protocol's first. */
  readonly clientAuthentication?: ClientAuthentication;
  readonly replicaAuthentication?: ReplicaAuthentication;
  /** Of the trusted instances. Default: `storage`. */
  readonly freshness?: Freshness;
  /** Whether a saved checkpoint replaces the journal before it. Default: true. */
  readonly compacts?: boolean;
  /** Replicas without a machine: the test plays them by hand, see {@link Scenario.liar}. */
  readonly liars?: readonly ReplicaId[];
}

/**
 * A replica played by the test. It holds its own trusted counter: it may ask it anything, it cannot
 * read it.
 */
export interface HandPlayed<M> {
  /** What a machine in its place would have been made of, `counter` included. */
  readonly context: ReplicaContext;
  /** Puts a message in flight; the receiver verifies its claims as always. */
  send(to: ReplicaId | readonly ReplicaId[], message: M): void;
  /** A reply to a client. */
  reply(client: ClientId, message: M): void;
  /** What was delivered to it, oldest first, unverified. */
  readonly received: readonly Envelope<M>[];
}

export interface Submission {
  readonly client: ClientId;
  readonly session: SessionId;
  /** 1, 2, 3 … in the session. */
  readonly number: number;
}

export interface SubmitOptions {
  /** Who gets the request. Default: every replica. */
  readonly to?: readonly ReplicaId[];
  /** Default: 1. */
  readonly session?: SessionId;
  /**
   * Default: the next of the session. An earlier number makes another bundle of that number, or
   * resends it.
   */
  readonly number?: number;
  /** Default: none. */
  readonly acknowledged?: number;
  /** Default: the client's true authenticator. */
  readonly authenticator?: Uint8Array;
}

export interface Scenario<M extends Tagged> {
  /** Milliseconds since the start. */
  readonly now: number;
  readonly n: number;
  readonly f: number;

  /** Seals the operations in one bundle of the client and puts the requests in flight. */
  submit(client: ClientId, operations: readonly Uint8Array[], options?: SubmitOptions): Submission;

  /** A client says something else than a request. */
  say(client: ClientId, to: readonly ReplicaId[], message: M): void;

  /** Messages in flight, oldest first, those held included. */
  inFlight(match?: Match<M>): readonly Envelope<M>[];
  /**
   * Delivers what is in flight now and matches, but not what follows from it. How many. Held
   * messages stay.
   */
  deliver(match?: Match<M>): number;
  /**
   * Delivers again and again until nothing that matches is in flight. Held messages stay. No timer
   * fires. How many.
   */
  settle(match?: Match<M>): number;
  /** Loses what is in flight now and matches, held or not. How many. */
  drop(match: Match<M>): number;
  /**
   * From now on messages that match wait, those in flight included. Calling the result lets them go
   * again.
   */
  hold(match: Match<M>): () => void;
  /**
   * From now on messages that match are lost, those in flight included. Calling the result ends it.
   */
  block(match: Match<M>): () => void;
  /** Puts an old message in flight again. */
  replay(envelope: Envelope<M>): void;

  /** Timers set at a replica, with the time they have left. */
  timers(replica: ReplicaId): ReadonlyMap<string, number>;
  /** Makes a set timer run out at once; a UsageError if it is not set. */
  fire(replica: ReplicaId, timer: string): void;
  /** Lets time pass: timers fire when due; no message is delivered. */
  elapse(ms: number): void;
  /**
   * Lets time pass with every message arriving after a millisecond, except those held or blocked.
   */
  play(ms: number): void;

  /**
   * Kills a replica: its machine is gone, what it persisted stays. Messages to it are lost until it
   * restarts.
   */
  crash(replica: ReplicaId): void;
  /** A new machine, service and trusted counter, started from what was persisted. */
  restart(replica: ReplicaId): void;
  /**
   * Crashes the replica just before the effect so many effects from now: 0 is before the next one.
   */
  crashAfter(replica: ReplicaId, effects: number): void;

  /** The means of a replica listed in `liars`. */
  liar(replica: ReplicaId): HandPlayed<M>;

  /** Everything observed at a replica, all lives. */
  observations(replica: ReplicaId): readonly Observation[];
  /**
   * How often input of the replica was dropped, by reason: undecodable, malformed, forged, or the
   * machine's reasons.
   */
  dropped(replica: ReplicaId): Readonly<Record<string, number>>;
  status(replica: ReplicaId): ReplicaStatus;
  service(replica: ReplicaId): Service;
  /** Replies that arrived at a client, oldest first. */
  replies(client: ClientId): readonly { readonly from: ReplicaId; readonly reply: Reply }[];
  /** The results of a bundle once `replyQuorum` equal replies arrived; null before. */
  result(client: ClientId, number: number, session?: SessionId): readonly Uint8Array[] | null;
}

/** A cluster at its start: every machine has had its `start`, nothing else has happened. */
export function scenario<M extends Tagged, D extends Tagged>(
  options: ScenarioOptions<M, D>,
): Scenario<M> {
  return new ScriptedWorld(options);
}
