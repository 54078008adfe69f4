// What a replica keeps of one instance.

import type { Digest, ReplicaId } from "../../core/index.js";
import {
  type Ballot,
  type Certificate,
  isSame,
  type Message,
  type Opinion,
  type Order,
  type Proposal,
  type Value,
} from "./messages.js";

type Prepare = Omit<Message<"prepare">, "kind">;

/** One instance, above the stable checkpoint. Votes are those of the view entered last. */
export interface Slot {
  readonly space: number;
  readonly slot: number;
  /** When it was first heard of. */
  readonly since: number;
  /** The owner's SPECORDER that was answered, and the answer. */
  order: Order | null;
  answer: Value | null;
  /** The batch that the index of interference knows of it, and its sequence number there. */
  recorded: Digest | null;
  sequence: number;
  /** The highest sequence number of the space up to here, once all of that is decided. */
  highest: number | null;
  /** What this replica said of it in this view, in answer to an order or a plan. */
  said: Ballot | null;
  /** As its owner: what the others said. */
  readonly opinions: ((Opinion & { readonly batch: Digest }) | null)[];
  /** The slow path's proposal; it may wait for what it names. */
  proposal: Proposal | null;
  /** This replica's PREPARE, of any view. */
  prepared: Ballot | null;
  readonly prepares: (Prepare | null)[];
  certificate: Certificate | null;
  readonly commits: (Ballot | null)[];
  /** What others say was decided. */
  readonly hearsay: (Value | null)[];
  decided: Value | null;
}

export function emptySlot(space: number, slot: number, since: number, n: number): Slot {
  const none = <T>(): (T | null)[] => new Array<T | null>(n).fill(null);
  return {
    space,
    slot,
    since,
    order: null,
    answer: null,
    recorded: null,
    sequence: 0,
    highest: null,
    said: null,
    opinions: none(),
    proposal: null,
    prepared: null,
    prepares: none(),
    certificate: null,
    commits: none(),
    hearsay: none(),
    decided: null,
  };
}

/** A view of the space begins: what was said in the one before counts only as reports have it. */
export function beginSlot(slot: Slot): void {
  slot.said = null;
  slot.proposal = null;
  slot.opinions.fill(null);
  slot.prepares.fill(null);
  slot.commits.fill(null);
}

/** Who voted for this value, of votes in one view. */
export function votersFor<V extends Value>(
  votes: readonly (V | null)[],
  value: Value,
): { readonly replica: ReplicaId; readonly vote: V }[] {
  return votes.flatMap((vote, replica) =>
    vote !== null && isSame(vote, value) ? [{ replica, vote }] : [],
  );
}
