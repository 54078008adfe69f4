// Lies for Hybster whose proofs prove something else, or nothing: each is what one rule of
// claims.ts is there to refuse.

import { bundleOf, encodeBundle, type Request } from "../codec/index.js";
import { type Digest, type ReplicaId, toHex } from "../core/index.js";
import type { Tagged } from "../core/index.js";
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
import { acknowledging, announcing, Told } from "./hybster-told.js";

const { encodeEndorsements, genesis, planDigest, quorumOf } = hybster;
type Acknowledgement = hybster.Acknowledgement;
type Checkpoint = hybster.Checkpoint;
type Established = hybster.Established;
type HybsterMessage = hybster.HybsterMessage;
type Stable = hybster.Stable;
type ViewChange = hybster.ViewChange;
type Message<K extends HybsterMessage["kind"]> = Extract<HybsterMessage, { kind: K }>;

const is = <K extends HybsterMessage["kind"]>(message: Tagged, kind: K): message is Message<K> =>
  message.kind === kind;

/** The first of the messages, in any order, that others would read; null if they read none. */
function readable<M extends Tagged>(means: Means, messages: readonly M[]): M | null {
  const { protocol, context, claimContext, random } = means;
  const isRead = (message: M): boolean =>
    protocol.claims(message, context.replica, claimContext) !== null;
  return random.shuffled(messages).find(isRead) ?? null;
}

/** What proofs are made of: genuine statements, of anything and anybody. */
class Proofs {
  readonly #means: Means;
  readonly #forge: ReturnType<typeof forging>;
  readonly #checkpoints: Checkpoint[] = [];
  readonly #acknowledgements: Acknowledgement[] = [];

  constructor(means: Means) {
    this.#means = means;
    this.#forge = forging(means.context);
  }

  note(message: Tagged): void {
    if (is(message, "checkpoint")) this.#checkpoints.push(message);
    if (is(message, "acknowledgement")) this.#acknowledgements.push(message);
    this.#checkpoints.splice(0, this.#checkpoints.length - 24);
    this.#acknowledgements.splice(0, this.#acknowledgements.length - 24);
  }

  /** Of that checkpoint: nothing, one vote twice, one's own with others' about other things. */
  stables(order: number, digest: Digest): Stable[] {
    const own = this.#forge.checkpoint({ order, digest });
    const elsewhere = this.#forge.checkpoint({ order: order + 1, digest });
    const otherwise = this.#forge.checkpoint({ order, digest: this.#means.random.bytes(32) });
    if (own === null || elsewhere === null || otherwise === null) return [];
    const beside = this.#beside(own, this.#checkpoints);
    return [[], [own], [own, own], [own, ...beside], [elsewhere, ...beside], beside].map(
      (statements) => ({ order, digest, statements }),
    );
  }

  /** Proofs of a checkpoint with what others stated of that order. */
  besides(own: Checkpoint, order: number): Checkpoint[][] {
    const same = this.#checkpoints.filter((one) => one.order === order);
    return [[own], [own, own], [own, ...this.#beside(own, same)]];
  }

  /** Of a checkpoint that others stated, with another digest or at a later order. */
  misquotedStables(): Stable[] {
    if (this.#checkpoints.length === 0) return [];
    const stated = this.#means.random.pick(this.#checkpoints);
    const same = this.#checkpoints.filter(({ order }) => order === stated.order);
    const later = stated.order + this.#means.context.limits.checkpointOrders;
    const changes = [{ digest: this.#means.random.bytes(32) }, { order: later }];
    return changes.flatMap((change) => {
      const content = { order: stated.order, digest: stated.digest, ...change };
      const own = this.#forge.checkpoint(content);
      return own === null ? [] : [{ ...content, statements: [own, ...this.#beside(own, same)] }];
    });
  }

  establisheds(content: Omit<Established, "acknowledgements">): Established[] {
    const { view, base, last, plan } = content;
    const said = { view, base, last, plan: planDigest(plan, this.#means.context.hash) };
    const own = this.#forge.acknowledgement(said);
    const otherwise = this.#forge.acknowledgement({ ...said, plan: this.#means.random.bytes(32) });
    if (own === null || otherwise === null) return [];
    const beside = this.#beside(own, this.#acknowledgements);
    return [[], [own], [own, own], [own, ...beside], [otherwise, ...beside], beside].map(
      (acknowledgements) => ({ ...content, acknowledgements }),
    );
  }

  /** Statements of others, one of each. */
  #beside<S extends Checkpoint | Acknowledgement>(own: S, known: readonly S[]): S[] {
    const by = new Map<ReplicaId, S>();
    for (const one of this.#means.random.shuffled(known)) by.set(one.attestation.instance, one);
    by.delete(own.attestation.instance);
    return [...by.values()].slice(0, this.#means.context.f);
  }
}

function noting(proofs: Proofs, memory: HybsterMemory, lie: Lie): Lie {
  return {
    hears(from, message, now) {
      proofs.note(message);
      memory.note(message);
      return lie.hears === undefined ? message : lie.hears(from, message, now);
    },
    tamper(outgoing, now) {
      for (const { message } of outgoing) memory.note(message);
      return lie.tamper?.(outgoing, now) ?? outgoing;
    },
  };
}

/** What is proven, said of another view or with another plan. */
function misquoted(means: Means, memory: HybsterMemory, views: readonly number[]): Established[] {
  const known = memory.anyEstablished(means.random);
  if (known === null) return [];
  const plan = known.plan.map((digest) =>
    memory.batches.isEmpty ? digest : memory.batches.pick(means.random),
  );
  const { base, last } = known;
  return [
    ...views.map((view) => ({ ...known, view })),
    { ...known, plan },
    { ...known, plan: known.plan.toReversed() },
    { ...known, base: base + 1, plan: known.plan.slice(1) },
    { ...known, last: last - 1, plan: known.plan.slice(0, -1) },
  ].filter((one) => one.last >= one.base);
}

/** Plans that are not what the others have: batches they know, in another order, or none. */
function drawPlan({ random }: Means, memory: HybsterMemory): Digest[] {
  const known = Array.from({ length: random.below(4) }, () =>
    memory.batches.isEmpty ? random.bytes(32) : memory.batches.pick(random),
  );
  return [...new Map(known.map((digest) => [toHex(digest), digest])).values()];
}

/** View changes that report what is not so, in place of one that does not. */
function falseReportsFor(
  means: Means,
  proofs: Proofs,
  memory: HybsterMemory,
  message: Message<"view-change">,
): Message<"view-change">[] {
  const { random, context } = means;
  const step = context.limits.checkpointOrders;
  const order = message.stable.order + random.pick([1, step, 2 * step]);
  const plan = drawPlan(means, memory);
  const view = random.below(message.to);
  const base = random.pick([message.established.base, message.stable.order]);
  const header = { view: message.established.view, batch: random.bytes(32) };
  const first = hybster.firstReported(message.established, message.stable);
  const { prepares } = message;
  const otherBatch = () => (memory.batches.isEmpty ? header.batch : memory.batches.pick(random));
  const otherPlan = message.established.plan.map(otherBatch);
  const top = Math.max(base, hybster.topOf(message));
  const otherPast = {
    view: message.to - 1,
    base,
    last: top,
    plan: Array.from(
      { length: top - base },
      (_, i) => (random.chance(0.5) && hybster.batchAt(message, base + 1 + i)) || otherBatch(),
    ),
  };
  const without = random.below(prepares.length + 1);
  const changes: Partial<ViewChange>[] = [
    ...proofs.stables(order, random.bytes(32)).map((stable) => ({ stable, prepares: [] })),
    ...proofs
      .establisheds({ view, base, last: base + plan.length, plan })
      .map((established) => ({ established, prepares: [] })),
    { established: { ...genesis, view, base, last: base + 1, plan }, prepares: [] },
    ...proofs.establisheds(otherPast).map((established) => ({ established, prepares: [] })),
    { established: { ...message.established, plan: otherPlan } },
    { established: { ...message.established, plan: message.established.plan.toReversed() } },
    ...proofs.misquotedStables().map((stable) => ({ stable, prepares: [] })),
    ...misquoted(means, memory, [message.to - 1]).map((established) => ({
      established,
      prepares: [],
    })),
    { prepares: prepares.map((one) => ({ ...one, batch: otherBatch() })) },
    {
      prepares: prepares.map((one, i) => (i === without ? { ...one, batch: otherBatch() } : one)),
    },
    { prepares: prepares.toSpliced(without, 1) },
    { prepares: prepares.slice(1) },
    { prepares: prepares.slice(0, -1) },
    { prepares: [{ ...message, ...header, batch: otherBatch(), order: first }] },
    { prepares: [], established: genesis },
  ];
  return changes.map((change) => ({ ...message, ...change }));
}

export const proofLies = {
  /** Reports what was never stable, established or proposed, in its view changes. */
  falseReports(means: Means): Lie {
    const proofs = new Proofs(means);
    const memory = new HybsterMemory();
    const told = new Told(means);
    const reporting = eachMessage(
      (message) => is(message, "view-change"),
      (message) => {
        if (!is(message, "view-change")) return message;
        const lie = readable(means, falseReportsFor(means, proofs, memory, message)) ?? message;
        told.note(lie);
        return lie;
      },
    );
    const tamper: Lie["tamper"] = (outgoing, now) => told.keepTo(reporting(outgoing, now));
    return noting(proofs, memory, { tamper });
  },

  /** Reports an earlier state of its own as that of a checkpoint, and gives it to who asks. */
  falseStates(means: Means): Lie {
    const forge = forging(means.context);
    const told = new Told(means);
    const proofs = new Proofs(means);
    const own = new Map<number, Digest>();
    /** The order of the state that is told of, by that of the state that is given. */
    const given = new Map<number, number>();
    const reporting = eachMessage(
      (message) => is(message, "view-change"),
      (message) => {
        if (!is(message, "view-change")) return message;
        const [early, late] = [...own.keys()].slice(-2);
        if (early === undefined || late === undefined) return message;
        const stable = { order: late, digest: own.get(early)! };
        const statement = forge.checkpoint(stable);
        if (statement === null) return message;
        const prepares = message.prepares.filter(({ order }) => order > late);
        const lies = proofs
          .besides(statement, late)
          .map((statements) => ({ ...message, stable: { ...stable, statements }, prepares }));
        const lie = readable(means, lies);
        if (lie === null) return message;
        given.set(early, late);
        told.note(lie);
        return lie;
      },
    );
    const memory = new HybsterMemory();
    return noting(proofs, memory, {
      hears(_from, message) {
        if (!is(message, "fetch-manifest") && !is(message, "fetch-pages")) return message;
        const early = [...given].find(([, late]) => late === message.order)?.[0];
        if (early === undefined) return message;
        const asked: HybsterMessage = { ...message, order: early };
        return asked;
      },
      tamper(outgoing, now) {
        const sent = outgoing.map((one) => {
          const { message } = one;
          if (is(message, "checkpoint")) own.set(message.order, message.digest);
          const isState = is(message, "manifest") || is(message, "pages");
          const order = isState ? given.get(message.order) : undefined;
          return order === undefined ? one : { ...one, message: { ...message, order } as Tagged };
        });
        return told.keepTo(reporting(sent, now));
      },
    });
  },

  /** Tells one peer or all of a view that nobody established. */
  falseViews(means: Means): Lie {
    const { random, context } = means;
    const proofs = new Proofs(means);
    const memory = new HybsterMemory();
    const mayAct = atMostEvery(context.timing.statusMs * random.pick([0.2, 1, 5]));
    let view = 0;
    let executed = 0;
    const tamper = (outgoing: readonly Outgoing[], now: number): readonly Outgoing[] => {
      for (const { message } of outgoing) {
        if (is(message, "status")) ({ view, executed } = message);
      }
      if (!mayAct(now)) return outgoing;
      const plan = drawPlan(means, memory);
      const base = Math.max(0, executed - random.below(3));
      // One that it leads, if need be: then it may go on with the lie.
      const led = view + context.n - ((view + context.n - context.replica) % context.n);
      const later = random.pick([led <= view ? led + context.n : led, view + 1, view]);
      const content = { view: later, base, last: base + plan.length, plan };
      const lies = proofs.establisheds(content);
      lies.push(...misquoted(means, memory, [later, view + 1]));
      lies.push(...proofs.establisheds({ ...content, last: content.last + random.below(2) }));
      const made = lies.map((lie) => ({ ...lie, kind: "established" as const }));
      const lie = readable(means, made);
      if (lie === null) return outgoing;
      const victims = random.shuffled(others(means)).slice(0, random.pick([1, 1, context.n]));
      const sent = victims.map((id) => ({ to: toReplica(id), message: lie, delayMs: 0 }));
      return [...outgoing, ...sent];
    };
    return noting(proofs, memory, { tamper });
  },

  /** Announces views on too few view changes, on one twice, or on such as it made up. */
  falseAnnouncements(means: Means): Lie {
    const { random } = means;
    const forge = forging(means.context);
    const lieFor = (message: Message<"new-view">): Message<"new-view"> | null => {
      const { viewChanges } = message;
      const stripped = viewChanges.map((one) => ({ ...one, prepares: [] }));
      const bare = stripped.map((one) => ({ ...one, established: genesis }));
      const other = forge.viewChange(message.view + 1);
      const beside = viewChanges.filter(
        ({ attestation }) => attestation.instance !== other?.attestation.instance,
      );
      const lists = [
        [],
        viewChanges.slice(0, 1),
        viewChanges.slice(-1),
        viewChanges.map(() => viewChanges[0]!),
        ...(other === null ? [] : [[...beside, other]]),
        stripped,
        bare,
      ];
      return readable(
        means,
        lists.map((list) => ({ ...message, viewChanges: list })),
      );
    };
    return {
      tamper(outgoing) {
        const message = outgoing.find((one) => is(one.message, "new-view"))?.message;
        if (message === undefined || !is(message, "new-view") || random.chance(0.2))
          return outgoing;
        const lie = lieFor(means.notary.redeemed(message));
        return lie === null ? outgoing : announcing(means, outgoing, lie);
      },
    };
  },

  /** Announces views that another leads, and acknowledges them. */
  announceUncalled(means: Means): Lie {
    const { random, context } = means;
    const forge = forging(context);
    const heard = new Map<ReplicaId, ViewChange>();
    let announced = 0;
    return {
      hears(_from, message) {
        if (is(message, "view-change")) heard.set(message.attestation.instance, message);
        return message;
      },
      tamper(outgoing) {
        const mine = outgoing.find(({ message }) => is(message, "view-change"))?.message;
        if (mine !== undefined && is(mine, "view-change")) {
          heard.set(context.replica, certified(means, mine) as typeof mine);
        }
        const view = Math.max(0, ...[...heard.values()].map(({ to }) => to));
        const all = random.shuffled([...heard.values()].filter(({ to }) => to === view));
        if (view === announced || all.length < quorumOf(context.n)) return outgoing;
        announced = view;
        const content = forge.newView(view, all.slice(0, quorumOf(context.n)));
        if (content === null) return outgoing;
        const message = { ...content, kind: "new-view" } as const;
        const own = acknowledging(means, message);
        const friends = others(means).filter(() => random.chance(0.6));
        const sent = friends.flatMap((id): Outgoing[] =>
          [message, own]
            .filter((one) => one !== null)
            .map((one) => ({ to: toReplica(id), message: one, delayMs: 0 })),
        );
        return [...outgoing, ...sent];
      },
    };
  },

  /** H2: two departures to one view, of which only the first, which nobody sees, discloses much. */
  leaveAskew(means: Means): Lie {
    const { random, context } = means;
    const memory = new HybsterMemory();
    const forge = forging(context);
    const told = new Told(means);
    const departing = (outgoing: readonly Outgoing[]): readonly Outgoing[] => {
      const own = outgoing.find(({ message }) => is(message, "view-change"))?.message;
      if (own === undefined || !is(own, "view-change") || random.chance(0.2)) return outgoing;
      certified(means, own);
      const history = means.notary.redeemed(memory.otherHistory(own.to, random));
      const next = random.pick([
        { view: own.to, order: 1 },
        { view: own.to + 1, order: 0 },
      ]);
      const second = forge.viewChange(own.to, history, next);
      if (second === null) return outgoing;
      const message = { ...second, kind: "view-change" } as const;
      told.note(second);
      return outgoing.map((one) => (one.message === own ? { ...one, message } : one));
    };
    const tamper = (outgoing: readonly Outgoing[]) => told.keepTo(departing(outgoing));
    return noting(new Proofs(means), memory, { tamper });
  },

  /** Proposes, where another leads. */
  proposeUncalled(means: Means): Lie {
    const { random, context } = means;
    const memory = new HybsterMemory();
    const chance = random.pick([0.2, 0.6]);
    const waiting: Message<"prepare">[] = [];
    const friends = others(means).filter(() => random.chance(0.6));
    return noting(new Proofs(means), memory, {
      hears(_from, message) {
        if (!is(message, "prepare") || !random.chance(chance)) return message;
        waiting.push(message);
        return random.chance(0.7) ? null : message;
      },
      tamper(outgoing) {
        const uncalled = waiting.splice(0).flatMap((message): Outgoing[] => {
          if (memory.requests.isEmpty) return [];
          const requests = [memory.requests.pick(random)];
          const batch = batchDigest(requests, context.hash);
          const attestation = means.notary.pledged(message.attestation);
          const own = readable(means, [{ ...message, requests, batch, attestation }]);
          if (own === null) return [];
          return friends.map((id) => ({ to: toReplica(id), message: own, delayMs: 0 }));
        });
        return [...uncalled, ...outgoing];
      },
    });
  },

  /** Orders what no client asked for, on its own word where that of f+1 is due. */
  orderInvented(means: Means): Lie {
    const { random, context } = means;
    const memory = new HybsterMemory();
    const forge = forging(context);
    const chance = random.pick([0.2, 0.7]);
    const authenticators = (body: Uint8Array): Uint8Array[] => {
      const own = forge.endorsement(body);
      const feigned = own && { ...own, instance: random.pick(others(means)) };
      const alone = [[], [own], [own, own], [own, feigned]].map((list) =>
        encodeEndorsements(list.filter((wire) => wire !== null)),
      );
      return [...alone, random.bytes(32)];
    };
    const tamper = eachMessage(
      (message) => is(message, "prepare"),
      (message) => {
        if (!is(message, "prepare") || message.requests.length === 0) return message;
        if (!random.chance(chance)) return message;
        const [first, ...rest] = message.requests as [Request, ...Request[]];
        const bundle = bundleOf(first);
        const donor = bundleOf(memory.requests.pick(random));
        if (bundle === null || donor === null) return message;
        const { operations } = donor;
        const number = bundle.number + random.pick([0, 0, 1]);
        const body = encodeBundle({ ...bundle, number, operations });
        const lies = authenticators(body).map((authenticator) => {
          const invented = { body, authenticator };
          const requests = number === bundle.number ? [invented, ...rest] : [first, invented];
          return { ...message, requests, batch: batchDigest(requests, context.hash) };
        });
        return readable(means, lies) ?? message;
      },
    );
    return noting(new Proofs(means), memory, { tamper });
  },
} satisfies Record<string, (means: Means) => Lie>;
