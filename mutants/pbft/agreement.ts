// Mistakes in the three phases, and in what is reported and kept of them.

import { inFile } from "../mutant.js";

export const phases = inFile("protocols/pbft/agreement.js", {
  "second-proposal-taken": {
    breaks: "of two proposals for one order the later one counts",
    find: "if (known !== null) {",
    replace: "if (known !== null && equalBytes(known, batch)) {",
  },
  "proposals-after-leaving": {
    breaks: "a replica votes for proposals of a view that it has left",
    find: "if (!this.replica.isVotable(view, order))",
    replace: "if (!this.replica.isCurrent(view, order))",
    survives: "A decision takes COMMITs, which nobody gives in a view that it left.",
  },
  "commits-after-leaving": {
    breaks: "a replica commits in a view that it has left, and reported otherwise",
    find: "slot.commit === null && this.replica.views.isInView &&",
    replace: "slot.commit === null &&",
  },
  "proposals-not-stored": {
    breaks: "a vote for a proposal is forgotten in a crash",
    find: 'this.replica.outbox.persist({ ...message, kind: "accepted" });',
    replace: "",
  },
  "prepared-not-stored": {
    breaks: "that an order was prepared is forgotten in a crash",
    find: 'this.replica.outbox.persist({ ...ballot, kind: "prepared" });',
    replace: "",
  },
  "prepared-not-reported": {
    breaks: "what was prepared is not reported (the set P)",
    find: "this.ballots.prepare(ballot); this.replica",
    replace: "this.replica",
  },
  "seen-not-reported": {
    breaks: "what was pre-prepared is not reported (the set Q)",
    find: "this.ballots.see({ view, order, batch });",
    replace: "",
  },
  "own-prepare-not-counted": {
    breaks: "a replica does not count its own PREPARE",
    find: "slot.prepares.cast(this.replica.context.replica, ballot.batch);",
    replace: "",
  },
  "own-commit-not-counted": {
    breaks: "a replica does not count its own COMMIT",
    find: "slot.commits.cast(this.replica.context.replica, batch);",
    replace: "",
  },
  "commits-not-acted-upon": {
    breaks: "a COMMIT that makes an order decided is not acted upon",
    find: "this.replica.votesAdded(slot.order);",
    replace: "",
  },
  "plan-not-voted-for": {
    breaks: "nobody votes for a new view's plan",
    find: "if (!isLeading) this.sendPrepare(slot, ballot);",
    replace: "",
  },
  "votes-outlive-views": {
    breaks: "votes of a view that is over count in the next",
    find: "this.log.clear();",
    replace: "",
  },
  "old-proposals-revived": {
    breaks: "after a restart, proposals of views that are over count as the view's",
    find: "if (message.view !== this.replica.views.entered)",
    replace: "if (false)",
  },
  "old-commits-revived": {
    breaks: "after a restart, what was prepared in views that are over counts as the view's",
    find: "if (ballot.view !== this.replica.views.entered)",
    replace: "if (false)",
  },
  "prepared-not-replayed": {
    breaks: "after a restart, a replica may commit something else",
    find: "this.sendCommit(this.log.slotOf(ballot.order), ballot);",
    replace: "",
  },
  "seen-not-kept": {
    breaks: "a snapshot loses what was pre-prepared in earlier views",
    find: 'const kept = [{ kind: "seen", ballots: this.ballots.allSeen }];',
    replace: "const kept = [];",
  },
  "proposals-kept-for-the-new-view": {
    breaks: "a state that is saved as a view begins has the last view's proposals as the new one's",
    find: "for (const { view, order, batch, proof } of this.log.proposed()) {",
    replace: `const view = this.replica.views.entered;
      for (const { order, batch, proof } of this.log.proposed()) {`,
  },
  "proposals-not-kept": {
    breaks: "a snapshot loses the view's proposals",
    find: 'kept.push({ view, order, batch: batch, proof, requests, kind: "accepted" });',
    replace: "",
  },
  "prepared-not-kept": {
    breaks: "a snapshot loses what was prepared",
    find: 'kept.push({ ...ballot, kind: "prepared" });',
    replace: "{}",
  },
  "ballots-never-forgotten": {
    breaks: "what was prepared below the stable checkpoint is kept, and reported",
    find: "this.ballots.forget(upTo);",
    replace: "",
  },
});

export const log = inFile("protocols/pbft/order-log.js", {
  "majority-quorum": {
    breaks: "a majority of the replicas is a quorum (protocols.md P1)",
    find: "this.quorum = 2 * f + 1;",
    replace: "this.quorum = Math.floor(n / 2) + 1;",
    replicas: 7,
  },
  "quorum-of-2f": {
    breaks: "two quorums need not share a correct replica",
    find: "this.quorum = 2 * f + 1;",
    replace: "this.quorum = 2 * f;",
  },
  "prepared-by-one-less": {
    breaks: "an order is prepared with one PREPARE too few",
    find: "prepares.count(batch) >= this.quorum - 1",
    replace: "prepares.count(batch) >= this.quorum - 2",
  },
  "committed-by-one-less": {
    breaks: "an order is decided with one COMMIT too few",
    find: "commits.reaching(this.quorum)",
    replace: "commits.reaching(this.quorum - 1)",
  },
});
