// What claims.ts refuses: for each of its checks a lie that this check alone stands against. The
// lie's certificates are genuine, or are those that the check would have had verified.

import assert from "node:assert/strict";
import { hybsterMutants } from "../../../mutants/index.js";
import { forging } from "../../../src/adversaries/index.js";
import { encodeBundle, type Request, toWire } from "../../../src/codec/index.js";
import type { Attestation, Digest, Position } from "../../../src/core/index.js";
import { batchDigest } from "../../../src/parts/index.js";
import {
  certified,
  type Checkpoint,
  counters,
  encodeEndorsements,
  genesis,
  hybster,
  type HybsterMessage,
  planDigest,
  type Prepare,
  type Stable,
  type ViewChange,
} from "../../../src/protocols/hybster/index.js";
import { type Lie, nobodyBelieves } from "../claims-support.js";
import { bytesOf, hash, type World } from "./support.js";

/** A replica whose host lies: what its trusted module certifies for it. */
function member(world: World, replica: number) {
  const { counter } = world.liar(replica).context;
  const wire = (attestation: Attestation | null) => {
    assert.ok(attestation, "the module certifies it");
    return toWire(attestation);
  };
  return {
    ...forging(world.liar(replica).context),
    counter,
    independent: (id: number, next: Position, digest: Digest) =>
      wire(counter.independent(id, next, digest)),
    continuing: (next: Position, digest: Digest) =>
      wire(counter.continuing(counters.order, next, digest)),
    mac: (id: number, digest: Digest) => wire(counter.trustedMac(id, digest)),
  };
}

type Member = ReturnType<typeof member>;

/** Of a group of three: 0 leads view 0, and both say what the lie needs to the third. */
interface Cast {
  readonly r0: Member;
  readonly r1: Member;
}

const castOf = (world: World): Cast => ({ r0: member(world, 0), r1: member(world, 1) });

const request = (text: string, authenticator: Uint8Array = new Uint8Array(0)): Request => ({
  body: encodeBundle({
    client: 0,
    session: 1,
    number: 1,
    acknowledged: 0,
    operations: [bytesOf(text)],
  }),
  authenticator,
});

const x = batchDigest([request("x")], hash);
const y = batchDigest([request("y")], hash);
const at = (view: number, order: number): Position => ({ view, order });
const certify = {
  x: certified.prepare(x, hash),
  y: certified.prepare(y, hash),
};
const nothingStable: Stable = { order: 0, digest: new Uint8Array(32), statements: [] };

const prepare = (header: Omit<Prepare, "requests">): HybsterMessage => ({
  kind: "prepare",
  ...header,
  requests: [],
});

const viewChange = (message: ViewChange | null): HybsterMessage => ({
  kind: "view-change",
  ...message!,
});

/** A proposal of a request that no client made, with these endorsements. */
function invented({ r0 }: Cast, endorsements: Parameters<typeof encodeEndorsements>[0]) {
  const requests = [request("y", encodeEndorsements(endorsements))];
  return { kind: "prepare", ...r0.prepare(0, 1, requests)!, requests } as const;
}

function established({ r0, r1 }: Cast, view: number, plan: Digest[]) {
  const content = { view, base: 0, last: plan.length, plan: planDigest(plan, hash) };
  const acknowledgements = [r0.acknowledgement(content)!, r1.acknowledgement(content)!];
  return { view, base: 0, last: plan.length, plan, acknowledgements };
}

const stated = (order: number, digest: Digest, ...members: Member[]): Checkpoint[] =>
  members.map((one) => one.checkpoint({ order, digest })!);

/** View change to `to`, certified as one that leads to `next`. */
function askew({ r1 }: Cast, to: number, next: Position): HybsterMessage {
  const content = { to, established: genesis, stable: nothingStable, prepares: [] };
  const attestation = r1.continuing(next, certified.viewChange(content, hash));
  return { kind: "view-change", ...content, attestation };
}

const order = counters.order;

const lies: readonly Lie<HybsterMessage, Cast, keyof typeof hybsterMutants>[] = [
  {
    about: "a second proposal of an order, by a trusted MAC where the counter stands",
    mutant: "kind-unchecked",
    say({ r0 }) {
      r0.independent(order, at(0, 1), certify.x);
      return prepare({ view: 0, order: 1, batch: y, attestation: r0.mac(order, certify.y) });
    },
  },
  {
    about: "a second proposal of an order, by another counter",
    mutant: "counter-unchecked",
    say({ r0 }) {
      r0.independent(order, at(0, 1), certify.x);
      const attestation = r0.independent(3, at(0, 1), certify.y);
      return prepare({ view: 0, order: 1, batch: y, attestation });
    },
  },
  {
    about: "a proposal certified for another view",
    mutant: "view-unchecked",
    say({ r0 }) {
      const attestation = r0.independent(order, at(1, 1), certify.y);
      return prepare({ view: 0, order: 1, batch: y, attestation });
    },
  },
  {
    about: "a proposal certified for another order",
    mutant: "order-unchecked",
    say({ r0 }) {
      const attestation = r0.independent(order, at(0, 2), certify.y);
      return prepare({ view: 0, order: 1, batch: y, attestation });
    },
  },
  {
    about: "a proposal of another than the leader",
    mutant: "anyone-proposes",
    say({ r1 }) {
      const attestation = r1.independent(order, at(0, 1), certify.y);
      return prepare({ view: 0, order: 1, batch: y, attestation });
    },
  },
  {
    about: "a request without endorsements",
    mutant: "relayed-requests-unchecked",
    clients: "mac",
    say: (cast) => invented(cast, []),
  },
  {
    about: "a request that only its proposer endorses",
    mutant: "endorsers-uncounted",
    clients: "mac",
    say: (cast) => invented(cast, [cast.r0.endorsement(request("y").body)!]),
  },
  {
    about: "a request with an endorsement that its proposer made up",
    mutant: "endorsements-unverified",
    clients: "mac",
    say(cast) {
      const own = cast.r0.endorsement(request("y").body)!;
      return invented(cast, [own, { ...own, instance: 1 }]);
    },
  },
  {
    about: "other requests than those that were certified",
    mutant: "batch-digest-unchecked",
    clients: "mac",
    say(cast) {
      const { body } = request("y");
      const { r0, r1 } = cast;
      const { requests } = invented(cast, [r0.endorsement(body)!, r1.endorsement(body)!]);
      return { kind: "prepare", ...r0.prepare(0, 2, [request("x")])!, requests };
    },
  },
  {
    about: "a view established by nobody",
    mutant: "established-unproven",
    say: (cast) => ({ kind: "established", ...established(cast, 1, [x]), acknowledgements: [] }),
  },
  {
    about: "a view established by one",
    mutant: "quorum-of-one",
    say(cast) {
      const one = established(cast, 1, [x]);
      return { kind: "established", ...one, acknowledgements: one.acknowledgements.slice(1) };
    },
  },
  {
    about: "a view established by one, twice",
    mutant: "one-voter-twice",
    say(cast) {
      const one = established(cast, 1, [x]);
      const [, own] = one.acknowledgements;
      return { kind: "established", ...one, acknowledgements: [own!, own!] };
    },
  },
  {
    about: "a view established by acknowledgements of another",
    mutant: "acknowledged-view-unchecked",
    say: (cast) => ({ kind: "established", ...established(cast, 1, [x]), view: 4 }),
  },
  {
    about: "a view established with another plan",
    mutant: "established-plan-unchecked",
    say: (cast) => ({ kind: "established", ...established(cast, 1, [x]), plan: [y] }),
  },
  {
    about: "a view change that leads to another view",
    mutant: "departure-unchecked",
    say: (cast) => askew(cast, 1, at(2, 0)),
  },
  {
    about: "a second view change to the same view",
    mutant: "departure-order-unchecked",
    say(cast) {
      cast.r1.viewChange(1);
      return askew(cast, 1, at(1, 1));
    },
  },
  {
    about: "a view change that conceals what its counter proves",
    mutant: "coverage-unchecked",
    say({ r1 }) {
      r1.commit({ view: 0, order: 1, batch: x });
      return viewChange(r1.viewChange(1));
    },
  },
  {
    about: "a view change that conceals the last that its counter proves",
    mutant: "coverage-one-short",
    say({ r0, r1 }) {
      const first = r0.prepare(0, 1, [request("x")])!;
      r1.commit(first);
      r1.commit({ view: 0, order: 2, batch: y });
      return viewChange(r1.viewChange(1, { prepares: [first] }));
    },
  },
  {
    about: "a view change that conceals the view its counter was in",
    mutant: "older-view-reported",
    say({ r1 }) {
      r1.commit({ view: 3, order: 1, batch: x });
      return viewChange(r1.viewChange(4));
    },
  },
  {
    about: "a view change that reports a view nobody established",
    mutant: "reported-view-unproven",
    say(cast) {
      const invention = { ...established(cast, 1, [y]), acknowledgements: [] };
      return viewChange(cast.r1.viewChange(2, { established: invention }));
    },
  },
  {
    about: "a view change that reports a checkpoint nobody stated",
    mutant: "reported-stable-unproven",
    say: ({ r1 }) =>
      viewChange(r1.viewChange(1, { stable: { order: 2, digest: x, statements: [] } })),
  },
  {
    about: "a view change that reports a checkpoint one stated",
    mutant: "stable-unproven",
    say({ r1 }) {
      const statements = stated(2, x, r1);
      return viewChange(r1.viewChange(1, { stable: { order: 2, digest: x, statements } }));
    },
  },
  {
    about: "a view change that reports a checkpoint stated of another order",
    mutant: "stable-order-unchecked",
    say({ r0, r1 }) {
      const statements = stated(2, x, r0, r1);
      return viewChange(r1.viewChange(1, { stable: { order: 4, digest: x, statements } }));
    },
  },
  {
    about: "a view change that reports another state than was stated",
    mutant: "stable-digest-unchecked",
    say({ r0, r1 }) {
      const statements = stated(2, x, r0, r1);
      return viewChange(r1.viewChange(1, { stable: { order: 2, digest: y, statements } }));
    },
  },
  {
    about: "a view change that leaves a gap before the last proposal",
    mutant: "gaps-reported",
    say({ r0, r1 }) {
      const second = r0.prepare(0, 2, [request("y")])!;
      r1.commit(second);
      return viewChange(r1.viewChange(1, { prepares: [second] }));
    },
  },
  {
    about: "a view change that reports a proposal nobody made",
    mutant: "reported-proposals-unverified",
    say({ r0, r1 }) {
      const first = r0.prepare(0, 1, [request("x")])!;
      r1.commit(first);
      return viewChange(r1.viewChange(1, { prepares: [{ ...first, batch: y }] }));
    },
  },
  {
    about: "a certificate of view changes to different views",
    mutant: "mixed-certificate",
    say: ({ r0, r1 }) => ({
      kind: "certificate",
      viewChanges: [r0.viewChange(1)!, r1.viewChange(2)!],
    }),
  },
  {
    about: "a view announced with one view change",
    mutant: "view-changes-uncounted",
    say: ({ r1 }) => ({ kind: "new-view", ...r1.newView(1, [r1.viewChange(1)!])! }),
  },
  {
    about: "a view announced by another than its leader",
    mutant: "anyone-announces",
    say: ({ r0, r1 }) => ({
      kind: "new-view",
      ...r0.newView(1, [r0.viewChange(1)!, r1.viewChange(1)!])!,
    }),
  },
  {
    about: "a view announced with a view change that nobody made",
    mutant: "new-view-unproven",
    say({ r1 }) {
      const own = r1.viewChange(1)!;
      const other = { ...own, attestation: { ...own.attestation, instance: 2 } };
      return { kind: "new-view", ...r1.newView(1, [own, other])! };
    },
  },
];

nobodyBelieves({ protocol: hybster, n: 3, mutants: hybsterMutants, castOf }, lies);
