// Mistakes in leaving a view and finding the next (view-changer.ts).

import { inFile } from "../mutant.js";

export const views = inFile("protocols/hybster/view-changer.js", {
  "acknowledgements-skipped": {
    breaks: "a view counts as established on one acknowledgement (H4)",
    find: "if (acknowledgements.length < this.quorum)",
    replace: "if (acknowledgements.length < 1)",
  },
  "uncertified-leave": {
    breaks: "a view that was not established is left without its certificate (H4)",
    find: "else if (this.isEstablished) {",
    replace: "else {",
    survives:
      "needs a view that begins for one replica alone, and a next one that begins without " +
      "it (H4): no seed had it; a story does.",
  },
  "certified-view-left-at-once": {
    breaks: "a view is left as soon as it has its certificate",
    find: "certificate[0].to < agreed",
    replace: "certificate[0].to <= agreed",
    survives:
      "needs a liar that has two replicas leap over each other, view by view: no seed had " +
      "it; a story does.",
  },
  "certified-view-not-entered": {
    breaks: "a certificate for a view beyond one's own is not followed into that view",
    find: "certificate[0].to > this.view",
    replace: "false",
    survives:
      "needs a certificate that reaches one replica alone, from a liar that says no more: " +
      "no seed had it; a story does.",
  },
  "suspicion-unsaid": {
    breaks: "a replica does not say that it suspects",
    find: "return Math.max(this.view, this.suspicions.of(this.self));",
    replace: "return this.view;",
  },
  "certificate-history-ignored": {
    breaks: "a replica that leaves with a certificate reports only what it saw itself",
    find: "history = laterHistory(history, decision.history);",
    replace: "",
    survives:
      "needs a certificate with a later history than that of who leaves with it, whose " +
      "authors then keep silent: no seed had it; a story does.",
  },
  "certificate-stable-ignored": {
    breaks: "a replica that leaves with a certificate keeps its own, older checkpoint",
    find: "this.host.state.adoptStable(decision.stable); this.host.storePlan(decision); history =",
    replace: "this.host.storePlan(decision); history =",
    survives:
      "needs a certificate with a later checkpoint than that of who leaves with it, whose " +
      "authors then keep silent: no seed had it; a story does.",
  },
  "adopted-batches-not-stored": {
    breaks: "what a replica reports because another did is lost in a crash: nobody can give it",
    find: "this.host.storePlan(decision); history =",
    replace: "history =",
    survives:
      "needs a crash of the only correct replica that holds what a liar proposed and now " +
      "denies: no seed had it; a story does.",
  },
  "ticket-not-stored": {
    breaks: "the certificate with which a view was left is not stored",
    find: 'this.host.outbox.persist({ viewChanges: [...certificate], kind: "ticket" });',
    replace: "",
  },
  "departure-not-stored": {
    breaks: "a replica's view change is not stored",
    find: 'this.host.outbox.persist({ ...message, kind: "left" });',
    replace: "",
  },
  "departure-sent-before-stored": {
    breaks: "a replica sends its view change before it stores it",
    find: `this.host.outbox.persist({ ...message, kind: "left" });
      this.host.outbox.broadcast({ ...message, kind: "view-change" });`,
    replace: `this.host.outbox.broadcast({ ...message, kind: "view-change" });
      this.host.outbox.persist({ ...message, kind: "left" });`,
  },
  "certificate-not-forgotten": {
    breaks: "a replica enters a view with the certificate of the one before",
    find: "this.certificate = null; this.newView = null;",
    replace: "this.newView = null;",
  },
  "new-view-not-forgotten": {
    breaks: "a replica enters a view with the NEW-VIEW of the one before",
    find: "this.certificate = null; this.newView = null;",
    replace: "this.certificate = null;",
  },
  "certified-by-one": {
    breaks: "one view change makes a certificate",
    find: "if (usable.length < this.quorum)",
    replace: "if (usable.length < 1)",
  },
  "certified-without-batches": {
    breaks: "a view change counts although its batches are missing here",
    find: "&& this.host.fetchMissing(message, replica) === 0",
    replace: "",
  },
  "new-view-position-not-stored": {
    breaks: "a leader does not store that it announced a view",
    find: `this.host.outbox.persist({
      kind: "position", attestation: toWire(attestation), digest });`,
    replace: "",
    survives:
      "needs a leader that crashes as it announces a view, and announces it again to " +
      "others, otherwise: no seed had it; a story does.",
  },
  "new-view-without-batches": {
    breaks: "a NEW-VIEW is acknowledged although batches of its plan are missing",
    find: "if (this.host.fetchMissing(this.planned(decision), from) > 0)",
    replace: "if (false)",
    survives:
      "needs a liar that leads twice with no view between that began, and proposes the " +
      "first time what it never shows; otherwise a leader has what it announces.",
  },
  "plan-not-stored": {
    breaks: "a plan is acknowledged and not stored",
    find: "this.host.storePlan(decision); const message",
    replace: "const message",
    survives:
      "needs a crash of all correct replicas that hold a batch which only a view's plan " +
      "names: no seed had it; a story does.",
  },
  "newest-acknowledgement-lost": {
    breaks: "a replica's first acknowledgement is kept, and later ones are not",
    find: ".get(replica)?.view ?? 0) >= message.view)",
    replace: ".get(replica)?.view ?? 0) > 0)",
  },
  "acknowledged-views-mixed": {
    breaks: "acknowledgements of other views count",
    find: "message.view === this.view && message.base === base",
    replace: "message.base === base",
  },
  "acknowledged-plans-mixed": {
    breaks: "acknowledgements of another plan count",
    find: "&& equalBytes(message.plan, plan)",
    replace: "",
    survives: "needs two plans of one view, and a leader's counter announces one: a story does.",
  },
  "established-before-its-base": {
    breaks: "a replica takes part in a view whose first order it has not reached",
    find: "if (isOld || this.host.state.stable.order < message.base)",
    replace: "if (isOld)",
    survives:
      "needs a replica that joins a view whose first order it has not reached while its " +
      "peers have gone on: no seed had it; a story does.",
  },
  "missed-view-ignored": {
    breaks: "a view that a replica missed and wants to be beyond teaches it nothing",
    find: "return this.learnFrom(message);",
    replace: "return;",
  },
  "missed-view-log-kept": {
    breaks: "a view that a replica missed is learnt with the proposals of the one before",
    find: 'kind: "established" }); this.host.clearLog();',
    replace: 'kind: "established" });',
    survives:
      "needs a replica that learns of a view late and holds other proposals for the same " +
      "orders: no seed had it; a story does.",
  },
  "established-not-stored": {
    breaks: "a replica does not store in which view it takes part",
    find: `this.host.outbox.persist({ ...established, kind: "established" });
      this.host.outbox.observe`,
    replace: "this.host.outbox.observe",
  },
  "established-not-resent": {
    breaks: "a peer that missed a view is not sent its proof",
    find: 'outbox.send(peer, { ...established, kind: "established" });',
    replace: "",
  },
  "certificate-not-resent": {
    breaks: "a peer left behind is not sent the certificate that lets it follow",
    find: 'outbox.send(peer, { kind: "certificate", viewChanges: [...this.ticket] });',
    replace: "",
  },
  "view-change-not-resent": {
    breaks: "a view change is sent once",
    find: 'outbox.send(peer, { ...own, kind: "view-change" });',
    replace: "{}",
  },
  "new-view-not-resent": {
    breaks: "a NEW-VIEW is sent once",
    find: 'outbox.send(peer, { ...this.newView, kind: "new-view" });',
    replace: "{}",
    survives:
      "costs a view at most: who has a certificate for the view and hears no NEW-VIEW suspects " +
      "its leader, and the next view has another.",
  },
  "new-view-awaited-for-ever": {
    breaks: "a leader that does not announce its view is never suspected",
    find: "return this.certificate === null ? null : this.certifiedSince;",
    replace: "return null;",
  },
  "left-history-not-restored": {
    breaks: "after a restart, a replica has forgotten what it reported",
    find: "this.leftHistory = { established, prepares };",
    replace: "",
    survives:
      "needs two restarts and a saved state within one view that fails: such a view is left with " +
      "its certificate, whose history is as late (H4), and only batches can be missed.",
  },
  "own-view-change-not-restored": {
    breaks: "after a restart, a replica has forgotten its view change",
    find: "this.suspicions.note(this.self, message.to); this.viewChanges.set(this.self, message);",
    replace: "this.suspicions.note(this.self, message.to);",
  },
  "established-not-restored": {
    breaks: "after a restart, a replica has forgotten the view it takes part in",
    find: "this.established = established; if (!this.isEstablished)",
    replace: "if (!this.isEstablished)",
  },
  "established-not-retained": {
    breaks: "a saved state does not say in which view the replica takes part",
    find: "if (this.established.view > 0)",
    replace: "if (false)",
  },
  "departure-not-retained": {
    breaks: "a saved state does not say that the replica left its view",
    find: "if (own !== undefined && own.to > this.established.view)",
    replace: "if (false)",
  },
  "ticket-not-retained": {
    breaks: "a saved state does not hold the certificate with which the view was left",
    find: 'if (this.ticket !== null) kept.push({ viewChanges: [...this.ticket], kind: "ticket" });',
    replace: "",
    survives:
      "needs a saved state in a view left with a certificate, and a peer behind it that " +
      "nobody else can help.",
  },
});
