// Lies for Hybster only: well-formed messages that say what is not so, where protocols.md has a
// rule against believing them.

import { bundleOf, type Request } from "../codec/index.js";
import type { ReplicaId, Tagged } from "../core/index.js";
import { batchDigest } from "../parts/index.js";
import { hybster } from "../protocols/index.js";
import {
  atMostEvery,
  certified,
  eachMessage,
  type Lie,
  type Means,
  others,
  type Outgoing,
  toReplica,
} from "../simulator/index.js";
import { forging } from "./hybster-forge.js";
import { HybsterMemory } from "./hybster-memory.js";
import { Told } from "./hybster-told.js";

const { decide, planDigest } = hybster;
type Acknowledgement = hybster.Acknowledgement;
type HybsterMessage = hybster.HybsterMessage;

type Kind = HybsterMessage["kind"];
type Message<K extends Kind> = Extract<HybsterMessage, { kind: K }>;

const is = <K extends Kind>(message: Tagged, kind: K): message is Message<K> =>
  message.kind === kind;

const to = (replica: ReplicaId, message: HybsterMessage): Outgoing => ({
  to: toReplica(replica),
  message,
  delayMs: 0,
});

/** A lie that remembers what it hears and what its machine says. */
function mindful(memory: HybsterMemory, { tamper, hears }: Pick<Lie, "tamper" | "hears">): Lie {
  return {
    hears(from, message, now) {
      memory.note(message);
      return hears === undefined ? message : hears(from, message, now);
    },
    tamper(outgoing, now) {
      for (const { message } of outgoing) memory.note(message);
      return tamper?.(outgoing, now) ?? outgoing;
    },
  };
}

export const hybsterLies = {
  /** H3: reports an older history than its own, or a part of it, in every view change. */
  rewriteHistory(means: Means): Lie {
    const { random } = means;
    const memory = new HybsterMemory();
    const told = new Told(means);
    const reporting = eachMessage(
      (message) => is(message, "view-change"),
      (message) => {
        if (!is(message, "view-change")) return message;
        const other = { ...message, ...memory.otherHistory(message.to, random) };
        told.note(other);
        return other;
      },
    );
    const tamper: Lie["tamper"] = (outgoing, now) => told.keepTo(reporting(outgoing, now));
    return mindful(memory, { tamper });
  },

  /**
   * H4: one honest view change for a few, and at once another to the view after, which its counter
   * allows and which need not disclose anything.
   */
  leaveTwice(means: Means): Lie {
    const { random, context } = means;
    const memory = new HybsterMemory();
    const friends = new Set(others(means).filter(() => random.chance(0.4)));
    const forge = forging(context);
    const isFriend = ({ to: at }: Outgoing) => at.kind === "replica" && friends.has(at.replica);
    return mindful(memory, {
      tamper(outgoing) {
        const own = outgoing.find(({ message }) => is(message, "view-change"))?.message;
        if (own === undefined || !is(own, "view-change")) return outgoing;
        const honest = certified(means, own);
        const next = own.to + 1;
        const history = means.notary.redeemed(memory.otherHistory(next, random));
        const second = forge.viewChange(next, history);
        const kept = outgoing.flatMap((one) => {
          if (one.message !== own) return [one];
          return isFriend(one) ? [{ ...one, message: honest }] : [];
        });
        if (second === null) return kept;
        const wish: HybsterMessage = {
          kind: "status",
          view: next,
          established: own.established.view,
          stable: own.stable.order,
          executed: own.stable.order,
          acted: own.stable.order,
          suspects: next,
        };
        return [
          ...kept,
          ...others(means).flatMap((replica) => [
            to(replica, wish),
            { ...to(replica, { ...second, kind: "view-change" }), delayMs: random.between(0, 40) },
          ]),
        ];
      },
    });
  },

  /** H4: acknowledges any new view that anybody speaks of, whatever its plan, or a shorter one. */
  acknowledgeAnything(means: Means): Lie {
    const { random, context } = means;
    const forge = forging(context);
    const waiting: Omit<Acknowledgement, "attestation">[] = [];
    const mayAct = atMostEvery(2);
    return {
      hears(_from, message) {
        if (is(message, "acknowledgement")) waiting.push(message);
        if (is(message, "new-view")) {
          const { base, last, plan } = decide(message.viewChanges);
          const cut = random.chance(0.5) ? plan : plan.slice(0, random.below(plan.length + 1));
          const digest = planDigest(cut, context.hash);
          waiting.push({
            view: message.view,
            base,
            last: last - plan.length + cut.length,
            plan: digest,
          });
        }
        return message;
      },
      tamper(outgoing, now) {
        if (waiting.length === 0 || !mayAct(now)) return outgoing;
        const { view, base, last, plan } = waiting.splice(0).at(-1)!;
        const own = forge.acknowledgement({ view, base, last, plan });
        if (own === null) return outgoing;
        const message = { ...own, kind: "acknowledgement" } as const;
        return [...outgoing, ...others(means).map((replica) => to(replica, message))];
      },
    };
  },

  /** Exactly-once, plans: proposes other requests than it should, of any time, in any number. */
  substitute(means: Means): Lie {
    const { random, context } = means;
    const memory = new HybsterMemory();
    const chance = random.pick([0.1, 0.5]);
    const { batchRequestsMax } = context.limits;
    const tamper = eachMessage(
      (message) => is(message, "prepare"),
      (message) => {
        if (!is(message, "prepare") || memory.requests.isEmpty || !random.chance(chance)) {
          return message;
        }
        const count = 1 + random.below(Math.min(4, batchRequestsMax));
        const own = random.chance(0.5) ? message.requests : [];
        const old = Array.from({ length: count }, () => memory.requests.pick(random));
        const requests = (random.chance(0.5) ? [...own, ...old] : [...old, ...own])
          .slice(0, batchRequestsMax)
          .map(({ body, authenticator }): Request => ({ body, authenticator }));
        return { ...message, requests, batch: batchDigest(requests, context.hash) };
      },
    );
    return mindful(memory, { tamper });
  },

  /** Windows: certifies for orders and checkpoints far beyond where anybody is. */
  farAhead(means: Means): Lie {
    const { random, context } = means;
    const forge = forging(context);
    const window = 2 * context.limits.checkpointOrders;
    const chance = random.pick([0.01, 0.1]);
    const beyond = (message: Tagged): HybsterMessage | null => {
      const distance = random.pick([1, window, window + 1, 1_000]);
      if (is(message, "prepare")) {
        const { view, order, requests } = message;
        const own = requests.length === 0 ? null : forge.prepare(view, order + distance, requests);
        return own && ({ ...own, kind: "prepare", requests } as const);
      }
      if (is(message, "commit")) {
        const own = forge.commit({ ...message, order: message.order + distance });
        return own && { ...own, kind: "commit" };
      }
      if (is(message, "checkpoint")) {
        const { order, digest } = message;
        const own = forge.checkpoint({ order: order + random.pick([1, window / 2]), digest });
        return own && { ...own, kind: "checkpoint" };
      }
      return null;
    };
    return {
      tamper: (outgoing) =>
        outgoing.flatMap((one) => {
          const message = random.chance(chance) ? beyond(one.message) : null;
          return message === null ? [one] : [one, { ...one, message }];
        }),
    };
  },

  /** H7: acknowledges proposals as it hears them, whatever lies between, to some. */
  commitAtOnce(means: Means): Lie {
    const { random, context } = means;
    const forge = forging(context);
    const chance = random.pick([0.1, 0.5, 1]);
    const waiting: Message<"prepare">[] = [];
    return {
      hears(_from, message) {
        if (!is(message, "prepare") || !random.chance(chance)) return message;
        waiting.push(message);
        return random.chance(0.5) ? message : null;
      },
      tamper(outgoing) {
        const commits = waiting.splice(0).flatMap((prepare) => {
          const own = forge.commit(prepare);
          if (own === null) return [];
          const friends = others(means).filter(() => random.chance(0.7));
          return friends.map((replica) => to(replica, { ...own, kind: "commit" }));
        });
        return [...commits, ...outgoing];
      },
    };
  },

  /** State transfer: answers for the order it is asked for with its state after another one. */
  otherState(means: Means): Lie {
    const own: number[] = [];
    const asked = new Map<number, number>();
    const { random } = means;
    return {
      hears(_from, message) {
        const isAsking = is(message, "fetch-manifest") || is(message, "fetch-pages");
        if (!isAsking || own.length === 0) return message;
        const [substitute] = [...asked].find(([, order]) => order === message.order) ?? [
          random.pick(own),
        ];
        asked.set(substitute, message.order);
        return { ...message, order: substitute };
      },
      tamper(outgoing) {
        return outgoing.map((one) => {
          const { message } = one;
          if (is(message, "checkpoint")) {
            if (!own.includes(message.order)) own.push(message.order);
            if (own.length > 4) asked.delete(own.shift()!);
          }
          const order =
            is(message, "manifest") || is(message, "pages") ? asked.get(message.order) : undefined;
          return order === undefined ? one : { ...one, message: { ...message, order } as Tagged };
        });
      },
    };
  },

  /** States other checkpoints than its own: to some, or before the others get there. */
  otherCheckpoints(means: Means): Lie {
    const { random, context } = means;
    const forge = forging(context);
    const isEarly = random.chance(0.4);
    return {
      tamper: (outgoing) =>
        outgoing.map((one) => {
          const { message } = one;
          if (!is(message, "checkpoint") || !random.chance(0.5)) return one;
          const order = message.order + (isEarly ? context.limits.checkpointOrders : 0);
          const digest = isEarly ? message.digest : random.bytes(32);
          const own = forge.checkpoint({ order, digest });
          return own === null ? one : { ...one, message: { ...own, kind: "checkpoint" } };
        }),
    };
  },

  /** Retransmission: always far behind, and in want of everything. */
  beg(means: Means): Lie {
    const { random, context } = means;
    const memory = new HybsterMemory();
    const mayAct = atMostEvery(Math.max(2, context.timing.statusMs / 4));
    let order = 0;
    const wish = (): HybsterMessage => {
      const way = random.below(4);
      if (way === 0 && !memory.batches.isEmpty) {
        return { kind: "fetch-batch", digest: memory.batches.pick(random) };
      }
      if (way === 1) return { kind: "fetch-manifest", order };
      if (way === 2) {
        const pages = Array.from({ length: 1 + random.below(256) }, () => random.below(300));
        return { kind: "fetch-pages", order, pages, offset: random.pick([0, 0, 7]) };
      }
      const behind = { stable: 0, executed: 0, acted: 0, suspects: 0 };
      return { kind: "status", view: 0, established: 0, ...behind };
    };
    return mindful(memory, {
      hears(_from, message) {
        if (is(message, "checkpoint")) order = message.order;
        return message;
      },
      tamper(outgoing, now) {
        if (!mayAct(now)) return outgoing;
        return [...outgoing, to(random.pick(others(means)), wish())];
      },
    });
  },

  /**
   * A leader that orders one proposal at a time, just before the others lose patience, and perhaps
   * nothing of one client.
   */
  dawdle({ random, context }: Means): Lie {
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
          const { message } = one;
          if (!is(message, "prepare")) return one;
          let atMs = slots.get(message.order);
          if (atMs === undefined) {
            atMs = Math.max(now, nextAt);
            nextAt = Math.min(atMs, now + 8 * everyMs) + everyMs;
            slots.set(message.order, atMs);
            if (slots.size > 64) slots.clear();
          }
          return { ...one, delayMs: Math.max(0, atMs - now) };
        });
      },
    };
  },
} satisfies Record<string, (means: Means) => Lie>;
