// What PBFT's claims refuse, and those of every protocol with a leader: for each of their checks a
// lie that this check alone stands against. R0 leads view 0 and R1 view 1.

import { pbftMutants } from "../../../mutants/index.js";
import { pbftForging } from "../../../src/adversaries/index.js";
import type { Request } from "../../../src/codec/index.js";
import { defaultLimits } from "../../../src/core/index.js";
import { type Ballot, batchDigest } from "../../../src/parts/index.js";
import { pbft, type PbftMessage, type PbftReport } from "../../../src/protocols/pbft/index.js";
import { symbolicHash as hash } from "../../../src/simulator/index.js";
import { type Lie, nobodyBelieves } from "../claims-support.js";
import { bytesOf, requestsAt, type World } from "./support.js";

type Member = ReturnType<typeof pbftForging>;

/** Liars, and what two clients asked for. */
function castOf(world: World) {
  for (const client of [0, 1]) world.submit(client, [bytesOf("a")], { to: [0] });
  world.settle();
  const [first, second] = requestsAt(world.liar(0));
  const [r0, r1, r2] = [0, 1, 2].map((id) => pbftForging(world.liar(id).context));
  return { r0: r0!, r1: r1!, r2: r2!, members: [r0!, r1!, r2!], first: first!, second: second! };
}

type Cast = ReturnType<typeof castOf>;

const digest = (text: string) => new Uint8Array(32).fill(text.charCodeAt(0));
const x: Ballot = { view: 0, order: 1, batch: digest("x") };
const last = 2 * defaultLimits.checkpointOrders;
const nothingStable = { order: 0, digest: new Uint8Array(32), statements: [] };

/** What a replica that prepared nothing reports, but for this. */
const report = (member: Member, told: Partial<PbftReport> = {}, to = 1): PbftReport =>
  member.report({ stable: nothingStable, prepared: [], seen: [], ...told, to });

const viewChange = (content: PbftReport): PbftMessage => ({ kind: "view-change", ...content });

const newView = (leader: Member, reports: readonly PbftReport[]): PbftMessage => ({
  kind: "new-view",
  ...leader.newView(1, reports),
});

const batchOf = (request: Request): PbftMessage => ({
  kind: "batch",
  digest: batchDigest([request], hash),
  requests: [request],
});

/** A checkpoint after order 2, as these replicas stated it. */
const stable = (members: readonly Member[]) => ({
  order: 2,
  digest: digest("s"),
  statements: members.map((member) => member.checkpoint(2, digest("s"))),
});

const lies: readonly Lie<PbftMessage, Cast, keyof typeof pbftMutants>[] = [
  {
    about: "a PREPARE of the leader",
    mutant: "prepares-of-leader",
    say: ({ r0 }) => ({ kind: "prepare", ...r0.prepare(x) }),
  },
  {
    about: "a PREPARE of another",
    mutant: "prepares-unproven",
    say: ({ r1 }) => ({ kind: "prepare", ...r1.prepare(x), replica: 2 }),
  },
  {
    about: "a COMMIT of another",
    mutant: "commits-unproven",
    say: ({ r1 }) => ({ kind: "commit", ...r1.commit(x), replica: 2 }),
  },
  {
    about: "a report of another",
    mutant: "reports-unproven",
    say: ({ r1 }) => viewChange({ ...report(r1), replica: 2 }),
  },
  {
    about: "a report of a checkpoint that nobody stated",
    mutant: "reported-stable-unchecked",
    say: ({ r1 }) => viewChange(report(r1, { stable: stable([]) })),
  },
  {
    about: "a report of the view that it is for",
    mutant: "reports-of-later-views",
    say: ({ r1 }) => viewChange(report(r1, { seen: [{ ...x, view: 1 }] })),
  },
  {
    about: "a report of an order beyond the window",
    mutant: "reports-beyond-window",
    say: ({ r1 }) => viewChange(report(r1, { seen: [{ ...x, order: last + 1 }] })),
  },
  {
    about: "a report of two batches prepared for one order",
    mutant: "prepared-twice",
    say: ({ r1 }) => viewChange(report(r1, { prepared: [x, { ...x, batch: digest("y") }] })),
  },
  {
    about: "a view that begins with one report",
    mutant: "new-view-of-few",
    say: ({ r1 }) => newView(r1, [report(r1)]),
  },
  {
    about: "a view that begins with a report for another",
    mutant: "reports-for-other-views",
    say: ({ r0, r1, r2 }) => newView(r1, [report(r0), report(r1), report(r2, {}, 2)]),
  },
  {
    about: "a view that begins with a report that nobody made",
    mutant: "new-view-reports-unproven",
    say: ({ r0, r1 }) => newView(r1, [report(r0), report(r1), { ...report(r1), replica: 2 }]),
  },
  {
    about: "a view begun by another than its leader",
    mutant: "new-view-of-anyone",
    say: ({ r0, members }) =>
      newView(
        r0,
        members.map((one) => report(one)),
      ),
  },
  // Of every protocol with a leader.
  {
    about: "a view that begins with one report too few",
    mutant: "quorum-of-one-less",
    say: ({ r0, r1 }) => newView(r1, [report(r0), report(r1)]),
  },
  {
    about: "a checkpoint stated by one too few",
    mutant: "quorum-of-one-less",
    say: ({ r0, r1 }) => viewChange(report(r1, { stable: stable([r0, r1]) })),
  },
  {
    about: "a view that begins with two reports of one replica, beside a quorum",
    mutant: "one-replica-counts-twice",
    say: ({ r0, r1, r2 }) =>
      newView(
        r1,
        [r0, r0, r1, r2].map((one) => report(one)),
      ),
  },
  {
    about: "a proposal of another than the leader",
    mutant: "proposal-of-anyone",
    say: ({ r1, first }) => ({ kind: "pre-prepare", ...r1.prePrepare(0, 1, [first]) }),
  },
  {
    about: "a proposal of other requests than were proven",
    mutant: "proposed-requests-unchecked",
    say: ({ r0, first, second }) => {
      const proposal = r0.prePrepare(0, 1, [first]);
      return { kind: "pre-prepare", ...proposal, requests: [second] };
    },
  },
  {
    about: "a batch that is another",
    mutant: "batch-digest-unchecked",
    say: ({ first, second }) => ({
      kind: "batch",
      digest: batchDigest([first], hash),
      requests: [second],
    }),
  },
  {
    about: "a batch of something that is no request",
    mutant: "batch-requests-unchecked",
    say: () => batchOf({ body: bytesOf("nothing"), authenticator: new Uint8Array(0) }),
  },
  {
    about: "a request that its client did not make",
    mutant: "requests-unauthentic",
    say: ({ first, second }) => batchOf({ ...first, authenticator: second.authenticator }),
  },
  {
    about: "a checkpoint stated by another",
    mutant: "checkpoints-unproven",
    say: ({ r1 }) => ({ kind: "checkpoint", ...r1.checkpoint(2, digest("s")), replica: 2 }),
  },
  {
    about: "a checkpoint that was stated of another order",
    mutant: "stable-order-unchecked",
    say: ({ r1, members }) => viewChange(report(r1, { stable: { ...stable(members), order: 4 } })),
  },
  {
    about: "a checkpoint that was stated of another state",
    mutant: "stable-digest-unchecked",
    say: ({ r1, members }) =>
      viewChange(report(r1, { stable: { ...stable(members), digest: digest("t") } })),
  },
];

nobodyBelieves({ protocol: pbft, n: 4, mutants: pbftMutants, castOf }, lies);
