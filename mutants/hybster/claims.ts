// Mistakes in what must be authentic (claims.ts), and in what a new view must order
// (view-change.ts).

import { inFile } from "../mutant.js";

export const quorums = inFile("protocols/hybster/claims.js", {
  "quorum-of-one": {
    breaks: "one vote makes a quorum",
    find: "(n) => Math.floor(n / 2) + 1",
    replace: "(n) => 1",
  },
  "quorum-of-f": {
    breaks: "half of the replicas, rounded down, make a quorum",
    find: "(n) => Math.floor(n / 2) + 1",
    replace: "(n) => Math.floor(n / 2)",
    replicas: 5,
  },
  "quorum-rounded-up": {
    breaks: "a quorum is one more than half of the replicas, rounded up",
    find: "(n) => Math.floor(n / 2) + 1",
    replace: "(n) => Math.ceil(n / 2) + 1",
  },
});

export const claims = inFile("protocols/hybster/claims.js", {
  "kind-unchecked": {
    breaks: "a certificate of any kind passes for the one that is due",
    find: "attestation.kind !== kind ||",
    replace: "",
  },
  "counter-unchecked": {
    breaks: "a certificate of any counter passes for the one that is due",
    find: "|| wire.counter !== counter",
    replace: "",
  },
  "order-unchecked": {
    breaks: "the order of a message need not be that of its certificate",
    find: "|| wire.next.order !== next.order",
    replace: "",
  },
  "view-unchecked": {
    breaks: "the view of a message need not be that of its certificate",
    find: "wire.next.view !== next.view ||",
    replace: "",
  },
  "requests-unauthentic": {
    breaks: "a request needs no authenticator of its client",
    find: 'this.all.push({ kind: "client", client: bundle.client, digest, authenticator });',
    replace: "",
  },
  "relayed-requests-unchecked": {
    breaks: "the requests of a batch are not verified",
    find: "if (!requests.every((request) => this.relayed(request)))",
    replace: "if (false)",
  },
  "endorsements-unverified": {
    breaks: "endorsements are counted and not verified",
    find: `endorsements.every((wire) =>
      this.attested(wire, "trusted-mac", counters.mac, null, digest))`,
    replace: "true",
  },
  "endorsers-uncounted": {
    breaks: "a relayed request is taken on any number of endorsements",
    find: "this.isQuorum(endorsements.map((attestation) => ({ attestation })))",
    replace: "true",
  },
  "batch-digest-unchecked": {
    breaks: "a batch need not be the one that its digest names",
    find: "return equalBytes(batchDigest(requests, this.claimContext.hash), digest);",
    replace: "return true;",
  },
  "anyone-proposes": {
    breaks: "a proposal need not be the leader's",
    find: "order === 0 || attestation.instance !== leaderOf(view, this.claimContext.n)",
    replace: "order === 0",
  },
  "one-voter-twice": {
    breaks: "two votes of one replica count as two",
    find: "voters.size === votes.length && voters.size >= quorumOf(this.claimContext.n)",
    replace: "votes.length >= quorumOf(this.claimContext.n)",
  },
  "stable-unproven": {
    breaks: "a stable checkpoint needs no quorum of statements",
    find: "this.isQuorum(statements) &&",
    replace: "",
  },
  "stable-order-unchecked": {
    breaks: "a stable checkpoint is proven by statements about other orders",
    find: "statement.order === order &&",
    replace: "",
  },
  "stable-digest-unchecked": {
    breaks: "a stable checkpoint is proven by statements about other states",
    find: "equalBytes(statement.digest, digest) &&",
    replace: "",
  },
  "established-unproven": {
    breaks: "an established view needs no quorum of acknowledgements",
    find: "this.isQuorum(acknowledgements) &&",
    replace: "",
  },
  "acknowledged-view-unchecked": {
    breaks: "acknowledgements of another view prove this one established",
    find: "message.view === view &&",
    replace: "",
  },
  "established-plan-unchecked": {
    breaks: "a view's proof need not acknowledge the plan that comes with it",
    find: "equalBytes(message.plan, digest) &&",
    replace: "",
  },
  "departure-unchecked": {
    breaks: "a view change's certificate need not lead to the view it names",
    find: "!leavesForGood(message) ||",
    replace: "",
  },
  "reported-view-unproven": {
    breaks: "a view change may report a view that was never established",
    find: "|| !this.established(established)",
    replace: "",
  },
  "reported-stable-unproven": {
    breaks: "a view change may report a checkpoint that is not stable",
    find: "if (!this.stable(stable))",
    replace: "if (false)",
  },
  "gaps-reported": {
    breaks: "the proposals that a view change reports may have gaps",
    find: "prepare.order === first + index &&",
    replace: "",
  },
  "reported-proposals-unverified": {
    breaks: "the proposals that a view change reports need no certificate",
    find: "&& this.header(prepare));",
    replace: ");",
  },
  "mixed-certificate": {
    breaks: "view changes to different views make a certificate",
    find: "message.to === to &&",
    replace: "",
  },
  "view-changes-uncounted": {
    breaks: "a new view is announced with too few view changes",
    find: "this.isQuorum(viewChanges) &&",
    replace: "",
  },
  "anyone-announces": {
    breaks: "a new view need not be announced by its leader",
    find: "if (attestation.instance !== leaderOf(view, this.claimContext.n))",
    replace: "if (false)",
    survives:
      "needs two plans for one view that differ in what one of them commits, or it only " +
      "costs a view: a liar must be part of both, and of the view change that mixes them " +
      "up; a story refuses the message.",
  },
  "new-view-unproven": {
    breaks: "the view changes of a new view are not verified",
    find: "&& this.viewChanges(viewChanges, view));",
    replace: ");",
  },
});

export const decisions = inFile("protocols/hybster/view-change.js", {
  "coverage-unchecked": {
    breaks: "a view change may conceal proposals that its counter proves (H3)",
    find: "if (order === 0) return true;",
    replace: "return true;",
  },
  "coverage-one-short": {
    breaks: "a view change may conceal the last proposal that its counter proves",
    find: "topOf(message)) >= order;",
    replace: "topOf(message)) >= order - 1;",
  },
  "coverage-too-strict": {
    breaks: "a view change must report more than its counter proves",
    find: "topOf(message)) >= order;",
    replace: "topOf(message)) > order;",
  },
  "older-view-reported": {
    breaks: "a view change may report an older view than the one its counter was in",
    find: "return message.established.view > view;",
    replace: "return true;",
  },
  "strictness-unchecked": {
    breaks: "a view change need not move the counter (H2)",
    find: "comparePositions(previous, next) < 0",
    replace: "comparePositions(previous, next) <= 0",
    survives:
      "a second check behind it holds: no trusted counter gives a continuing certificate that " +
      "leaves it where it was; the story of H2 is about one that does.",
  },
  "departure-order-unchecked": {
    breaks: "a view change may leave its counter in the middle of the next view",
    find: "next.order === 0 &&",
    replace: "",
  },
  "longest-history-wins": {
    breaks: "a new view continues the longest history, of whatever view",
    find: "(views || topOf(a) - topOf(b)) >= 0",
    replace: "(topOf(a) - topOf(b) || views) >= 0",
  },
  "shortest-history-wins": {
    breaks: "of two histories of one view the shorter is continued",
    find: "(views || topOf(a) - topOf(b)) >= 0",
    replace: "(views || topOf(b) - topOf(a)) >= 0",
  },
  "first-history-wins": {
    breaks: "of two histories of one view the first is continued",
    find: "(views || topOf(a) - topOf(b)) >= 0",
    replace: "views >= 0",
  },
  "lowest-checkpoint": {
    breaks: "a new view begins at the lowest stable checkpoint reported",
    find: "b.stable.order > a.stable.order",
    replace: "b.stable.order < a.stable.order",
  },
  "proposals-not-planned": {
    breaks: "a new view takes over the old plan and not the proposals beyond it",
    find: "const last = Math.max(base, topOf(history));",
    replace: "const last = Math.max(base, history.established.last);",
  },
  "plan-one-short": {
    breaks: "a new view leaves out the last proposal reported",
    find: "order <= last; order += 1",
    replace: "order < last; order += 1",
  },
  "old-plan-forgotten": {
    breaks: "a history reaches as far as its proposals, whatever its plan says",
    find: "return Math.max(established.last, prepares.at(-1)?.order ?? 0);",
    replace: "return prepares.at(-1)?.order ?? 0;",
  },
  "plan-read-one-off": {
    breaks: "the batch of an order is looked up one place too far in a plan",
    find: "established.plan[order - established.base - 1]",
    replace: "established.plan[order - established.base]",
  },
  "plan-reported-again": {
    breaks: "a view change reports the last order of its plan as a proposal too",
    find: "Math.max(established.last, stable.order) + 1",
    replace: "Math.max(established.last, stable.order)",
  },
});
