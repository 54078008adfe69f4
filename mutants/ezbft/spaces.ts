// Mistakes in orders, answers and owner changes (space.ts, owner-change.ts, precedence.ts), and
// in the order of execution (parts/dependency-graph.ts).

import { inFile } from "../mutant.js";

const replicas = 4;

export const space = inFile("protocols/ezbft/space.js", {
  "E4-no-dependency-round": {
    breaks: "a new owner settles what f+1 answered alike without asking what interferes (E4)",
    find: "else this.sayAgain(slot, value);",
    replace: "else this.agreement.prepare(slot, value);",
    replicas,
  },
  "E6-frozen": {
    breaks: "a space that was taken from its owner is never given back (E6)",
    find: "views.wish(views.view + n - (views.view % n));",
    replace: "",
    replicas,
  },
  "own-dependencies-only": {
    breaks: "an owner's word for what comes before its order is ignored",
    find: "const dependencies = order.dependencies.map((slot, of) => Math.max(slot, own[of]));",
    replace: "const dependencies = own;",
    replicas,
  },
  "owner-alone-knows": {
    breaks: "what a replica saw before an order is not said: only the owner's word counts",
    find: "const dependencies = order.dependencies.map((slot, of) => Math.max(slot, own[of]));",
    replace: "const dependencies = order.dependencies;",
    replicas,
  },
  "sequence-of-the-owner": {
    breaks: "an answer's number is the owner's, whatever else comes before here",
    find: "const sequence = Math.max(order.sequence, precedence.sequenceAfter(dependencies));",
    replace: "const { sequence } = order;",
    replicas,
  },
  "answer-not-stored": {
    breaks: "what was answered to an order is not stored",
    find: 'this.outbox.persist({ kind: "acked", order, dependencies, sequence });',
    replace: "",
    replicas,
  },
  "again-not-stored": {
    breaks: "what was said in a new view is not stored",
    find: 'this.outbox.persist({ ...slot.said, kind: "again" });',
    replace: "",
    replicas,
  },
  "again-without-the-old": {
    breaks: "in a new view only what was seen here is said, without what was answered before",
    find: "dependencies: dependencies.map((last, of) => Math.max(last, own[of])),",
    replace: "dependencies: own,",
    replicas,
  },
  "early-without-evidence": {
    breaks: "orders are taken whose dependencies nobody ordered (E7)",
    find: "if (isVotable && !this.replica.precedence.isEvident(next.dependencies)) return;",
    replace: "",
    replicas,
  },
  "second-order-taken": {
    breaks: "two orders of an owner for one place are no proof",
    find: 'this.replica.onMisbehaviour({ kind: "misbehaviour", one: a, other: b });',
    replace: "",
    replicas,
  },
  "orders-of-other-views": {
    breaks: "orders of a view that was left are answered",
    find: "onSpecOrder(message) { if (!this.agreement.isVotable(message)) return;",
    replace: "onSpecOrder(message) { if (!this.slots.isInWindow(message.slot)) return;",
    replicas,
  },
  "reports-no-certificates": {
    breaks: "a report shows no prepared certificate",
    find: "prepared: certificate === null ? [] : [certificate],",
    replace: "prepared: [],",
    replicas,
  },
  "reports-no-answers": {
    breaks: "a report shows no answer",
    find: "acked: order === null || answer === null ? [] : [{ view: order.view, ...answer }],",
    replace: "acked: [],",
    replicas,
  },
  "reports-no-waiting": {
    breaks: "a report does not say up to where others wait for the space",
    find: "const last = Math.max(this.slots.highest, this.needed, ...this.early.keys());",
    replace: "const last = this.slots.top;",
    replicas,
  },
  "plan-decided-again": {
    breaks: "what a plan has takes the place of what was decided",
    find: "if (slot.decided === null) this.stand(slot, value);",
    replace: "slot.decided = null; this.stand(slot, value);",
    replicas,
  },
  "votes-outlive-views": {
    breaks: "votes and opinions of one view count in the next",
    find: "for (const slot of this.slots.all()) beginSlot(slot);",
    replace: "",
    replicas,
  },
  "never-suspects": {
    breaks: "nobody suspects an owner that orders nothing any more (E5)",
    find: "if (views.wanted === views.view) views.suspect();",
    replace: "",
    replicas,
  },
  "suspects-without-patience": {
    breaks: "an owner is suspected as soon as anything waits",
    find: "if (since === null || this.now - since < this.patienceMs) return;",
    replace: "if (since === null) return;",
    replicas,
  },
  "patience-does-not-grow": {
    breaks: "nobody becomes more patient when owners fail",
    find: "Math.min(patienceMs * 2 ** Math.min(this.failures, 20), patienceMsMax)",
    replace: "patienceMs",
    replicas,
  },
  "votes-forgotten": {
    breaks: "after a restart a replica does not know what it prepared",
    find: 'case "prepared": slot.prepared = record; return;',
    replace: 'case "prepared": return;',
    replicas,
  },
  "certificates-forgotten": {
    breaks: "after a restart a replica does not know what it committed to",
    find: 'case "certified": slot.certificate = record; return;',
    replace: 'case "certified": return;',
    replicas,
  },
  "certificates-not-kept": {
    breaks: "certificates are not kept beside a checkpoint",
    find: 'if (certificate !== null) kept.push({ ...certificate, kind: "certified" });',
    replace: "",
    replicas,
  },
  "decisions-not-kept": {
    breaks: "decisions are not kept beside a checkpoint",
    find: 'if (decided !== null) kept.push({ kind: "decided", space, slot, ...decided });',
    replace: "",
    replicas,
  },
  "answers-not-kept": {
    breaks: "answers are not kept beside a checkpoint",
    find: 'if (order !== null && answer !== null) kept.push({ kind: "acked", order, ...answer });',
    replace: "",
    replicas,
  },
});

export const ownerChange = inFile("protocols/ezbft/owner-change.js", {
  "E2-largest-sequence": {
    breaks: "the number of an instance is the largest that anybody says (E2)",
    find: ".toSorted((a, b) => b - a)[f]",
    replace: ".toSorted((a, b) => b - a)[0]",
    replicas,
  },
  "smallest-sequence": {
    breaks: "the number of an instance is the smallest that anybody says",
    find: ".toSorted((a, b) => b - a)[f]",
    replace: ".toSorted((a, b) => a - b)[0]",
    replicas,
  },
  "E5-no-noop": {
    breaks: "a slot of which nothing is certain is left as it is (E5)",
    find: "slots.push({ slot, ...choose(entries, f, n, noop) });",
    replace: `const one = choose(entries, f, n, noop);
      if (one.value.batch !== noop) slots.push({ slot, ...one });`,
    replicas,
  },
  "first-dependencies": {
    breaks: "the first opinion says alone what comes before",
    find: ".reduce((a, b) => a.map((slot, space) => Math.max(slot, b[space])));",
    replace: ".at(0);",
    replicas,
  },
  "fewest-dependencies": {
    breaks: "only what everybody names comes before",
    find: ".reduce((a, b) => a.map((slot, space) => Math.max(slot, b[space])));",
    replace: ".reduce((a, b) => a.map((slot, space) => Math.min(slot, b[space])));",
    replicas,
  },
  "one-answer-stands": {
    breaks: "one answer to an order is enough for a new owner",
    find: "return same.length >= f + 1;",
    replace: "return same.length >= f;",
    replicas,
  },
  "answers-unlike": {
    breaks: "answers count as alike that name other instances",
    find: "other.view === one.view && isSame(other, one)",
    replace: "other.view === one.view && other.batch.every((byte, i) => byte === one.batch[i])",
    replicas,
  },
  "answers-of-any-view": {
    breaks: "answers to orders of different views count together",
    find: "other.view === one.view && isSame(other, one)",
    replace: "isSame(other, one)",
    replicas,
  },
  "lowest-certificate": {
    breaks: "of certificates the one of the lowest view counts",
    find: "b.view > a.view ? b : a",
    replace: "b.view < a.view ? b : a",
    replicas,
  },
  "certificates-ignored": {
    breaks: "what was answered alike counts for more than what was prepared",
    find: "if (certain !== null && certain.view >= (possible?.view ?? 0)) {",
    replace: "if (certain !== null && possible === null) {",
    replicas,
  },
  "old-certificate-first": {
    breaks: "a certificate counts for more than later answers",
    find: "if (certain !== null && certain.view >= (possible?.view ?? 0)) {",
    replace: "if (certain !== null) {",
    replicas,
  },
  "answers-ignored": {
    breaks: "a new owner makes empty what was not prepared, whatever was answered",
    find: "if (possible !== null) return { value: valueIn(possible), isPrepared: false };",
    replace: "",
    replicas,
  },
});

export const precedence = inFile("protocols/ezbft/precedence.js", {
  "E7-no-evidence": {
    breaks: "whatever anybody names counts as ordered (E7)",
    find: "return dependencies.every((slot, space) => slot <= this.spaces[space].slots.top);",
    replace: "return true;",
    replicas,
  },
  "needs-nothing": {
    breaks: "nobody waits for what a decision names",
    find: "dependencies.forEach((slot, space) => this.spaces[space].need(slot));",
    replace: "",
    replicas,
  },
  "sequence-not-above": {
    breaks: "a number is the largest of what comes before, as the thesis prints it",
    find: "return 1 + Math.max(0, ...highest);",
    replace: "return Math.max(0, ...highest);",
    replicas,
  },
  "barriers-interfere-with-nothing": {
    breaks: "a barrier comes after nothing",
    find: 'this.batches.isBarrier(digest) ? "everything" :',
    replace: "",
    replicas,
  },
});

export const graph = inFile("parts/dependency-graph.js", {
  "woken-once": {
    breaks: "what waits for a slot, and goes on waiting when that is committed, is forgotten",
    find: "other.waitsFor = null;",
    replace: "",
    replicas,
  },
  "after-a-barrier-by-number": {
    breaks: "in a cycle, what comes after a barrier is ordered by numbers alone",
    find: "...others, ...inTurn(after)]",
    replace: "...others, ...after]",
    replicas,
  },
  "cycle-in-no-order": {
    breaks: "within a cycle numbers do not matter",
    find: "const sorted = component.toSorted(bySequence);",
    replace: "const sorted = [...component];",
    replicas,
  },
  "barrier-by-number": {
    breaks: "what comes before a barrier in a cycle depends on numbers",
    find: "const barrier = sorted.find(({ isBarrier }) => isBarrier);",
    replace: "const barrier = undefined;",
    replicas,
  },
});
