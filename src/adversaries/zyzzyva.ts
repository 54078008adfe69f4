// Lies for Zyzzyva only: well-formed, well-signed messages that say what is not so, to those whom
// it suits.

import type { Request } from "../codec/index.js";
import { type ReplicaId, type Tagged, toHex } from "../core/index.js";
import { batchDigest, extendHistory, leaderOf } from "../parts/index.js";
import { zyzzyva } from "../protocols/index.js";
import {
  atMostEvery,
  certified,
  eachMessage,
  Hoard,
  type Lie,
  type Means,
  others,
  type Outgoing,
  toReplica,
} from "../simulator/index.js";
import { impatient } from "./leader.js";

const { proven } = zyzzyva;
type ZyzzyvaMessage = zyzzyva.ZyzzyvaMessage;
type Point = zyzzyva.Point;
type Kind = ZyzzyvaMessage["kind"];
type Message<K extends Kind> = Extract<ZyzzyvaMessage, { kind: K }>;

const is = <K extends Kind>(message: Tagged, kind: K): message is Message<K> =>
  message.kind === kind;

const to = (replica: ReplicaId, message: ZyzzyvaMessage): Outgoing => ({
  to: toReplica(replica),
  message,
  delayMs: 0,
});

/** What a liar can prove to have said: anything, in its own name. */
export function zyzzyvaForging({ identity, hash, replica }: Means["context"]) {
  const sign = (kind: "reached" | "confirm", { view, order, history }: Point) => {
    const point = { view, order, history };
    return { ...point, replica, proof: identity.sign(proven[kind](point, hash)) };
  };
  return {
    reached: (point: Point) => sign("reached", point),
    confirm: (point: Point) => sign("confirm", point),
    /** The order that takes a history on by a batch. */
    order(view: number, order: number, before: Uint8Array, batch: readonly Request[]) {
      const requests = batch.map(({ body, authenticator }) => ({ body, authenticator }));
      const digest = batchDigest(requests, hash);
      const history = extendHistory(before, digest, hash);
      const content = { view, order, history, batch: digest };
      return { ...content, proof: identity.sign(proven.order(content, hash)), requests };
    },
    report(content: Omit<zyzzyva.Report, "replica" | "proof">): zyzzyva.Report {
      const { to: view, stable, established, start, base, ordered, commit } = content;
      const said = { replica, to: view, stable, established, start, base, ordered, commit };
      return { ...said, proof: identity.sign(proven.report(said, hash)) };
    },
  };
}

export const zyzzyvaLies = {
  /** As leader, a history of its own for each of two camps. */
  twoHistories(means: Means): Lie {
    const { random, context } = means;
    const forge = zyzzyvaForging(context);
    const requests = new Hoard<Request>(64);
    const camp = new Set(others(means).filter(() => random.chance(0.5)));
    const chance = random.pick([0.05, 0.3]);
    /** The history of the camp, by view; undefined while it is the true one. */
    let branch: { view: number; order: number; history: Uint8Array } | null = null;
    let before: Uint8Array = new Uint8Array(32);
    const other = (message: Message<"order-req">): ZyzzyvaMessage => {
      const { view, order } = message;
      const isGoingOn = branch !== null && branch.view === view && branch.order === order - 1;
      if (!isGoingOn && !random.chance(chance)) return message;
      const batch = isGoingOn ? message.requests : [requests.pick(random)];
      const said = forge.order(view, order, isGoingOn ? branch!.history : before, batch);
      branch = { view, order, history: said.history };
      return { kind: "order-req", ...said };
    };
    return {
      hears(_from, message) {
        if (is(message, "request")) requests.put(message);
        return message;
      },
      tamper(outgoing) {
        const changed = new Map<Tagged, Tagged>();
        return outgoing.map((one) => {
          const { message, to: at } = one;
          if (!is(message, "order-req") || requests.isEmpty) return one;
          if (!changed.has(message)) {
            changed.set(message, other(message));
            before = message.history;
          }
          const isFor = at.kind === "replica" && camp.has(at.replica);
          return isFor ? { ...one, message: changed.get(message)! } : one;
        });
      },
    };
  },

  /** Z1: reports less than it has: no certificate, fewer orders, an older view. */
  forgetful(means: Means): Lie {
    const { random, context } = means;
    const forge = zyzzyvaForging(context);
    const older: zyzzyva.Report[] = [];
    const shorter = (own: Message<"view-change">): zyzzyva.Report => {
      const length = random.below(own.ordered.length + 1);
      const known = own.stable.order + own.base.length;
      const last = known + length;
      const commit = own.commit.filter(({ order }) => order <= last && random.chance(0.3));
      return forge.report({ ...own, ordered: own.ordered.slice(0, length), commit });
    };
    const tamper = eachMessage(
      (message) => is(message, "view-change"),
      (message) => {
        if (!is(message, "view-change")) return message;
        older.push(message);
        const past = random.pick(older);
        const said = random.chance(0.4) ? forge.report({ ...past, to: message.to }) : null;
        return { kind: "view-change", ...(said ?? shorter(message)) };
      },
    );
    return { tamper };
  },

  /** Z1: a report of another history for some, of those that it has seen others report. */
  othersHistory(means: Means): Lie {
    const { random, context } = means;
    const forge = zyzzyvaForging(context);
    const reports = new Hoard<zyzzyva.Report>(16);
    return {
      hears(_from, message) {
        if (is(message, "view-change")) reports.put(message);
        if (is(message, "new-view")) for (const one of message.reports) reports.put(one);
        return message;
      },
      tamper: (outgoing) =>
        outgoing.map((one) => {
          if (!is(one.message, "view-change") || reports.isEmpty) return one;
          if (random.chance(0.3)) return one;
          const said = forge.report({ ...reports.pick(random), to: one.message.to });
          return { ...one, message: { kind: "view-change", ...said } };
        }),
    };
  },

  /**
   * Z1: as leader, makes a certificate of which nobody else knows and of orders that it disowns in
   * the next view change, so that they may be forgotten; and shows it in a later one. Who leads
   * next never hears of those orders, so that one report of them alone is among the first.
   */
  oldCertificate(means: Means): Lie {
    const { random, context } = means;
    const forge = zyzzyvaForging(context);
    const isImpatient = random.chance(0.5);
    const signed = new Map<string, { point: Point; by: Map<ReplicaId, Uint8Array> }>();
    let hoard: zyzzyva.Report | null = null;
    const isOwnView = (view: number) => leaderOf(view, context.n) === context.replica;
    /** The longest certificate that can be made of what others signed. */
    const certificateFor = (entries: readonly zyzzyva.Entry[], view: number) => {
      for (const { order, history } of entries.toReversed()) {
        const known = signed.get(`${view} ${order} ${toHex(history)}`);
        if (known === undefined || known.by.size < 2 * context.f) continue;
        const own = forge.reached({ view, order, history });
        const signatures = [...known.by].map(([replica, proof]) => ({ replica, proof }));
        signatures.push({ replica: own.replica, proof: own.proof });
        return { view, order, history, signatures };
      }
      return null;
    };
    const reportOf = (own: Message<"view-change">): ZyzzyvaMessage => {
      const entries = zyzzyva.entriesOf(own, context.hash);
      const certificate = certificateFor(entries, own.established.view);
      if (isOwnView(own.established.view) && certificate !== null) {
        hoard = { ...own, commit: [certificate] };
        return { kind: "view-change", ...forge.report({ ...own, ordered: [], commit: [] }) };
      }
      const isLater = hoard !== null && own.established.view > hoard.established.view;
      if (!isLater || random.chance(0.3)) return own;
      return { kind: "view-change", ...forge.report({ ...hoard!, to: own.to }) };
    };
    return {
      hears(from, message) {
        if (from !== null && is(message, "reached") && isOwnView(message.view)) {
          const { view, order, history, replica, proof } = message;
          const key = `${view} ${order} ${toHex(history)}`;
          const known = signed.get(key) ?? { point: message, by: new Map<ReplicaId, Uint8Array>() };
          signed.set(key, known);
          known.by.set(replica, proof);
          if (signed.size > 256) signed.delete(signed.keys().next().value!);
        }
        return message;
      },
      tamper: (outgoing) =>
        outgoing.flatMap((one) => {
          const { message, to: at } = one;
          if (is(message, "view-change")) return [{ ...one, message: reportOf(message) }];
          if (is(message, "status") && isImpatient)
            return [{ ...one, message: impatient(message) }];
          const isKept =
            (is(message, "reached") ||
              is(message, "certified") ||
              is(message, "spec-response") ||
              is(message, "local-commit")) &&
            isOwnView(message.view);
          if (isKept) return [];
          if (!is(message, "order-req") || at.kind !== "replica") return [one];
          return at.replica === leaderOf(message.view + 1, context.n) ? [] : [one];
        }),
    };
  },

  /** Says that it executed, and confirms, whatever anybody else did, in any history. */
  agreeWithAll(means: Means): Lie {
    const { random, context } = means;
    const forge = zyzzyvaForging(context);
    const waiting: ZyzzyvaMessage[] = [];
    const friends = others(means).filter(() => random.chance(0.7));
    const isCertain = random.chance(0.5);
    return {
      hears(_from, message) {
        if (is(message, "reached") || is(message, "order-req")) {
          const { view, order, history } = message;
          waiting.push({ kind: "reached", ...forge.reached(message) });
          if (isCertain) waiting.push({ kind: "certified", view, order, history });
        }
        if (is(message, "view-confirm")) {
          waiting.push({ kind: "view-confirm", ...forge.confirm(message) });
        }
        return message;
      },
      tamper(outgoing) {
        const said = waiting.splice(0).slice(-8);
        return [...outgoing, ...said.flatMap((one) => friends.map((peer) => to(peer, one)))];
      },
    };
  },

  /** Says that it has certificates that it has not, of points ahead or of its own invention. */
  certifyNothing(means: Means): Lie {
    const { random, context } = means;
    const forge = zyzzyvaForging(context);
    const points = new Hoard<Point>(32);
    const mayAct = atMostEvery(10);
    const peers = others(means);
    return {
      hears(_from, message) {
        if (is(message, "order-req")) points.put(message);
        return message;
      },
      tamper(outgoing, now) {
        if (points.isEmpty || !mayAct(now)) return outgoing;
        const { view, order, history } = points.pick(random);
        const point = random.chance(0.7)
          ? { view, order: order + random.below(3), history }
          : { view, order, history: random.bytes(32) };
        const messages: ZyzzyvaMessage[] = [
          { kind: "certified", ...point },
          { kind: "reached", ...forge.reached(point) },
        ];
        const said = messages.flatMap((one) => peers.map((peer) => to(peer, one)));
        return [...outgoing, ...said];
      },
    };
  },

  /** Answers clients with other results, or with another history under its signature. */
  falseAnswers(means: Means): Lie {
    const { random } = means;
    const chance = random.pick([0.1, 0.5, 1]);
    const past = new Hoard<Message<"spec-response">>(32);
    const tamper = eachMessage(
      (message) => is(message, "spec-response"),
      (message) => {
        if (!is(message, "spec-response")) return message;
        const old = past.isEmpty ? message : past.pick(random);
        past.put(message);
        if (!random.chance(chance)) return message;
        const { view, order, history, batch, proof } = old;
        return random.pick<() => Tagged>([
          () => ({ ...message, results: old.results }),
          () => certified(means, { ...message, view, order, history, batch, proof } as Tagged),
          () => certified(means, { ...message, history: random.bytes(32) } as Tagged),
          () => ({ ...message, signature: old.signature }),
          () => ({ ...message, proof: old.proof }),
          () => ({ ...message, outcome: 1, results: [] }),
        ])();
      },
    );
    return { tamper };
  },

  /** Tells clients that it stored their certificates, and stores none. */
  localCommitAnything(means: Means): Lie {
    const { random } = means;
    const isStoring = random.chance(0.5);
    let waiting: Message<"commit">[] = [];
    return {
      hears(from, message) {
        if (from !== null || !is(message, "commit")) return message;
        waiting.push(message);
        return isStoring ? message : null;
      },
      tamper(outgoing) {
        const said = waiting.map(({ client, session, number, certificate }): Outgoing => {
          const { view, order, history } = certificate;
          const message = { kind: "local-commit", client, session, number, view, order, history };
          return { to: { kind: "client", client, session }, message, delayMs: 0 };
        });
        waiting = [];
        return [...outgoing, ...said];
      },
    };
  },

  /** Begins a view with the reports that suit it, and orders there before it is established. */
  hasty(means: Means): Lie {
    const { random, context } = means;
    const forge = zyzzyvaForging(context);
    const requests = new Hoard<Request>(32);
    return {
      hears(_from, message) {
        if (is(message, "request")) requests.put(message);
        return message;
      },
      tamper(outgoing) {
        const more = outgoing.flatMap((one): Outgoing[] => {
          const { message, to: at } = one;
          if (!is(message, "view-confirm") || at.kind !== "replica" || requests.isEmpty) return [];
          if (leaderOf(message.view, context.n) !== context.replica) return [];
          const { view, order, history } = message;
          const batch = [requests.pick(random)];
          const said = forge.order(view, order + 1, history, batch);
          return [to(at.replica, { kind: "order-req", ...said })];
        });
        const kept = outgoing.filter(
          ({ message }) => !is(message, "view-confirm") || random.chance(0.5),
        );
        return [...kept, ...more];
      },
    };
  },
};
