// Mistakes in execution and checkpoints (replica.ts, barriers.ts, batches.ts), in what clients do
// (client.ts), and in what must be authentic (claims.ts).

import { inFile } from "../mutant.js";

const replicas = 4;

export const replica = inFile("protocols/ezbft/replica.js", {
  "E3-no-gate": {
    breaks: "an answer is given while what comes before it is not executed (E3)",
    find: "!this.state.isFetching && this.graph.isClosed(answer.dependencies);",
    replace: "!this.state.isFetching;",
    replicas,
  },
  "answers-while-fetching": {
    breaks: "an answer is given from a state that is being replaced",
    find: "!this.state.isFetching && this.graph.isClosed(answer.dependencies);",
    replace: "this.graph.isClosed(answer.dependencies);",
    replicas,
  },
  "executes-while-fetching": {
    breaks: "what is decided is executed in a state that is being replaced",
    find: "if (this.state.isFetching) return; // all of it, when the state is here",
    replace: "",
    replicas,
  },
  "both-barriers": {
    breaks: "of two barriers that name each other both are checkpoints",
    find: "if (this.barriers.isPassed(command)) return;",
    replace: "",
    replicas,
  },
  "batch-came-late": {
    breaks: "a decision that waited for its batch is forgotten in a restart",
    find: "restore(record.digest, record.requests) ? this.supply() : undefined;",
    replace: "restore(record.digest, record.requests) ? undefined : undefined;",
    replicas,
  },
  "asked-once": {
    breaks: "what is missing is not asked for again",
    find: "tick() { this.batches.askAgain();",
    replace: "tick() {",
    replicas,
  },
  "batches-forgotten": {
    breaks: "batches that certificates name are forgotten at a checkpoint",
    find: "[recorded, order?.batch, decided?.batch, certificate?.batch, prepared?.batch]",
    replace: "[decided?.batch]",
    replicas,
  },
  "graph-not-moved": {
    breaks: "after a transfer execution goes on from where it was before",
    find: "this.graph.restart(this.barriers.frontier.done); this.supply(); this.orderSoon();",
    replace: "this.supply(); this.orderSoon();",
    replicas,
  },
  "no-barriers": {
    breaks: "nobody orders a barrier",
    find: "this.own.order(this.batches.barrier, []);",
    replace: "",
    replicas,
  },
  "no-room-for-barriers": {
    breaks: "requests may fill the window, so that no barrier can be ordered",
    find: "while (this.mayOrder(this.window - barrierSlots)) {",
    replace: "while (this.mayOrder(this.window)) {",
    replicas,
  },
  "misbehaviour-ignored": {
    breaks: "proof that an owner lies moves nobody",
    find: "views.forsake(view);",
    replace: "",
    replicas,
  },
  "index-not-told": {
    breaks: "what stands at a slot is not noted: nothing comes before anything",
    find: "this.precedence.note(slot, digest, batch);",
    replace: "",
    replicas,
  },
});

export const barriers = inFile("protocols/ezbft/barriers.js", {
  "frontier-without-itself": {
    breaks: "a barrier is not in its own frontier",
    find: "done[space] = Math.max(done[space], slot);",
    replace: "",
    replicas,
  },
  "frontier-of-everything": {
    breaks: "barriers' turns do not pass on",
    find: "checkpoints: checkpoints + 1",
    replace: "checkpoints",
    replicas,
  },
});

export const batches = inFile("protocols/ezbft/batches.js", {
  "batch-not-stored": {
    breaks: "a batch is answered for that is not stored",
    find: 'this.outbox.persist({ kind: "batch", digest, requests: [...requests] });',
    replace: "",
    replicas,
  },
});

export const client = inFile("protocols/ezbft/client.js", {
  "reply-of-one": {
    breaks: "a client believes one replica's final answer",
    find: "replyQuorum: (f) => f + 1, leader",
    replace: "replyQuorum: (f) => f, leader",
    replicas,
  },
  "fast-with-one-missing": {
    breaks: "a client believes 3f equal answers that are not final",
    find: "if (!responses.every(isSame)) return;",
    replace: "if (responses.filter(isSame).length < responses.length - 1) return;",
    replicas,
  },
  "fast-unlike": {
    breaks: "a client believes answers with equal results that saw different things before",
    find: "areAlike(other, response, this.context.hash) && agree(other, response)",
    replace: "agree(other, response)",
    replicas,
  },
  "never-asks-others": {
    breaks: "a client that is not answered asks the same replica only",
    find: "super.retry(now); this.turns += 1;",
    replace: "this.turns += 0;",
    replicas,
  },
});

export const claims = inFile("protocols/ezbft/claims.js", {
  "order-of-anybody": {
    breaks: "anybody's signature makes an order",
    find: "this.said(space, proven.order(order, hash), proof, true)",
    replace: "true",
    replicas,
  },
  "vote-of-anybody": {
    breaks: "opinions and PREPAREs need no signature",
    find: "return this.isValue(ballot, ballot) && this.said(replica, digest, proof, true);",
    replace: "return this.isValue(ballot, ballot);",
    replicas,
  },
  "certificate-of-one": {
    breaks: "a certificate needs no quorum",
    find: "return (this.isQuorum(signatures) && signatures.every",
    replace: "return (signatures.every",
    replicas,
  },
  "report-of-anybody": {
    breaks: "a report needs no signature",
    find: "this.said(replica, proven.report(message, this.context.hash), proof, true)",
    replace: "true",
    replicas,
  },
  "few-reports": {
    breaks: "a new owner may begin with fewer reports than a quorum",
    find: "return (this.isQuorum(reports) && reports.every",
    replace: "return (reports.every",
    replicas,
  },
  "owner-of-anybody": {
    breaks: "anybody may begin a space's view",
    find: "this.said(ownerOf(space, view, n), proven.newView(message, hash), proof, true)",
    replace: "true",
    replicas,
  },
  "few-opinions": {
    breaks: "a proposal needs no quorum of opinions",
    find: "opinions.length === this.context.n - this.context.f && this.isQuorum(opinions) &&",
    replace: "opinions.length > 0 &&",
    replicas,
  },
  "frontier-not-certified": {
    breaks: "a report's frontier need not be the checkpoint's",
    find: "equalBytes(annexedDigest(rest, hash(frontier), hash), stable.digest)",
    replace: "true",
    replicas,
  },
  "stranger-proposes": {
    breaks: "anybody may propose in a space",
    find: "return this.slowPath(message) && this.isOwner(message, from);",
    replace: "return this.slowPath(message);",
    replicas,
  },
  "one-client-twice": {
    breaks: "a batch may have several bundles of one client",
    find: "return this.requests(requests, digest) && this.areOfDifferentClients(requests);",
    replace: "return this.requests(requests, digest);",
    replicas,
  },
});
