// Mistakes in the normal case (replica.ts), the ordering window (order-log.ts), and requests on
// their way in (intake.ts, endorsements.ts).

import { inFile } from "../mutant.js";

export const ordering = inFile("protocols/hybster/replica.js", {
  "old-views-accepted": {
    breaks: "order messages of any view are accepted",
    find: "return view === this.views.established.view && this.state.isInWindow(order);",
    replace: "return this.state.isInWindow(order);",
  },
  "older-views-accepted": {
    breaks: "order messages of views before the established one are accepted",
    find: "return view === this.views.established.view && this.state.isInWindow(order);",
    replace: "return view <= this.views.established.view && this.state.isInWindow(order);",
  },
  "left-view-unheard": {
    breaks: "nothing more is learnt from a view that was left",
    find: "return view === this.views.established.view && this.state.isInWindow(order);",
    replace: `return view === this.views.view && this.views.isEstablished &&
      this.state.isInWindow(order);`,
  },
  "plan-not-enforced": {
    breaks: "a leader may depart from its view's plan",
    find: "if (planned !== null && !equalBytes(planned, message.batch))",
    replace: "if (false)",
  },
  "acknowledged-out-of-order": {
    breaks: "a proposal is acknowledged at whatever order it comes (H7)",
    find: "let slot = this.log.get(this.acted + 1);",
    replace: "let slot = [...this.log.proposed()].reverse().find((s) => !s.isDurable);",
  },
  "acknowledged-one-at-a-time": {
    breaks: "proposals that came early are not acknowledged when the gap is filled",
    find: "while (slot?.prepare && this.sendCommit",
    replace: "if (slot?.prepare && this.sendCommit",
    survives: "costs time only: every later proposal, and every STATUS, moves it on by one order.",
  },
  "own-commit-uncounted": {
    breaks: "a follower does not count its own COMMIT",
    find: "this.log.vote(order, replica, batch); this.outbox.persist",
    replace: "this.outbox.persist",
  },
  "commits-to-leader-only": {
    breaks: "followers send COMMITs to the leader only, whatever the quorum",
    find: "if (quorumOf(this.context.n) === 2)",
    replace: "if (true)",
    replicas: 5,
  },
  "commits-not-acted-upon": {
    breaks: "a COMMIT that completes a quorum leads to nothing",
    find: "if (order === this.state.executed + 1) this.execute();",
    replace: "",
  },
  "executed-unstored": {
    breaks: "a batch that this replica did not acknowledge is executed and not stored",
    find: "if (!slot.isDurable) this.store(slot, slot.prepare);",
    replace: "",
    survives:
      "needs a replica that executes what it did not acknowledge, crashes, and is then " +
      "one of two that must give it: no seed had it; a story does.",
  },
  "proposals-not-stored": {
    breaks: "a leader does not store its proposals",
    find: 'this.outbox.persist({ ...header, requests: batch, kind: "proposed" });',
    replace: "",
  },
  "proposals-sent-before-stored": {
    breaks: "a leader sends its proposal before it stores it",
    find: `this.outbox.persist({ ...header, requests: batch, kind: "proposed" });
      const requests = planned ? [] : batch;
      this.outbox.broadcast({ ...header, requests, kind: "prepare" });`,
    replace: `const requests = planned ? [] : batch;
      this.outbox.broadcast({ ...header, requests, kind: "prepare" });
      this.outbox.persist({ ...header, requests: batch, kind: "proposed" });`,
  },
  "commits-not-stored": {
    breaks: "a follower does not store its COMMITs",
    find: 'this.outbox.persist({ kind: "accepted", prepare, commit: slot.commit });',
    replace: "",
  },
  "log-not-forgotten": {
    breaks: "proposals below the stable checkpoint are kept",
    find: "this.log.forget(order);",
    replace: "",
  },
  "batches-not-forgotten": {
    breaks: "batches below the stable checkpoint are kept",
    find: "this.batches.forget(order);",
    replace: "",
    survives:
      "costs memory only, some with every view change; the growth of machines is judged where " +
      "nothing goes wrong, and there are none.",
  },
  "acted-left-behind": {
    breaks: "after a transfer, orders are acknowledged from where the replica was before",
    find: "this.acted = Math.max(this.acted, order);",
    replace: "",
    survives:
      "costs time only: this replica has no vote until the next view, and STATUS brings it the " +
      "votes of others, unless it is more than 128 orders behind.",
  },
  "batches-lost-with-view": {
    breaks: "the batches of a view that was left are forgotten with it",
    find: "this.batches.put(prepare.batch, batch, order);",
    replace: "",
  },
  "log-not-cleared": {
    breaks: "a new view begins with the proposals of the old one in its log",
    find: "this.clearLog(); this.acted = Math.max(this.views.established.base",
    replace: "this.acted = Math.max(this.views.established.base",
  },
  "new-view-from-old-order": {
    breaks: "a new view goes on at the order that the old one had reached",
    find: "this.acted = Math.max(this.views.established.base, this.state.stable.order);",
    replace: "",
  },
  "pending-not-proposed-again": {
    breaks: "requests that an old leader proposed in vain are not proposed by the new one",
    find: "this.refused = null; this.patience.restart(this.now); this.intake.restart();",
    replace: "this.refused = null; this.patience.restart(this.now);",
    survives:
      "costs a view at most: who waits suspects a leader that keeps what it proposed in " +
      "vain, and the next one proposes it; a story sees it.",
  },
  "pending-kept-in-transfer": {
    breaks: "requests that a transferred state answers go on waiting",
    find: "this.views.retry(this.now); this.intake.restart();",
    replace: "this.views.retry(this.now);",
    survives:
      "costs a view change at most: this replica suspects its leader for what was answered, and " +
      "alone, until the next view; a story sees it.",
  },
  "patience-once": {
    breaks: "the patience timer is set once and never again",
    find: "this.isWatching = false;",
    replace: "",
  },
  "batch-once": {
    breaks: "the batch timer is set once and never again",
    find: "this.isBatching = false;",
    replace: "",
  },
  "status-once": {
    breaks: "the status timer is not set again",
    find: `this.outbox.setTimer("status", this.context.timing.statusMs);
      this.sayStatus(); this.intake`,
    replace: "this.sayStatus(); this.intake",
  },
  "requests-not-forwarded": {
    breaks: "requests that the leader may not have got are not passed on to it",
    find: "this.intake.forward();",
    replace: "",
    survives:
      "costs time only: a client that gets no answer asks every replica, and one that the leader " +
      "never hears gets the next; a story sees it.",
  },
  "no-catching-up": {
    breaks: "time passes, and nothing is fetched or stated again",
    find: "this.state.tick();",
    replace: "",
  },
  "waiting-not-retried": {
    breaks: "what waits in a view change is not tried again",
    find: "this.views.retry(this.now); this.acknowledge();",
    replace: "this.acknowledge();",
  },
  "stalled-plan-not-suspected": {
    breaks: "a leader is suspected for waiting requests only, not for orders that stay unexecuted",
    find: "const isBlocked = isStuck || isOwed;",
    replace: "const isBlocked = false;",
  },
  "open-plan-not-suspected": {
    breaks: "who executed a plan in another view does not mind that the leader does not propose it",
    find: "const isBlocked = isStuck || isOwed;",
    replace: "const isBlocked = isStuck;",
    survives:
      "costs time only while clients ask for more, for what they ask waits too; a story " +
      "has one that does not.",
  },
  "progress-not-noticed": {
    breaks: "execution that goes on all the time, always with something left, is taken to be stuck",
    find: "this.patience.progressed(); this.intake.settle(executions);",
    replace: "this.intake.settle(executions);",
  },
  "no-back-off": {
    breaks: "every view is given the same time",
    find: "this.patience.viewFailed();",
    replace: "",
  },
  "transfer-not-resumed": {
    breaks: "a transfer that a crash cut short is not taken up again",
    find: "this.state.resume();",
    replace: "",
  },
});

export const log = inFile("protocols/hybster/order-log.js", {
  "commit-quorum-one-short": {
    breaks: "an order is committed with one vote too few",
    find: "return count >= this.quorum;",
    replace: "return count >= this.quorum - 1;",
    replicas: 5,
  },
  "commit-quorum-one-more": {
    breaks: "an order is committed with one vote more than a quorum",
    find: "return count >= this.quorum;",
    replace: "return count > this.quorum;",
  },
  "unstored-proposals-reported": {
    breaks: "a view change reports proposals that the journal does not hold",
    find: "if (!slot?.prepare || !slot.isDurable)",
    replace: "if (!slot?.prepare)",
    survives:
      "needs a crash between a report and the disk, and a view that begins with that " +
      "report alone: no seed had it; a story does.",
  },
  "forgets-one-too-many": {
    breaks: "the first proposal above the stable checkpoint is forgotten with those below",
    find: "if (order > upTo)",
    replace: "if (order > upTo + 1)",
  },
});

export const intake = {
  ...inFile("parts/intake.js", {
    "replies-not-resent": {
      breaks: "a request that was answered is not answered again",
      find: "this.answer(answer, true); return false;",
      replace: "return false;",
    },
    "requests-not-batched": {
      breaks: "a leader does not propose when a request comes",
      find: "if (this.host.isLeading) this.host.batchSoon();",
      replace: "",
    },
  }),
  ...inFile("protocols/hybster/replica.js", {
    "mac-requests-not-endorsed": {
      breaks: "a request with MAC authenticators is ordered on the leader's own check",
      find: "if (isVector) this.endorser.endorse(request);",
      replace: "if (false) this.endorser.endorse(request);",
    },
  }),
  ...inFile("protocols/hybster/endorser.js", {
    "endorsements-not-sent": {
      breaks: "a replica endorses requests for itself only",
      find: "outbox.broadcast(message);",
      replace: "",
    },
  }),
};

export const endorsements = inFile("protocols/hybster/endorsements.js", {
  "endorsed-by-one": {
    breaks: "a request with MAC authenticators is ordered on one replica's word",
    find: "candidate.endorsements.size < this.needed",
    replace: "candidate.endorsements.size < 1",
  },
  "endorsed-by-one-more": {
    breaks: "a request with MAC authenticators needs one endorsement too many",
    find: "candidate.endorsements.size < this.needed",
    replace: "candidate.endorsements.size <= this.needed",
  },
  "endorsement-places-lost": {
    breaks: "a replica's places for requests to be endorsed are not given back",
    find: "this.mentioned[candidate.by] -= 1;",
    replace: "",
  },
});
