// What FaB's claims refuse: for each of their checks a lie that this check alone stands against. R1
// leads view 1.

import { fabMutants } from "../../../mutants/index.js";
import { defaultLimits } from "../../../src/core/index.js";
import type { Ballot } from "../../../src/parts/index.js";
import {
  type Acceptance,
  type CommitProof,
  fab,
  type FabMessage,
  type FabReport,
  proven,
} from "../../../src/protocols/fab/index.js";
import { symbolicHash as hash } from "../../../src/simulator/index.js";
import { type Lie, nobodyBelieves } from "../claims-support.js";
import { speaking, type World } from "./support.js";

/** What a liar can prove to have said. */
function member(world: World, replica: number) {
  const liar = world.liar(replica);
  const { identity } = liar.context;
  return {
    ...speaking(liar),
    report(told: Partial<FabReport> = {}): FabReport {
      const nothing = { replica, to: 1, stable: stable([]), accepted: [], proofs: [] };
      const content = { ...nothing, ...told };
      return { ...content, proof: identity.sign(proven.report(content, hash)) };
    },
    newView(reports: readonly FabReport[]): FabMessage {
      const content = { view: 1, reports: [...reports] };
      const proof = identity.sign(proven.newView(content, hash));
      return { ...content, proof, kind: "new-view" };
    },
    acceptance: (): Acceptance => ({
      replica,
      proof: identity.sign(proven.accepted(x, hash)),
    }),
  };
}

function castOf(world: World) {
  const [r0, r1, r2] = [0, 1, 2].map((replica) => member(world, replica));
  return { r0: r0!, r1: r1!, r2: r2! };
}

type Cast = ReturnType<typeof castOf>;

const x: Ballot = { view: 0, order: 1, batch: new Uint8Array(32).fill(1) };
const last = 2 * defaultLimits.checkpointOrders;
const stable = (statements: FabReport["stable"]["statements"], order = 0) => ({
  order,
  digest: new Uint8Array(32),
  statements,
});

const viewChange = (report: FabReport): FabMessage => ({ kind: "view-change", ...report });

/** A report of a commit proof of these acceptances. */
const proving = ({ r1 }: Cast, acceptances: Acceptance[]): FabMessage => {
  const proof: CommitProof = { ...x, acceptances };
  return viewChange(r1.report({ proofs: [proof] }));
};

const lies: readonly Lie<FabMessage, Cast, keyof typeof fabMutants>[] = [
  {
    about: "a signature that is an authenticator",
    mutant: "signature-not-transferable",
    say: ({ r1 }) => ({ ...r1.accepted(x), kind: "signed-accepted" }),
  },
  {
    about: "an ACCEPTED of another",
    mutant: "accepted-unproven",
    say: ({ r1 }) => ({ ...r1.accepted(x), replica: 2 }),
  },
  {
    about: "a COMMITPROOF of another",
    mutant: "commit-proof-unproven",
    say: ({ r1 }) => ({ ...r1.commitProof(x), replica: 2 }),
  },
  {
    about: "a report of another",
    mutant: "report-unsigned",
    say: ({ r1 }) => viewChange({ ...r1.report(), replica: 2 }),
  },
  {
    about: "a report of a checkpoint that nobody stated",
    mutant: "report-stable-unproven",
    say: ({ r1 }) => viewChange(r1.report({ stable: stable([], 2) })),
  },
  {
    about: "a report of the view that it is for",
    mutant: "report-of-later-views",
    say: ({ r1 }) => viewChange(r1.report({ accepted: [{ ...x, view: 1 }] })),
  },
  {
    about: "a report of an order beyond the window",
    mutant: "report-beyond-window",
    say: ({ r1 }) => viewChange(r1.report({ accepted: [{ ...x, order: last + 1 }] })),
  },
  {
    about: "a commit proof of nobody",
    mutant: "proofs-unproven",
    say: (cast) => proving(cast, []),
  },
  {
    about: "a commit proof of one too few",
    mutant: "proof-of-few",
    say: (cast) => proving(cast, [cast.r0.acceptance(), cast.r1.acceptance()]),
  },
  {
    about: "a commit proof in which one stands twice",
    mutant: "proof-of-one",
    say: (cast) =>
      proving(cast, [cast.r0.acceptance(), cast.r1.acceptance(), cast.r1.acceptance()]),
  },
  {
    about: "a commit proof in which one stands in another's name",
    mutant: "proof-unsigned",
    say(cast) {
      const [first, second] = [cast.r0.acceptance(), cast.r1.acceptance()];
      return proving(cast, [first, second, { ...second, replica: 2 }]);
    },
  },
  {
    about: "a view that begins with one report too few",
    mutant: "new-view-of-few",
    say: ({ r0, r1 }) => r1.newView([r0.report(), r1.report()]),
  },
  {
    about: "a view that begins with a report for another",
    mutant: "new-view-of-other-reports",
    say: ({ r0, r1, r2 }) => r1.newView([r0.report(), r1.report(), r2.report({ to: 2 })]),
  },
  {
    about: "a view that begins with a report that nobody made",
    mutant: "new-view-reports-unproven",
    say: ({ r0, r1 }) => r1.newView([r0.report(), r1.report(), { ...r1.report(), replica: 2 }]),
  },
  {
    about: "a view begun by another than its leader",
    mutant: "new-view-unsigned",
    say: ({ r0, r1, r2 }) => r0.newView([r0.report(), r1.report(), r2.report()]),
  },
];

nobodyBelieves({ protocol: fab, n: 4, mutants: fabMutants, castOf }, lies);
