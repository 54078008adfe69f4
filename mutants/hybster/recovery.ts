// Mistakes in helping peers, catching up, and coming back after a restart (recovery.ts).

import { inFile } from "../mutant.js";

export const recovery = inFile("protocols/hybster/recovery.js", {
  "batch-kept-for-first-order": {
    breaks: "a batch that was proposed twice is forgotten with the first of its orders",
    find: "if (batch !== null) this.replica.batches.put(digest, batch, order);",
    replace: "",
  },
  "missing-batches-not-fetched": {
    breaks: "batches of a plan that are missing are awaited and not asked for",
    find: `if (isToBeAsked && from !== context.replica)
      outbox.send(from, { kind: "fetch-batch", digest });`,
    replace: "",
  },
  "no-relay": {
    breaks: "peers that stall are not sent the orders they lack",
    find: "this.resendOrders(peer, has, status.view > status.established);",
    replace: "",
  },
  "no-view-change-retransmission": {
    breaks: "peers that change views are not helped",
    find: "views.assist(peer, status);",
    replace: "{}",
  },
  "missed-views-ignored": {
    breaks: "a peer beyond the others' view is not told that it was established",
    find: "if (isBehind || isChanging || hasMissed)",
    replace: "if (isBehind || isChanging)",
  },
  "stable-not-resent": {
    breaks: "peers behind a checkpoint are not sent its proof",
    find: "if (status.stable < state.stable.order) state.sendStable(peer);",
    replace: "",
  },
  "own-commit-not-resent": {
    breaks: "orders are resent without this replica's COMMIT",
    find: 'outbox.send(peer, { ...slot.commit, kind: "commit" });',
    replace: "{}",
  },
  "resend-starts-one-late": {
    breaks: "orders are resent from the second that a peer lacks",
    find: "let order = has + 1; order <= last",
    replace: "let order = has + 2; order <= last",
  },
  "batches-not-given": {
    breaks: "a peer that asks for a batch gets none",
    find: "const requests = this.findAnywhere(message.digest);",
    replace: "const requests = null;",
  },
  "positions-not-retained": {
    breaks: "a saved state does not say where the counters stood",
    find: "const kept = [...this.positions.values()];",
    replace: "const kept = [];",
  },
  "plan-not-retained": {
    breaks: "a saved state does not hold the batches of a plan",
    find: "for (const { digest, batch } of batches.all()) {",
    replace: "for (const { digest, batch } of []) {",
    survives:
      "needs a saved state and crashes of all that hold a plan's batches before the plan " +
      "is proposed: no seed of Hybster had it (one of Zyzzyva did); a story does.",
  },
  "proposals-not-retained": {
    breaks: "a saved state does not hold the proposals above it",
    find: "for (const slot of log.proposed()) {",
    replace: "for (const slot of []) {",
  },
  "only-own-commits-resent": {
    breaks: "who left a view is not sent what others voted for in it",
    find: "if (hasLeft) for (const one of slot.heard)",
    replace: "if (false) for (const one of slot.heard)",
    survives:
      "costs a view at most where a liar stops helping: what it and the leader committed " +
      "is in the next view's plan; a story sees it.",
  },
  "own-commits-not-retained": {
    breaks: "a saved state holds proposals without this replica's COMMITs",
    find: "if (slot.commit === null) kept.push",
    replace: "if (true) kept.push",
    survives:
      "costs a view at most: a leader that lacks the COMMIT suspects itself with the " +
      "others, and the next view's plan has the order.",
  },
  "counters-not-resumed": {
    breaks: "a replica that restarts does not take its counters up",
    find: "for (const record of journal) this.resumeCounters(record);",
    replace: "",
  },
  "counters-resumed-last": {
    breaks: "a replica that restarts takes its counters up when it has replayed",
    find: `for (const record of journal) this.resumeCounters(record);
      if (saved !== null) this.replica.state.restoreSaved(saved);
      for (const record of journal) this.replayRecord(record);`,
    replace: `if (saved !== null) this.replica.state.restoreSaved(saved);
      for (const record of journal) this.replayRecord(record);
      for (const record of journal) this.resumeCounters(record);`,
  },
  "position-not-resumed": {
    breaks: "a counter is not taken up at the position that was stored for it",
    find: "return this.resume(record.attestation, record.digest);",
    replace: "return;",
  },
  "commit-not-resumed": {
    breaks: "a counter is not taken up at the last COMMIT",
    find: "return this.resume(commit.attestation, certified.commit(commit.batch, hash));",
    replace: "return;",
    survives:
      "needs a crash right after a COMMIT and a peer that shows it again before anything " +
      "else is certified: the module then sees that it was rolled back.",
  },
  "proposal-not-resumed": {
    breaks: "a counter is not taken up at the last proposal",
    find: "return this.resume(record.attestation, certified.prepare(record.batch, hash));",
    replace: "return;",
  },
  "departure-not-resumed": {
    breaks: "a counter is not taken up at the last view change",
    find: "return this.resume(record.attestation, certified.viewChange(record, hash));",
    replace: "return;",
  },
  "proposals-not-restored": {
    breaks: "after a restart, a leader has forgotten its proposals",
    find: "return this.replayProposal(record, null);",
    replace: "return;",
  },
  "accepted-not-restored": {
    breaks: "after a restart, a follower has forgotten what it acknowledged",
    find: "return this.replayProposal(record.prepare, record.commit);",
    replace: "return;",
  },
  "departure-not-restored": {
    breaks: "after a restart, a replica has forgotten that it left its view",
    find: "return views.restoreLeft(record);",
    replace: "return;",
  },
  "replayed-log-not-cleared": {
    breaks: "after a restart, proposals of an older view stand in the log",
    find: "this.replica.clearLog(); views.restoreEstablished(record);",
    replace: "views.restoreEstablished(record);",
  },
  "replayed-view-keeps-order": {
    breaks: "after a restart, a view goes on at the order of the one before",
    find: "this.replica.acted = Math.max(record.base, state.stable.order);",
    replace: "",
    survives:
      "costs a view at most: until the next one this replica acknowledges nothing below " +
      "the order at which it stood.",
  },
  "plan-not-restored": {
    breaks: "after a restart, the batches of an acknowledged plan are lost",
    find: "return batches.put(record.digest, record.requests, state.stable.order + window);",
    replace: "return;",
    survives: "needs crashes of all that hold a plan's batches before the plan is proposed.",
  },
  "replayed-proposals-not-durable": {
    breaks: "after a restart, a replica does not report what its journal holds",
    find: "slot.isDurable = true; slot.commit = commit;",
    replace: "slot.commit = commit;",
  },
  "own-vote-not-restored": {
    breaks: "after a restart, a follower does not count its own COMMITs",
    find: "if (commit !== null) log.vote(prepare.order, context.replica, commit.batch);",
    replace: "",
  },
  "own-commit-not-restored": {
    breaks: "after a restart, a follower cannot send its COMMITs again",
    find: "slot.isDurable = true; slot.commit = commit;",
    replace: "slot.isDurable = true;",
  },
  "snapshot-not-restored": {
    breaks: "after a restart, the saved state is counted as executed and not restored",
    find: "this.replica.state.restoreSaved(saved);",
    replace: "",
  },
});
