// Mistakes in what PBFT is made of, and other protocols with a leader too.

import { inFile } from "../mutant.js";

export const views = inFile("parts/view-changer.js", {
  "leaves-alone": {
    breaks: "a replica leaves a view on its own suspicion",
    find: "this.host.sayStatus(); this.reconsider();",
    replace: "this.host.sayStatus(); this.leave(this.view + 1);",
  },
  "leaving-not-stored": {
    breaks: "that a view was left is forgotten in a crash",
    find: 'outbox.persist({ ...report, kind: "left" });',
    replace: "",
  },
  "entering-not-stored": {
    breaks: "that a view was entered is forgotten in a crash",
    find: 'outbox.persist({ ...newView, kind: "entered" });',
    replace: "",
  },
  "leaving-not-kept": {
    breaks: "a snapshot loses that a view was left",
    find: 'kept.push({ ...own, kind: "left" });',
    replace: "{}",
  },
  "entering-not-kept": {
    breaks: "a snapshot loses that a view was entered",
    find: 'kept.push({ ...this.newView, kind: "entered" });',
    replace: "{}",
  },
  "reports-for-other-views-counted": {
    breaks: "a leader begins its view with reports for others",
    find: ".filter(({ to }) => to === this.view)",
    replace: "",
  },
  "begins-with-one-less": {
    breaks: "a leader begins its view with one report too few",
    find: "if (reports.length < this.quorum || this.leader !== this.self)",
    replace: "if (reports.length < this.quorum - 1 || this.leader !== this.self)",
  },
  "back-to-old-views": {
    breaks: "a replica enters a view that it has left for a later one",
    find: "return view < this.view || view <= this.entered;",
    replace: "return view <= this.entered;",
  },
  "views-entered-twice": {
    breaks: "a view begins again with every new view for it",
    find: "return view < this.view || view <= this.entered;",
    replace: "return view < this.view;",
  },
  "plan-without-batches": {
    breaks: "a view is entered without the batches that its plan names",
    find: "if (plan !== null && this.host.fetchMissing(plan, newView) > 0)",
    replace: "if (false)",
    survives:
      "It costs time: who is to execute such an order asks those who voted for it or executed " +
      "it, and one correct replica that vouched for the batch has it.",
  },
  "new-views-not-resent": {
    breaks: "a new view that was lost is not sent again",
    find: 'outbox.send(peer, { ...this.newView, kind: "new-view" });',
    replace: "",
  },
  "reports-not-resent": {
    breaks: "a report that was lost is not sent again",
    find: 'outbox.send(peer, { ...own, kind: "view-change" });',
    replace: "",
  },
  "views-not-retried": {
    breaks: "a view that waited for batches is never begun",
    find: "this.tryEnter(); this.begin();",
    replace: "",
    survives:
      "It costs a view change: the next view finds the batches here, or asks for them again.",
  },
});

/** What a replica keeps beside a saved state, whatever its protocol. */
export const kept = inFile("parts/leader-replica.js", {
  "batches-not-kept": {
    breaks: "a snapshot loses the batches that this replica answers for",
    find: "const others = this.batches.all()",
    replace: "const others = []",
  },
  "unexecuted-batches-not-kept": {
    breaks: "a snapshot loses batches that this replica confirmed and did not execute",
    find: "const others = this.batches.all()",
    replace: `const executed = [...this.state.digests.values()].map((digest) => toHex(digest));
      const others = this.batches.all().filter(({ digest }) => executed.includes(toHex(digest)))`,
  },
  "kept-for-a-while": {
    breaks: "a restart forgets that a batch stands at a later order than it was proposed for",
    find: "this.batches.put(digest, requests, order); this.outbox.persist",
    replace: "this.batches.put(digest, requests, order); if (false) this.outbox.persist",
  },
  "kept-for-first-order": {
    breaks: "a snapshot keeps a batch that is wanted for two orders for the first only",
    find: "order > (within.get(toHex(digest)) ?? 0)",
    replace: "order > 0 && !within.has(toHex(digest))",
    survives:
      "needs a liar's batch that lost its later order to a view change and got it back in the " +
      "next, with a saved state and a crash of all who have it between the two",
  },
});

export const replica = inFile("parts/leader-replica.js", {
  "votes-of-other-views": {
    breaks: "votes of any view count in the one that a replica is in",
    find: "view === this.views.entered && this.state.isInWindow(order)",
    replace: "this.state.isInWindow(order)",
  },
  "votes-beyond-window": {
    breaks: "votes for orders far away are kept",
    find: "view === this.views.entered && this.state.isInWindow(order)",
    replace: "view === this.views.entered",
  },
  "decisions-not-believed": {
    breaks: "a replica does not go by what f+1 others say was decided",
    find: "?? this.hearsay.at(order)",
    replace: "",
  },
  "decisions-not-told": {
    breaks: "a peer that is behind is not told what was decided",
    find: "if (digest !== null)",
    replace: "if (false)",
  },
  "decisions-never-forgotten": {
    breaks: "what others say was decided is kept for ever",
    find: "this.hearsay.forget(order);",
    replace: "",
    survives:
      "Nobody looks at them again: they take memory, of orders only at which this replica stood " +
      "still, which is too little for a run to notice.",
  },
  "batches-never-forgotten": {
    breaks: "batches below the stable checkpoint are kept for ever",
    find: "this.batches.forget(order);",
    replace: "",
  },
  "room-taken-for-good": {
    breaks: "what earlier leaders proposed in vain leaves later ones no room",
    find: "return this.batches.bytes - this.bytesLeftBehind;",
    replace: "return this.batches.bytes;",
  },
  "proposals-below-window": {
    breaks: "a leader that was behind proposes for orders that are settled",
    find: "this.proposed = Math.max(this.proposed, order);",
    replace: "",
  },
  "back-off-lingers": {
    breaks: "a timer set in a bad time is not set anew in a good one",
    find: "if (this.watchUntil !== null && this.watchUntil <= this.now + waitMs)",
    replace: "if (this.watchUntil !== null)",
    survives: "It costs time: one wait as long as those of the bad time.",
  },
  "stable-of-plan-not-adopted": {
    breaks: "a replica enters a view without the checkpoint that its plan builds on",
    find: "this.state.adoptStable(plan.stable);",
    replace: "",
  },
  "plan-replayed-in-old-window": {
    breaks: "after a restart, a plan beyond the window is forgotten",
    find: "if (isAhead)",
    replace: "if (false)",
  },
  "requests-not-forwarded": {
    breaks: "a request that did not reach the leader is not passed on",
    find: "this.intake.forward();",
    replace: "",
  },
  "requests-not-proposed-again": {
    breaks: "what an earlier leader left undone is not proposed again",
    find: "this.patience.restart(this.now); this.intake.restart(); this.execute();",
    replace: "this.patience.restart(this.now); this.execute();",
  },
  "batches-asked-for-once": {
    breaks: "a batch that did not come is not asked for again",
    find: "this.batches.askAgain();",
    replace: "",
  },
  "stalled-not-helped": {
    breaks: "a peer that does not get on is sent nothing again",
    find: "if (isStalled)",
    replace: "if (false)",
  },
  "own-part-not-resent": {
    breaks: "proposals and votes that were lost are not sent again",
    find: "bytes += this.agreement.resend(peer, order);",
    replace: "bytes += 0;",
    survives: "It costs a view change: the next view orders what one had too few votes for.",
  },
  "stable-not-sent": {
    breaks: "a peer that lacks a stable checkpoint is not sent it",
    find: "this.state.sendStable(from);",
    replace: "{}",
  },
  "fetched-batches-not-stored": {
    breaks: "a batch that was fetched is forgotten in a crash",
    find: `if (!this.batches.take(digest, requests)) return;
      this.outbox.persist({ kind: "batch", digest, requests });`,
    replace: "if (!this.batches.take(digest, requests)) return;",
  },
  "blocked-execution-tolerated": {
    breaks: "a leader whose proposals are never decided is not suspected for it",
    find: "const isBlocked = this.agreement.hasBeyond(this.state.reached);",
    replace: "const isBlocked = false;",
  },
});

export const hearsay = inFile("parts/hearsay.js", {
  "one-says-it-was-decided": {
    breaks: "one replica's word is enough that something was decided",
    find: "reaching(this.f + 1)",
    replace: "reaching(1)",
  },
});

export const votes = inFile("parts/votes.js", {
  "votes-not-compared": {
    breaks: "votes for other batches count as well",
    find: "for (const vote of this.digests) if (vote !== null && equalBytes(vote, digest))",
    replace: "for (const vote of this.digests) if (vote !== null)",
  },
});

export const orders = inFile("parts/order-window.js", {
  "slots-never-forgotten": {
    breaks: "votes below the stable checkpoint are kept for ever",
    find: "if (order <= upTo) this.slots.delete(order);",
    replace: "{}",
  },
});

export const plans = inFile("parts/plan.js", {
  "decided-no-ops-dropped": {
    breaks: "a no-op at the end of a plan is dropped though it may have been decided",
    find: 'if (choice !== "free") last = order;',
    replace: 'if (choice !== "free" && choice.some((byte, at) => byte !== noop[at])) last = order;',
  },
  "no-ops-never-dropped": {
    breaks: "orders at the end where nothing was prepared are filled",
    find: 'if (choice !== "free") last = order;',
    replace: "last = order;",
    survives:
      "It costs time: empty batches are ordered, to the end of the window at most, and a " +
      "checkpoint follows on them as on others.",
  },
  "lowest-stable": {
    breaks: "a plan builds on the lowest stable checkpoint reported",
    find: "b.stable.order > a.stable.order ? b : a",
    replace: "b.stable.order < a.stable.order ? b : a",
  },
  "first-stable": {
    breaks: "a plan builds on the first stable checkpoint reported",
    find: "b.stable.order > a.stable.order ? b : a",
    replace: "a",
  },
});

export const state = inFile("parts/replicated-state.js", {
  "executed-not-stored": {
    breaks: "what a checkpoint states can no longer be given after a crash",
    find: "outbox.persist(this.executedRecord(this.lastCheckpoint + 1, image.order));",
    replace: "",
  },
  "transfer-not-stored": {
    breaks: "that the window moved for a transfer is forgotten in a crash",
    find: 'outbox.persist({ ...this.stable, kind: "skipped" });',
    replace: "",
  },
  "transfer-not-resumed": {
    breaks: "a transfer that a crash cut short is not gone on with",
    find: "if (this.passed < stable.order) this.beginTransfer(stable);",
    replace: "",
  },
  "never-catches-up": {
    breaks: "a checkpoint that others reached is never fetched",
    find: "else if (now - since >= context.timing.catchUpMs)",
    replace: "else if (false)",
  },
  "checkpoints-not-repeated": {
    breaks: "a statement about a checkpoint that was lost is not sent again",
    find: "for (const statement of this.checkpoints.unstable()) {",
    replace: "for (const statement of []) {",
  },
});

export const suspicions = inFile("parts/suspicions.js", {
  "one-suspects": {
    breaks: "one replica's suspicion is enough to leave a view",
    find: "[this.f];",
    replace: "[0];",
  },
  "quorum-suspects": {
    breaks: "it takes the suspicion of f+2 replicas to leave a view",
    find: "[this.f];",
    replace: "[this.f + 1];",
  },
});

export const patience = inFile("parts/patience.js", {
  "no-back-off": {
    breaks: "a view is given no more time than the one that failed before",
    find: "this.failedViews += 1;",
    replace: "",
  },
});

export const floor = inFile("parts/throughput-floor.js", {
  "no-throughput-floor": {
    breaks: "a leader may be as slow as everybody's patience allows",
    find: "return isTooSlow;",
    replace: "return false;",
    survives: "It only costs time; `pbft-slow-primary` shows how much.",
  },
});
