// Lies about what every protocol with a leader says (parts/leader-messages.ts): decisions, batches,
// wishes for other views, and taking one's time.

import { bundleOf } from "../codec/index.js";
import type { ReplicaId, Tagged } from "../core/index.js";
import type { CommonMessage } from "../parts/index.js";
import {
  atMostEvery,
  Hoard,
  type Lie,
  type Means,
  others,
  type Outgoing,
} from "../simulator/index.js";
import { toReplica } from "../simulator/index.js";

type Common<K extends CommonMessage["kind"]> = Extract<CommonMessage, { kind: K }>;

const is = <K extends CommonMessage["kind"]>(message: Tagged, kind: K): message is Common<K> =>
  message.kind === kind;

/** At once to one replica. */
export const to = (replica: ReplicaId, message: Tagged): Outgoing => ({
  to: toReplica(replica),
  message,
  delayMs: 0,
});

/** Whoever else suspects the leader is enough then: one view change after the other. */
export const impatient = (status: Common<"status">): Common<"status"> => ({
  ...status,
  suspects: Math.max(status.suspects, status.entered + 1),
});

/** What it last said of itself, and digests that mean something to somebody. */
class Notes {
  own: Common<"status"> | null = null;
  readonly digests = new Hoard<Uint8Array>(64);
  last = 0;

  note(message: Tagged): void {
    const { order, batch } = message as { order?: unknown; batch?: unknown };
    if (batch instanceof Uint8Array) this.digests.put(batch);
    if (typeof order === "number" && order < 2 ** 32) this.last = Math.max(this.last, order);
  }

  said(outgoing: readonly Outgoing[]): void {
    for (const { message } of outgoing) {
      if (is(message, "status")) this.own = message;
      this.note(message);
    }
  }
}

function noting(notes: Notes, { tamper, hears }: Pick<Lie, "tamper" | "hears">): Lie {
  return {
    hears(from, message, now) {
      notes.note(message);
      return hears === undefined ? message : hears(from, message, now);
    },
    tamper(outgoing, now) {
      notes.said(outgoing);
      return tamper?.(outgoing, now) ?? outgoing;
    },
  };
}

export const leaderLies = {
  /** Says that something was decided that was not, or something else, to some or to all. */
  falseDecided(means: Means): Lie {
    const { random, context } = means;
    const notes = new Notes();
    const mayAct = atMostEvery(context.timing.statusMs / 4);
    const toAll = random.chance(0.5);
    return noting(notes, {
      tamper(outgoing, now) {
        if (!mayAct(now) || notes.digests.isEmpty) return outgoing;
        const order = Math.max(1, notes.last + random.pick([-1, 0, 1, 1, 2, 4]));
        const batch = random.chance(0.8) ? notes.digests.pick(random) : random.bytes(32);
        const message = { kind: "decided", order, batch };
        const some = others(means).filter(() => toAll || random.chance(0.5));
        return [...outgoing, ...some.map((replica) => to(replica, message))];
      },
    });
  },

  /** Wants the next view, or one beyond, as far as some know; the others hear nothing of it. */
  lure(means: Means): Lie {
    const { random, context } = means;
    const notes = new Notes();
    const victims = others(means).filter(() => random.chance(0.5));
    const mayAct = atMostEvery(context.timing.statusMs * random.pick([0.5, 2, 10]));
    const step = random.pick([1, 1, 2, 5]);
    return noting(notes, {
      tamper(outgoing, now) {
        const { own } = notes;
        if (own === null || !mayAct(now)) return outgoing;
        const wish = { ...own, suspects: own.view + step };
        return [...outgoing, ...victims.map((replica) => to(replica, wish))];
      },
    });
  },

  /** Leaves views as far as some know; to the others it never says so. */
  leaveForSome(means: Means): Lie {
    const friends = new Set(others(means).filter(() => means.random.chance(0.5)));
    const isMeant = ({ to: at, message }: Outgoing) =>
      message.kind === "view-change" && at.kind === "replica" && !friends.has(at.replica);
    return { tamper: (outgoing) => outgoing.filter((one) => !isMeant(one)) };
  },

  /** Never gives a batch that it is asked for; perhaps another one, or another's digest. */
  withholdBatches(means: Means): Lie {
    const { random } = means;
    const past = new Hoard<Common<"batch">>(8);
    const gives = random.pick(["nothing", "another", "falsely"]);
    return {
      tamper: (outgoing) =>
        outgoing.flatMap((one) => {
          if (!is(one.message, "batch")) return [one];
          past.put(one.message);
          const other = past.pick(random);
          if (gives === "nothing") return [];
          const { digest } = gives === "falsely" ? one.message : other;
          return [{ ...one, message: { ...other, digest } }];
        }),
    };
  },

  /** Always far behind, and in want of everything. */
  beg(means: Means): Lie {
    const { random, context } = means;
    const notes = new Notes();
    const mayAct = atMostEvery(Math.max(2, context.timing.statusMs / 4));
    const wish = (): Tagged => {
      const way = random.below(3);
      if (way === 0 && !notes.digests.isEmpty) {
        return { kind: "fetch-batch", digest: notes.digests.pick(random) } as Tagged;
      }
      if (way === 1) return { kind: "fetch-manifest", order: notes.last } as Tagged;
      return { kind: "status", view: 0, entered: 0, stable: 0, executed: 0, suspects: 0 } as Tagged;
    };
    return noting(notes, {
      tamper: (outgoing, now) =>
        mayAct(now) ? [...outgoing, to(random.pick(others(means)), wish())] : outgoing,
    });
  },
} satisfies Record<string, (means: Means) => Lie>;

/**
 * A leader that orders one proposal at a time, just before the others lose patience, and perhaps
 * nothing of one client. `kind`: how the protocol calls a proposal.
 */
export const dawdle =
  (kind: string) =>
  ({ random, context }: Means): Lie => {
    const victim = random.pick([null, 0, 1]);
    const everyMs = context.timing.patienceMs * random.pick([0.5, 0.8, 0.95]);
    let nextAt = 0;
    const slots = new Map<number, number>();
    return {
      hears: (_from, message) =>
        victim !== null && is(message, "request") && bundleOf(message)?.client === victim
          ? null
          : message,
      tamper(outgoing, now) {
        return outgoing.map((one) => {
          if (one.message.kind !== kind) return one;
          const { order } = one.message as Tagged & { readonly order: number };
          let atMs = slots.get(order);
          if (atMs === undefined) {
            atMs = Math.max(now, nextAt);
            nextAt = Math.min(atMs, now + 8 * everyMs) + everyMs;
            slots.set(order, atMs);
            if (slots.size > 64) slots.clear();
          }
          return { ...one, delayMs: Math.max(0, atMs - now) };
        });
      },
    };
  };
