// Mistakes in how FaB's replicas agree (agreement.ts, order-log.ts, quorums.ts).

import { inFile } from "../mutant.js";

export const quorums = inFile("protocols/fab/quorums.js", {
  "fast-quorum-small": {
    breaks: "a fast decision takes one acceptance too few",
    find: "fast: n - t,",
    replace: "fast: n - t - 1,",
  },
  "slow-quorum-small": {
    breaks: "commit proofs and slow decisions take one replica too few",
    find: "slow: n - t - f",
    replace: "slow: n - t - f - 1",
  },
  "slow-quorum-large": {
    breaks: "commit proofs and slow decisions take all replicas",
    find: "slow: n - t - f",
    replace: "slow: n",
  },
  "fast-quorum-is-slow": {
    breaks: "a fast decision takes no more than a commit proof",
    find: "fast: n - t,",
    replace: "fast: n - t - f,",
  },
});

export const log = inFile("protocols/fab/order-log.js", {
  "proofs-not-compared": {
    breaks: "a commit proof is made of acceptances of anything",
    find: ".filter((vote) => equalBytes(vote.batch, batch))",
    replace: "",
  },
  "fast-path-never": {
    breaks: "what all accepted is not decided",
    find: "(this.decidedFast(slot) ?? this.decidedSlowly(slot))",
    replace: "this.decidedSlowly(slot)",
  },
  "slow-path-never": {
    breaks: "what a quorum has commit proofs of is not decided",
    find: "(this.decidedFast(slot) ?? this.decidedSlowly(slot))",
    replace: "this.decidedFast(slot)",
  },
  "holders-unknown": {
    breaks: "nobody is asked for the batch of a decision",
    find: "[...new Set([...slot.accepted.voters(digest), ...slot.proved.voters(digest)])]",
    replace: "[]",
    survives: "A replica without the batch hears of the decision from f+1 peers, and asks them.",
  },
});

export const agreement = inFile("protocols/fab/agreement.js", {
  "proposal-out-of-time": {
    breaks: "a proposal of a view that was left is accepted",
    find: `if (!this.replica.isVotable(view, order))
        return outbox.drop("a proposal out of its time");`,
    replace: "",
  },
  "second-proposal-accepted": {
    breaks: "a leader may propose twice for one order",
    find: "if (known !== null) {",
    replace: "if (false) {",
  },
  "acceptance-not-stored": {
    breaks: "a replica forgets at a crash what it accepted",
    find: 'this.replica.outbox.persist({ ...ballot, requests, kind: "accepted" });',
    replace: "",
  },
  "acceptance-not-reported": {
    breaks: "a replica does not remember what it accepted for view changes",
    find: "this.past.accept({ view, order, batch });",
    replace: "",
  },
  "proposed-not-raised": {
    breaks: "a leader proposes for one order again and again",
    find: "this.replica.proposed = Math.max(this.replica.proposed, order);",
    replace: "",
  },
  "leader-vote-missing": {
    breaks: "a proposal does not count as its leader's ACCEPTED",
    find: "slot.accepted.cast(this.replica.leaderOf(view), batch);",
    replace: "",
  },
  "own-vote-missing": {
    breaks: "a replica does not count its own ACCEPTED",
    find: "slot.accepted.cast(this.self, slot.batch);",
    replace: "",
  },
  "accepted-not-said": {
    breaks: "nobody is told ACCEPTED",
    find: 'this.replica.outbox.broadcast({ ...slot.acceptance, kind: "accepted" });',
    replace: "",
  },
  "votes-of-any-view": {
    breaks: "ACCEPTED of another view counts",
    find: `onAccepted({ view, order, batch, replica }) {
        if (!this.replica.isCurrent(view, order))
            return;`,
    replace: "onAccepted({ view, order, batch, replica }) {",
  },
  "proof-votes-of-any-view": {
    breaks: "COMMITPROOF of another view counts",
    find: `onCommitProof({ view, order, batch, replica }) {
        if (!this.replica.isCurrent(view, order))
            return;`,
    replace: "onCommitProof({ view, order, batch, replica }) {",
  },
  "signatures-of-any-view": {
    breaks: "signed ACCEPTED of another view stands in commit proofs",
    find: "if (!this.replica.isCurrent(vote.view, vote.order)) return;",
    replace: "",
  },
  "slow-path-timer-unset": {
    breaks: "the slow path begins only for peers that stall",
    find: "this.replica.outbox.setTimer(slowPath, ms);",
    replace: "",
    survives: "STATUS finds who stalls, and begins the slow path later.",
  },
  "never-signs": {
    breaks: "the slow path never begins",
    find: `if (slot.signature !== null || slot.batch === null || !this.replica.views.isInView)
        return;`,
    replace: "return;",
  },
  "signs-after-leaving": {
    breaks: "a replica signs what it accepted in a view that it left",
    find: "slot.batch === null || !this.replica.views.isInView)",
    replace: "slot.batch === null)",
    survives: "It accepted the batch in that view, and reported so.",
  },
  "signature-not-said": {
    breaks: "who hears a signed ACCEPTED does not sign as well",
    find: `slot.signed.set(vote.replica, vote);
        this.sign(slot);`,
    replace: "slot.signed.set(vote.replica, vote);",
    survives: "Its own timer, or STATUS, begins the slow path for it, later.",
  },
  "proves-after-leaving": {
    breaks: "a replica says that it has a proof that it did not report",
    find: "slot.batch !== null && this.replica.views.isInView)",
    replace: "slot.batch !== null)",
  },
  "proof-not-stored": {
    breaks: "a replica forgets its commit proofs at a crash",
    find: 'this.replica.outbox.persist({ ...proof, kind: "proved" });',
    replace: "",
  },
  "proof-not-reported": {
    breaks: "a replica does not remember commit proofs for view changes",
    find: `this.past.prove(proof);
        this.replica.outbox`,
    replace: "this.replica.outbox",
  },
  "proof-not-said": {
    breaks: "nobody hears COMMITPROOF",
    find: 'this.replica.outbox.broadcast({ ...slot.commitProof, kind: "commit-proof" });',
    replace: "",
    survives: "A peer that stalls is sent it with the answer to its next STATUS.",
  },
  "stalled-not-signed-for": {
    breaks: "the slow path does not begin for a peer that stalls",
    find: `const bytes = this.resendProposal(peer, slot);
        this.sign(slot);`,
    replace: "const bytes = this.resendProposal(peer, slot);",
    survives: "Where the timer is lost with a restart, the next view decides.",
  },
  "old-votes-kept": {
    breaks: "votes of the view before count in the new one",
    find: "this.log.clear();",
    replace: "",
  },
  "plan-not-accepted": {
    breaks: "nobody votes for the plan of a new view",
    find: "this.support(this.note({ view, order, batch }));",
    replace: "this.note({ view, order, batch });",
    survives: "Peers that stall have everybody sign what the plan says: the slow path decides.",
  },
  "acceptances-not-restored": {
    breaks: "after a restart, a replica has forgotten what it accepted",
    find: `this.replica.batches.put(record.batch, record.requests, record.order);
        return this.replayBallot(record);`,
    replace: "return;",
  },
  "ballots-not-restored": {
    breaks: "a saved state's acceptances are not taken up",
    find: "return record.ballots.forEach((ballot) => this.replayBallot(ballot));",
    replace: "return;",
  },
  "proofs-not-restored": {
    breaks: "after a restart, a replica has forgotten its commit proofs",
    find: "return this.replayProof(record);",
    replace: "return;",
  },
  "ballots-not-retained": {
    breaks: "a saved state does not hold what was accepted",
    find: 'const kept = [{ kind: "ballots", ballots: this.past.allAccepted }];',
    replace: "const kept = [];",
  },
  "proofs-not-retained": {
    breaks: "a saved state does not hold commit proofs",
    find: "for (const { view, order, batch, acceptances } of this.past.allProofs) {",
    replace: "for (const { view, order, batch, acceptances } of []) {",
  },
});
