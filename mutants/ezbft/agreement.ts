// Mistakes in the slow path of a space (agreement.ts), in what stands where (slots.ts), and in what
// is said again (reminders.ts).

import { inFile } from "../mutant.js";

const replicas = 4;

export const agreement = inFile("protocols/ezbft/agreement.js", {
  "E1-one-message-decides": {
    breaks: "what an owner proposes is decided at once, as the thesis has it (E1)",
    find: "if (isKnown) this.prepare(slot, value);",
    replace: "if (isKnown) this.decide(slot, value);",
    replicas,
  },
  "votes-quorum-short": {
    breaks: "one vote too few makes a certificate and a decision",
    find: "this.quorum = context.n - context.f;",
    replace: "this.quorum = context.n - context.f - 1;",
    replicas,
  },
  "prepared-twice": {
    breaks: "a second PREPARE is sent for a slot in one view",
    find: "if (slot.prepared?.view === view || slot.certificate?.view === view) return;",
    replace: "",
    replicas,
  },
  "proposal-replaced": {
    breaks: "a second proposal for a slot takes the place of the first, and is prepared as well",
    find: "slot.proposal ??= message; this.tryPrepare(slot);",
    replace: "slot.proposal = message; slot.prepared = null; this.tryPrepare(slot);",
    replicas,
  },
  "prepared-not-stored": {
    breaks: "a PREPARE is sent before it is stored",
    find: 'this.space.outbox.persist({ ...slot.prepared, kind: "prepared" });',
    replace: "",
    replicas,
  },
  "certificate-not-stored": {
    breaks: "a COMMIT is sent before its certificate is stored",
    find: 'this.space.outbox.persist({ ...slot.certificate, kind: "certified" });',
    replace: "",
    replicas,
  },
  "decision-not-stored": {
    breaks: "a decision is not stored",
    find: `this.space.outbox.persist({
      kind: "decided", space: this.space.id, slot: slot.slot, ...value });`,
    replace: "",
    replicas,
  },
  "proposal-not-stored": {
    breaks: "an owner may propose twice, once in each life",
    find: 'this.space.outbox.persist({ ...made, kind: "proposed" });',
    replace: "",
    replicas,
  },
  "one-says-decided": {
    breaks: "what one replica says was decided is believed",
    find: "if (votersFor(slot.hearsay, message).length > this.context.f)",
    replace: "if (votersFor(slot.hearsay, message).length >= this.context.f)",
    replicas,
  },
  "commit-of-any-view": {
    breaks: "COMMITs of different views count together",
    find: "onCommit(from, ballot) { if (!this.isCurrent(ballot)) return;",
    replace: "onCommit(from, ballot) { if (!this.space.slots.isInWindow(ballot.slot)) return;",
    replicas,
  },
  "voted-while-leaving": {
    breaks: "PREPAREs of a view that was left still make certificates, after the report",
    find: "if (!this.space.views.isInView || slot.certificate?.view === message.view) return;",
    replace: "if (slot.certificate?.view === message.view) return;",
    replicas,
  },
  "proposal-without-evidence": {
    breaks: "an owner puts to the vote opinions that name what nobody ordered (E7)",
    find: ".filter(({ dependencies }) => this.space.replica.precedence.isEvident(dependencies))",
    replace: "",
    replicas,
  },
  "opinions-of-another-batch": {
    breaks: "what was said of another batch at a slot counts for this one",
    find: ".filter((one) => one !== null && equalBytes(one.batch, said.batch))",
    replace: ".filter((one) => one !== null)",
    replicas,
  },
  "vote-without-batch": {
    breaks: "a batch is voted for that is not here",
    find: "batches.get(value.batch) !== null && precedence.isEvident",
    replace: "precedence.isEvident",
    replicas,
  },
  "vote-without-evidence": {
    breaks: "dependencies are voted for that nobody ordered (E7)",
    find: "batches.get(value.batch) !== null && precedence.isEvident(value.dependencies);",
    replace: "batches.get(value.batch) !== null;",
    replicas,
  },
  "votes-not-tried-again": {
    breaks: "a proposal that waits for what it names is forgotten",
    find: "this.propose(slot); this.tryPrepare(slot); } }",
    replace: "} }",
    replicas,
  },
  "votes-for-anything": {
    breaks: "votes for one batch with different dependencies and numbers count together",
    find: "const votes = votersFor(slot.commits, ballot);",
    replace: "const votes = slot.commits.filter((one) => one !== null);",
    replicas,
  },
});

export const slots = inFile("protocols/ezbft/slots.js", {
  "sequence-of-what-was-recorded": {
    breaks: "numbers of what was recorded count where something else was decided",
    find: "decided?.sequence ?? sequence",
    replace: "sequence",
    replicas,
  },
  "decided-without-batch": {
    breaks: "a slot counts as settled before its batch is here",
    find: "decided !== null && recorded !== null && equalBytes(decided.batch, recorded)",
    replace: "decided !== null && recorded !== null",
    replicas,
  },
  "undecided-kept": {
    breaks: "what stands above a plan's end is kept in a new view",
    find: "if (slot.slot <= last) continue; slot.recorded = null;",
    replace: "continue; slot.recorded = null;",
    replicas,
  },
  "sequence-forgotten": {
    breaks: "numbers below the checkpoint are forgotten with their slots",
    find: "this.baseSequence = Math.max(this.baseSequence, sequence);",
    replace: "",
    replicas,
  },
});

export const reminders = inFile("protocols/ezbft/reminders.js", {
  "told-as-often-as-asked": {
    breaks: "whoever asks for orders is sent them, however often it asks",
    find: "if (this.sent.orders.has(from)) return;",
    replace: "",
    replicas,
  },
  "helped-as-often-as-heard": {
    breaks: "a peer is sent decisions whenever it says where it stands",
    find: "if (this.sent.decisions.has(peer)) return;",
    replace: "",
    replicas,
    survives: "It only costs messages, where asking for orders is bounded.",
  },
  "votes-not-repeated": {
    breaks: "what has led to no decision is not said again",
    find: "for (const slot of old.slice(0, resendSlots)) this.repeat(slot);",
    replace: "{ }",
    replicas,
  },
  "nobody-helps": {
    breaks: "a peer that does not get on is not told what was decided",
    find: "if (decided !== null) outbox.send(peer,",
    replace: "if (false) outbox.send(peer,",
    replicas,
  },
});
