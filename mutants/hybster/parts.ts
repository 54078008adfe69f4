// Mistakes in the parts that Hybster is made of.

import { inFile } from "../mutant.js";

export const checkpoints = inFile("parts/checkpoints.js", {
  "checkpoint-digests-not-compared": {
    breaks: "statements about different states make a checkpoint stable",
    find: "other !== undefined && equalBytes(other.digest, digest)",
    replace: "other !== undefined",
  },
  "checkpoint-of-one": {
    breaks: "one statement makes a checkpoint stable",
    find: "if (statements.length < this.quorum)",
    replace: "if (statements.length < 1)",
  },
  "images-not-kept": {
    breaks: "a state is forgotten when it is stable, though others may still fetch it",
    find: "old.slice(0, -imagesKept)",
    replace: "old",
  },
  "images-never-forgotten": {
    breaks: "every state is kept for ever",
    find: "this.images.delete(order);",
    replace: "{}",
  },
  "checkpoint-count-not-reset": {
    breaks: "a count of orders does not begin anew at a checkpoint",
    find: "this.ordersSince = 0; this.bytesSince = 0;",
    replace: "this.bytesSince = 0;",
    survives: "costs time only: checkpoints come too often.",
  },
});

export const state = inFile("parts/replicated-state.js", {
  "reached-state-fetched": {
    breaks: "a state that a replica got to by itself is fetched, and what follows executed again",
    find: "catchUpMs) this.adoptStable(stable);",
    replace: "catchUpMs) this.fetch(stable);",
  },
  "window-unchecked": {
    breaks: "any order above the stable checkpoint is accepted",
    find: `return order > stable &&
      order <= stable + 2 * this.host.context.limits.checkpointOrders;`,
    replace: "return order > stable;",
  },
  "window-without-floor": {
    breaks: "orders below the stable checkpoint are accepted",
    find: "return order > stable && order <= stable + 2",
    replace: "return order <= stable + 2",
    survives:
      "costs a view at most: nothing below is acknowledged, executed or reported, and the room " +
      "that a liar takes with it in a leader's log is free in the next; a story sees it.",
  },
  "window-too-short": {
    breaks: "the window ends before the next checkpoint",
    find: "order <= stable + 2 * this.host.context.limits.checkpointOrders",
    replace: "order < stable + this.host.context.limits.checkpointOrders",
  },
  "checkpoints-unbacked": {
    breaks: "a checkpoint is stated before it is stored that its orders are committed",
    find: "outbox.persist(this.executedRecord(this.lastCheckpoint + 1, image.order));",
    replace: "",
  },
  "own-state-not-compared": {
    breaks: "a replica takes its own state for the certified one",
    find: "if (own !== undefined && equalBytes(own.digest, stable.digest)) { this.advance",
    replace: "if (own !== undefined) { this.advance",
    survives:
      "nobody could notice unless a correct replica's state departs from the others', by wrong " +
      "memory or a service that is not deterministic; a story has one.",
  },
  "statements-not-repeated": {
    breaks: "checkpoints that are not stable yet are stated once",
    find: "for (const statement of this.checkpoints.unstable()) {",
    replace: "for (const statement of []) {",
    survives: "needs every statement about two checkpoints in a row to be lost.",
  },
  "transfer-never-turns": {
    breaks: "a source that gives nothing is waited for without end",
    find: "this.transfer.tick();",
    replace: "",
  },
  "state-never-fetched": {
    breaks: "a replica that fell behind the window fetches no state",
    find: "else if (now - since >= context.timing.catchUpMs)",
    replace: "else if (false)",
  },
  "skip-not-stored": {
    breaks: "it is not stored that a state began to be fetched",
    find: `outbox.persist({ ...this.stable, kind: "skipped" });`,
    replace: "",
  },
  "fetched-state-not-taken": {
    breaks: "a fetched state is not put in the place of the old one",
    find: "this.restore(image); this.addOwn(image, this.checkpoints.stable.digest);",
    replace: "this.addOwn(image, this.checkpoints.stable.digest);",
  },
  "checkpoint-count-not-restarted": {
    breaks: "after a transfer, checkpoints are due at other orders than elsewhere",
    find: "this.speculation?.reset(image); this.restartCount();",
    replace: "this.speculation?.reset(image);",
  },
  "fetched-state-not-saved": {
    breaks: "a fetched state is saved at the host's leisure",
    find: "required: true",
    replace: "required: false",
  },
  "stable-not-retained": {
    breaks: "a saved state does not hold the proof that it is stable",
    find: `{ ...this.stable, kind: "stable" }, ...this.host.retained()`,
    replace: "...this.host.retained()",
  },
  "executed-not-retained": {
    breaks: "a saved state does not say what was executed beyond it",
    find: "...(last === undefined ? [] : [this.executedRecord(order + 1, last)]),",
    replace: "",
    survives:
      "costs time only: what was executed beyond a saved state is executed again once its " +
      "votes are heard again.",
  },
  "executed-not-restored": {
    breaks: "after a restart, a replica has not executed what it stated a checkpoint of",
    find: "return this.replayExecuted(record.order, record.batches);",
    replace: "return;",
  },
  "stable-not-restored": {
    breaks: "after a restart, a replica has forgotten its stable checkpoint",
    find: "return this.replayStable(record);",
    replace: "return;",
  },
  "skip-not-restored": {
    breaks: "after a restart, a replica goes on from before the state it began to fetch",
    find: "return this.moveWindow(record);",
    replace: "return;",
  },
  "snapshot-order-not-restored": {
    breaks: "after a restart, what the saved state holds is executed again",
    find: "this.executed = image.order;",
    replace: "",
  },
});

export const clientTable = inFile("parts/client-table.js", {
  "sessions-revived": {
    breaks: "a session that was forgotten begins again",
    find: 'if (client !== undefined && bundle.session <= client.expired) return "expired";',
    replace: "",
  },
  "expiry-one-off": {
    breaks: "the session forgotten last begins again",
    find: "bundle.session <= client.expired",
    replace: "bundle.session < client.expired",
  },
  "expiry-not-noted": {
    breaks: "a session is forgotten, and that it was is forgotten too",
    find: "client.expired = Math.max(client.expired, session);",
    replace: "",
  },
  "gaps-executed": {
    breaks: "a bundle takes effect although its predecessors did not",
    find: 'return bundle.number === session.last + 1 ? "next" : "early";',
    replace: 'return "next";',
    survives:
      "needs a leader that orders a session's bundles out of their order before anybody " +
      "has the earlier one; the part's own tests see it.",
  },
  "replies-forgotten-too-early": {
    breaks: "a reply is forgotten when its client acknowledged the one before",
    find: "!(number <= acknowledged || excess)",
    replace: "!(number <= acknowledged + 1 || excess)",
    survives:
      "breaks no property: the client is told that its result is lost; the part's own " +
      "tests see it.",
  },
  "replies-never-forgotten": {
    breaks: "replies that were acknowledged are kept for ever",
    find: "session.replies.delete(number);",
    replace: "{}",
  },
  "client-page-not-renewed": {
    breaks: "a checkpoint holds the client table as it was at an earlier one",
    find: "this.pageList[bundle.client % ClientTable.pageCount] = null;",
    replace: "",
  },
  "clients-unsorted": {
    breaks: "clients stand in a page in the order in which they came",
    find: ".sort((a, b) => a - b)",
    replace: "",
    survives: "needs two clients in one page: their numbers equal modulo 64.",
  },
  "last-bundle-not-restored": {
    breaks: "a restored session begins anew",
    find: "restored.set(session, { last, replies: kept, replyBytes });",
    replace: "restored.set(session, { last: 0, replies: kept, replyBytes });",
  },
  "kept-replies-not-restored": {
    breaks: "a restored session has no replies",
    find: "restored.set(session, { last, replies: kept, replyBytes });",
    replace: "restored.set(session, { last, replies: new Map(), replyBytes });",
  },
  "expiry-not-restored": {
    breaks: "a restored client has no expired sessions",
    find: "this.clients.set(client, { expired, sessions: restored });",
    replace: "this.clients.set(client, { expired: 0, sessions: restored });",
  },
});

export const executor = inFile("parts/executor.js", {
  "replies-not-restored": {
    breaks: "a fetched or saved state comes without the client table",
    find: "this.clients.restore(image.pages.slice(0, ClientTable.pageCount));",
    replace: "",
  },
  "service-not-restored": {
    breaks: "a fetched or saved state comes without the service's",
    find: "this.service.restore(image.pages.slice(ClientTable.pageCount, this.serviceEnd));",
    replace: "",
  },
  "duplicates-executed": {
    breaks: "a bundle that took effect takes effect again",
    find: "if (applied) this.clients.record",
    replace: "this.clients.record",
  },
  "expired-executed": {
    breaks: "a bundle of a forgotten session takes effect",
    find: 'this.clients.standing(bundle) === "next";',
    replace: '["next", "expired"].includes(this.clients.standing(bundle));',
  },
});

export const transfer = inFile("parts/state-transfer.js", {
  "manifest-believed": {
    breaks: "a list of pages is believed without its certificate",
    find: "if (!equalBytes(digest, target.digest)) return;",
    replace: "",
  },
  "pages-believed": {
    breaks: "a page is believed whatever its digest",
    find: "if (page === null || !equalBytes(page.digest, expected))",
    replace: "if (page === null)",
  },
  "any-page-taken": {
    breaks: "a page that was not asked for counts as the one that was",
    find: "if (page !== this.missing[0] || total",
    replace: "if (total",
  },
  "piece-offsets-unchecked": {
    breaks: "a piece of a page is put in at any place",
    find: "if (offset !== partial.received || end",
    replace: "if (end",
    survives:
      "needs a page of several pieces from a liar that repeats one of them, and no " +
      "checkpoint after it that begins the transfer anew; the part's own tests see it.",
  },
  "drips-accepted": {
    breaks: "a source may give as little as it likes",
    find: "if (this.isGenerous(message) && message.pieces",
    replace: "if (message.pieces",
    survives:
      "costs time only: as many round trips as the state has bytes, and a simulated state " +
      "has few; the part's own tests see it.",
  },
  "source-never-replaced": {
    breaks: "a source that gives nothing is asked again and again",
    find: "do this.source = (this.source + 1) % n; while (this.source === replica);",
    replace: "if (this.source === replica) this.source = (this.source + 1) % n;",
  },
  "old-manifest-kept": {
    breaks: "a transfer turns to a newer state with the list of pages of the older",
    find: "this.target = target; this.manifest = null;",
    replace: "this.target = target;",
  },
  "pages-one-piece-short": {
    breaks: "a page that needs several messages is served from its beginning each time",
    find: "let offset = request.offset;",
    replace: "let offset = 0;",
  },
});

export const pending = inFile("parts/pending-requests.js", {
  "patience-reset-by-others": {
    breaks: "any new request makes a replica patient again",
    find: "for (const { since } of this.arrivals) return since;",
    replace: "for (const { since } of [...this.arrivals].reverse()) return since;",
    survives:
      "needs clients that keep asking for as long as a run lasts, while one is starved; a " +
      "story sees it.",
  },
  "gaps-taken": {
    breaks: "a session's requests are taken in any order",
    find: 'if (bundle.number > next) return "early";',
    replace: "",
  },
  "settled-requests-wait": {
    breaks: "requests that took effect go on waiting",
    find: "this.arrivals.delete(waiting);",
    replace: "",
  },
  "settles-one-short": {
    breaks: "the request that took effect last goes on waiting",
    find: "if (number > last) break;",
    replace: "if (number >= last) break;",
  },
  "room-not-given-back": {
    breaks: "the room of requests that took effect is not given back",
    find: "this.bytes -= waiting.bytes;",
    replace: "",
  },
  "proposed-and-lost": {
    breaks: "a new leader does not propose what waits",
    find: "this.unproposed = new Set(this.arrivals);",
    replace: "",
    survives: "costs a view at most: clients ask again, and who waits suspects the leader.",
  },
  "settled-kept-to-propose": {
    breaks: "a follower keeps every request that it ever had, to propose it one day",
    find: `this.arrivals.delete(waiting);
      this.unproposed.delete(waiting);`,
    replace: "this.arrivals.delete(waiting);",
  },
  "large-batches": {
    breaks: "a batch may hold one request more than the others accept",
    find: "batch.length >= batchRequestsMax || bytes + waiting.bytes > batchBytesMax;",
    replace: "batch.length > batchRequestsMax || bytes + waiting.bytes > batchBytesMax;",
  },
});

export const waiting = {
  ...inFile("parts/suspicions.js", {
    "lonely-suspicion": {
      breaks: "a replica leaves its view alone",
      find: "[this.f]",
      replace: "[0]",
    },
    "unanimous-suspicion": {
      breaks: "a view is left only when f+2 replicas want it",
      find: "[this.f]",
      replace: "[this.f + 1]",
    },
    "suspicions-withdrawn": {
      breaks: "an older message takes a replica's wish back",
      find: "if (view > this.wanted[replica]) this.wanted[replica] = view;",
      replace: "this.wanted[replica] = view;",
      survives: "costs time only: a replica that wants another view says so with every STATUS.",
    },
  }),
  ...inFile("parts/patience.js", {
    "old-requests-condemn-new-leaders": {
      breaks: "a new leader is blamed for how long requests waited under the old one",
      find: "Math.max(oldest, this.since) + this.lengthMs",
      replace: "oldest + this.lengthMs",
      survives:
        "costs views at most: patience doubles with each, until it is longer than the " +
        "requests have waited.",
    },
    "back-off-without-end": {
      breaks: "patience grows without bound",
      find: "Math.min(patienceMs * 2 ** Math.min(this.failedViews, 20), patienceMsMax)",
      replace: "patienceMs * 2 ** Math.min(this.failedViews, 20)",
      survives: "needs many views to fail in a row before one fails that a run waits for.",
    },
    "idle-time-counts-as-waiting": {
      breaks: "what comes after a long pause is at once taken to have waited as long as that",
      find: "(this.blockedAt ?? now)",
      replace: "(this.blockedAt ?? 0)",
    },
    impatience: {
      breaks: "patience is a hundredth of what it should be",
      find: "return Math.min(patienceMs *",
      replace: "return 0.01 * Math.min(patienceMs *",
    },
  }),
  ...inFile("parts/batch-store.js", {
    "batch-forgotten-too-early": {
      breaks: "batches of orders just above the stable checkpoint are forgotten",
      find: "if (order > upTo) continue;",
      replace: "if (order > upTo + 2) continue;",
      survives:
        "needs a plan that names a batch just above a checkpoint, of which no other replica " +
        "has a proposal.",
    },
    "batch-order-lowered": {
      breaks: "a batch proposed at two orders is forgotten with the lower",
      find: "{ digest, batch, order: Math.max(order, known?.order ?? 0) }",
      replace: "{ digest, batch, order: Math.min(order, known?.order ?? order) }",
      survives:
        "shows in one seed of some ten thousand: a liar proposes a batch twice, and a view " +
        "fails before the later order is stable; the part's own tests see it.",
    },
  }),
  ...inFile("protocols/hybster/index.js", {
    "reply-of-one": {
      breaks: "a client believes one replica",
      find: "replyQuorum: (f) => f + 1",
      replace: "replyQuorum: (f) => 1",
    },
  }),
};
