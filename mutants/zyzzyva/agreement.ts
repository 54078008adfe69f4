// Mistakes in the normal case (agreement.ts), and in what is remembered of it (evidence.ts,
// tally.ts, answers.ts).

import { inFile } from "../mutant.js";

const replicas = 4;

export const ordering = inFile("protocols/zyzzyva/agreement.js", {
  "order-not-stored": {
    breaks: "an order is executed and answered before it is stored",
    find: 'this.replica.outbox.persist({ ...message, kind: "accepted" });',
    replace: "",
    replicas,
  },
  "view-not-stored": {
    breaks: "that a view is established is not stored",
    find: "this.replica.outbox.persist(this.evidence.record);",
    replace: "",
    replicas,
  },
  "history-not-compared": {
    breaks: "an order is executed whatever history it follows on",
    find: "if (!equalBytes(history, next.history)) {",
    replace: "if (false) {",
    replicas,
  },
  "ordered-without-view": {
    breaks: "orders are executed in views that are not established",
    find: `if (!this.isEstablished || isFetching || speculated !== this.evidence.top)
            return false;`,
    replace: "if (isFetching || speculated !== this.evidence.top) return false;",
    replicas,
  },
  "certificate-of-other-history": {
    breaks: "a commit certificate of another history is acknowledged",
    find: "if (!this.evidence.has(order, history)) {",
    replace: "if (false) {",
    replicas,
  },
  "certificate-of-other-view": {
    breaks: "a commit certificate of any view is acknowledged",
    find: `if (!this.certification.isCurrent(view))
            return this.replica.outbox.drop("a certificate of another view");`,
    replace: "",
    replicas,
  },
  "local-commit-without-certificate": {
    breaks: "a commit certificate is acknowledged and not kept",
    find: "this.certification.keep(certificate); this.replica.outbox.reply(client",
    replace: "this.replica.outbox.reply(client",
    replicas,
  },
  "established-is-decided": {
    breaks: "what a view begins with counts as decided as soon as one knows it is established",
    find: "this.certification.sayReached(certificate.order);",
    replace:
      "this.certification.decidedTo = Math.max(this.certification.decidedTo, certificate.order);",
    replicas,
  },
  "tentative-answers-as-final": {
    breaks: "who asks again is told what is tentative as if it were decided",
    find: "if (order !== null) this.answerAgain(answer, order);",
    replace: "if (order !== null) this.replica.intake.reply(answer);",
    replicas,
  },
  "tentative-refusals-as-final": {
    breaks: "sessions are refused on account of what is tentative",
    find: 'else if (answer.outcome === "executed" || this.speculation.length === 0)',
    replace: "else if (true)",
    replicas,
    survives: "needs a session that expires in an order that is undone afterwards.",
  },
  "answers-while-fetching": {
    breaks: "a replica answers from a state that is about to be replaced",
    find: "if (this.state.isFetching) return; // what it answers from is about to be replaced",
    replace: "",
    replicas,
    survives: "harmless where what was tentative is undone before a state is fetched, as it is.",
  },
  "holes-not-filled": {
    breaks: "orders that others lack are not sent again when they ask",
    find: `if (!this.isEstablished || view !== this.evidence.established.view)
            return;
        let bytes = this.filledFor.get(peer) ?? 0;`,
    replace: "return; let bytes = 0;",
    replicas,
    survives: "harmless: whoever stands still is sent what it lacks without asking.",
  },
  "orders-not-resent": {
    breaks: "who stands still is not sent what it lacks",
    find: "return this.certification.isLackedBy(peer, order) ? this.sendOrder(peer, entry) : 0;",
    replace: "return 0;",
    replicas,
    survives: "harmless: whoever lacks an order asks everybody for it.",
  },
  "misbehaviour-ignored": {
    breaks: "a proof of misbehaviour has no consequence",
    find: "this.replica.views.forsake(message.one.view);",
    replace: "",
    replicas,
    survives: "only costs time: what two histories keep from being decided makes impatient too.",
  },
  "contradictions-followed": {
    breaks: "an order that contradicts the history executed is taken for proof of nothing",
    find: "if (!equalBytes(known.history, history)) this.expose(known, message);",
    replace: "",
    replicas,
    survives: "only costs time: what two histories keep from being decided makes impatient too.",
  },
  "wrong-history-kept": {
    breaks: "orders that something else was decided against are still reported",
    find: `if (entry !== undefined && !equalBytes(entry.batch, digest))
            this.evidence.refute(order);`,
    replace: "",
    replicas,
  },
  "not-executed-again": {
    breaks: "after a restart what was answered is not executed again",
    find: "if (this.isEstablished) this.catchUp(); else",
    replace: "if (!this.isEstablished)",
    replicas,
  },
  "orders-not-retained": {
    breaks: "orders are not kept with a snapshot",
    find: 'kept.push({ view, order, history, batch, proof, requests, kind: "accepted" });',
    replace: "{}",
    replicas,
  },
  "certificate-not-retained": {
    breaks: "the commit certificate is not kept with a snapshot",
    find: 'kept.push({ ...commit, kind: "certified" });',
    replace: "{}",
    replicas,
  },
  "view-not-retained": {
    breaks: "which view is established is not kept with a snapshot",
    find: "const kept = [this.evidence.record];",
    replace: "const kept = [];",
    replicas,
  },
  "rejoins-old-history": {
    breaks: "a view that begins with another history undoes nothing",
    find: "this.state.rollback(this.establishment.begin(plan));",
    replace: "this.establishment.begin(plan);",
    replicas,
  },
  "late-orders-kept": {
    breaks: "orders of the view before wait on in the next",
    find: "this.early.clear(); this.certification.restart();",
    replace: "this.certification.restart();",
    replicas,
  },
  "old-agreement-counts": {
    breaks: "what replicas said in the view before counts in the next",
    find: "this.early.clear(); this.certification.restart();",
    replace: "this.early.clear();",
    replicas,
  },
});

export const certification = inFile("protocols/zyzzyva/certification.js", {
  "certificate-not-stored": {
    breaks: "a commit certificate is acknowledged before it is stored",
    find: 'this.replica.outbox.persist({ ...certificate, kind: "certified" });',
    replace: "",
    replicas,
  },
  "decided-by-certificate": {
    breaks: "what a certificate shows counts as decided",
    find: "if (entry === undefined || !this.tally.isDecided(order, entry.history)) return;",
    replace: "if (entry === undefined) return;",
    replicas,
  },
  "nobody-compares": {
    breaks: "replicas never find out by themselves what is decided",
    find: 'this.replica.outbox.broadcast({ ...own, kind: "reached" });',
    replace: "",
    replicas,
    survives: "only costs time: whoever stands still is told how far others are.",
  },
  "compared-once": {
    breaks: "how far a replica is gets said once only",
    find: "if (this.named > executed) this.sayReached(this.named);",
    replace: "",
    replicas,
    survives: "only costs time: whoever stands still is told how far others are.",
  },
  "leader-names-nothing": {
    breaks: "the leader names no order at which replicas compare themselves",
    find: "if (this.replica.isLeading) this.named = top;",
    replace: "",
    replicas,
    survives: "only costs time: whoever stands still is told how far others are.",
  },
  "certified-said-once": {
    breaks: "that a certificate is stored gets said once only",
    find: "if ((commit?.order ?? 0) > executed) this.sayCertified();",
    replace: "",
    replicas,
    survives: "only costs time: whoever stands still is told what is certified.",
  },
});

export const evidence = inFile("protocols/zyzzyva/evidence.js", {
  "old-certificate-kept": {
    breaks: "a commit certificate of an earlier view is reported as one of the next",
    find: "this.commit = null; this.after = after;",
    replace: "this.after = after;",
    replicas,
  },
  "certificate-not-shown": {
    breaks: "reports leave the commit certificate out",
    find: "commit: this.commit === null ? [] : [this.commit],",
    replace: "commit: [],",
    replicas,
  },
  "orders-not-shown": {
    breaks: "reports leave out what the leader ordered",
    find: "ordered: all.flatMap(({ batch, proof }) => (proof === null ? [] : [{ batch, proof }])),",
    replace: "ordered: [],",
    replicas,
  },
});

export const tally = inFile("protocols/zyzzyva/tally.js", {
  "histories-not-compared": {
    breaks: "whoever executed something at an order signs for every history",
    find: "if (said === null || !equalBytes(said.history, history)) continue;",
    replace: "if (said === null) continue;",
    replicas,
  },
  "decided-by-one": {
    breaks: "one replica that has a certificate is enough for a decision",
    find: "return agreeing.length >= this.quorum;",
    replace: "return agreeing.length >= 1;",
    replicas,
  },
  "decided-by-minority": {
    breaks: "f+1 replicas that have a certificate are enough for a decision",
    find: "return agreeing.length >= this.quorum;",
    replace: "return agreeing.length > this.n - this.quorum;",
    replicas,
  },
  "decided-in-any-history": {
    breaks: "certificates of other histories count for a decision",
    find: "(other) => other !== null && equalBytes(other, history)",
    replace: "(other) => other !== null",
    replicas,
  },
});

export const answers = inFile("protocols/zyzzyva/answers.js", {
  "undone-places-kept": {
    breaks: "where bundles took effect is remembered though it was undone",
    find: "if (order > beyond) this.places.delete(key);",
    replace: "{}",
    replicas,
  },
  "askers-forgotten": {
    breaks: "who asked before its bundle was decided is not told",
    find: "return this.awaited.delete(keyOf(name));",
    replace: "return false;",
    replicas,
    survives: "only costs time: clients ask again.",
  },
});
