// Mistakes in what must be authentic (claims.ts).

import { inFile } from "../mutant.js";

export const claims = inFile("protocols/fab/claims.js", {
  "signature-not-transferable": {
    breaks: "an authenticator will do where others must be convinced",
    find: "return claims.accepted(message, true);",
    replace: "return claims.accepted(message, false);",
  },
  "accepted-unproven": {
    breaks: "ACCEPTED need not be its sender's",
    find: "return order > 0 && this.said(replica, digest, proof, isTransferable);",
    replace: "return order > 0 && replica < this.context.n;",
  },
  "commit-proof-unproven": {
    breaks: "COMMITPROOF need not be its sender's",
    find: "return message.order > 0 && this.said(message.replica, digest, message.proof);",
    replace: "return message.order > 0 && message.replica < this.context.n;",
  },
  "report-unsigned": {
    breaks: "a report need not be its sender's",
    find: "this.said(replica, proven.report(message, this.context.hash), proof, true));",
    replace: "replica < this.context.n);",
  },
  "report-stable-unproven": {
    breaks: "a reported checkpoint need not be stable",
    find: "this.stable(stable) &&",
    replace: "",
  },
  "report-of-later-views": {
    breaks: "what is reported may be of the view that begins, or later",
    find: "order <= last && view < to;",
    replace: "order <= last;",
    survives: "Naming the view before does a liar as much good: others must vouch for it anyway.",
  },
  "report-beyond-window": {
    breaks: "reports may go on for ever",
    find: "order > stable.order && order <= last && view < to;",
    replace: "order > stable.order && view < to;",
  },
  "proofs-unproven": {
    breaks: "reported commit proofs are believed",
    find: "isReportable(one) && this.proved(one))",
    replace: "isReportable(one))",
  },
  "proof-of-few": {
    breaks: "a commit proof may be of too few",
    find: "acceptances.length >= quorumsOf(n, f).slow &&",
    replace: "",
  },
  "proof-of-one": {
    breaks: "one replica may stand in a commit proof many times",
    find: "isRising(acceptances.map(({ replica }) => replica)) &&",
    replace: "",
  },
  "proof-unsigned": {
    breaks: "the signatures of a commit proof are not checked",
    find: "acceptances.every(({ replica, proof }) => this.said(replica, digest, proof, true)));",
    replace: "acceptances.every(({ replica }) => replica < n));",
  },
  "new-view-of-few": {
    breaks: "a view may begin with too few reports",
    find: "this.isQuorum(reports) &&",
    replace: "reports.length > 0 &&",
  },
  "new-view-of-other-reports": {
    breaks: "a view may begin with reports for other views",
    find: "report.to === view && this.report(report)",
    replace: "this.report(report)",
  },
  "new-view-reports-unproven": {
    breaks: "a leader may invent reports",
    find: "report.to === view && this.report(report)",
    replace: "report.to === view",
  },
  "new-view-unsigned": {
    breaks: "anybody may begin a view",
    find: "this.said(leaderOf(view, n), proven.newView(message, hash), proof, true));",
    replace: "true);",
  },
});
