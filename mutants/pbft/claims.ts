// Mistakes in what must be authentic: PBFT's own messages, and those of every protocol with a
// leader.

import { inFile } from "../mutant.js";

export const claims = inFile("protocols/pbft/claims.js", {
  "prepares-of-leader": {
    breaks: "the leader's PREPARE counts beside its proposal",
    find: "order === 0 || replica === leaderOf(view, this.context.n)",
    replace: "order === 0",
  },
  "prepares-unproven": {
    breaks: "anybody prepares in another's name",
    find: `proven.prepare({ view, order, batch }, this.context.hash);
        return this.said(replica, digest, proof)`,
    replace: `proven.prepare({ view, order, batch }, this.context.hash);
        return true`,
  },
  "commits-unproven": {
    breaks: "anybody commits in another's name",
    find: "return order > 0 && this.said(replica, digest, proof)",
    replace: "return order > 0",
  },
  "reports-unproven": {
    breaks: "anybody reports in another's name",
    find: "&& this.said(replica, proven.report(message, this.context.hash), proof, true)",
    replace: "",
  },
  "reported-stable-unchecked": {
    breaks: "a report's stable checkpoint needs no proof",
    find: "this.stable(stable) &&",
    replace: "",
  },
  "reports-of-later-views": {
    breaks: "a report may speak of the view that it is for, and of later ones",
    find: "order <= last && view < to",
    replace: "order <= last",
    survives: "Naming the view before does a liar as much good: others must vouch for it anyway.",
  },
  "reports-beyond-window": {
    breaks: "a report may speak of any order",
    find: "order > stable.order && order <= last && view < to",
    replace: "view < to",
  },
  "prepared-twice": {
    breaks: "a report may name several batches as prepared for one order",
    find: "hasAtMostEach(prepared, 1) &&",
    replace: "",
    survives: "Of two entries for an order the last counts, as if only that was named.",
  },
  "new-view-of-few": {
    breaks: "a new view needs no quorum of reports",
    find: "this.isQuorum(reports) &&",
    replace: "reports.length > 0 &&",
  },
  "reports-for-other-views": {
    breaks: "a new view may build on reports for other views",
    find: "report.to === view && this.report(report)",
    replace: "this.report(report)",
  },
  "new-view-reports-unproven": {
    breaks: "the reports in a new view are not verified",
    find: "report.to === view && this.report(report)",
    replace: "report.to === view",
  },
  "new-view-of-anyone": {
    breaks: "anybody begins a view in its leader's name",
    find: "&& this.said(leaderOf(view, n), proven.newView(message, hash), proof, true)",
    replace: "",
  },
});

export const shared = inFile("parts/replica-claims.js", {
  "quorum-of-one-less": {
    breaks: "all but f+1 replicas are a quorum of statements",
    find: "this.quorum = context.n - context.f;",
    replace: "this.quorum = context.n - context.f - 1;",
  },
  "one-replica-counts-twice": {
    breaks: "two statements of one replica count as two beside a quorum",
    find: "replicas.size === messages.length &&",
    replace: "",
  },
  "proposal-of-anyone": {
    breaks: "anybody proposes in the leader's name",
    find: "order > 0 && this.said(leader, digest, proof) &&",
    replace: "order > 0 &&",
  },
  "proposed-requests-unchecked": {
    breaks: "a proposal's requests need not be its batch, nor its clients'",
    find: "&& this.requests(requests, batch)",
    replace: "",
  },
  "batch-digest-unchecked": {
    breaks: "a batch need not be what its digest says",
    find: "return equalBytes(batchDigest(requests, this.context.hash), digest);",
    replace: "return true;",
  },
  "batch-requests-unchecked": {
    breaks: "the requests of a batch are not verified",
    find: "if (!requests.every((request) => this.request(request)))",
    replace: "if (false)",
  },
  "requests-unauthentic": {
    breaks: "a request needs no authenticator of its client",
    find: 'this.all.push({ kind: "client", client: bundle.client, digest, authenticator });',
    replace: "",
  },
  "checkpoints-unproven": {
    breaks: "anybody states a checkpoint in another's name",
    find: "return this.said(message.replica, digest, message.proof, true);",
    replace: "return true;",
  },
  "stable-order-unchecked": {
    breaks: "a stable checkpoint may be proved by statements about other orders",
    find: "statement.order === order &&",
    replace: "",
  },
  "stable-digest-unchecked": {
    breaks: "a stable checkpoint may be proved by statements about other states",
    find: "equalBytes(statement.digest, digest) &&",
    replace: "",
  },
});
