// Mistakes in what a new view must order (recovery.ts), the rule that is printed among them.

import { inFile } from "../mutant.js";

export const recovery = inFile("protocols/fab/recovery.js", {
  "printed-recovery": {
    breaks: "the rule as printed: what is vouched for and what is proved must not differ",
    find: `.filter(({ view }) => proof === null || view > proof.view);
      const vouched = vouchedFor(accepted, reported.length - absent);
      return vouched ?? proof?.batch ?? "free";`,
    replace: `;
      const known = [...accepted, ...reported.map(({ proofs }) => proofs.get(order))];
      const isVouchedFor = (batch) =>
        accepted.filter((ballot) => toHex(ballot.batch) === batch).length > absent;
      const isProved = (batch) =>
        reported.some(({ proofs }) => toHex(proofs.get(order)?.batch ?? []) === batch);
      const batches = new Map(known.flatMap((one) => one ? [[toHex(one.batch), one.batch]] : []));
      const values = [...batches].filter(([key]) => isVouchedFor(key) || isProved(key));
      if (values.length > 1) return null;
      return values[0]?.[1] ?? "free";`,
  },
  "proof-always-wins": {
    breaks: "a commit proof wins whatever was accepted after it",
    find: 'return vouched ?? proof?.batch ?? "free";',
    replace: 'return proof?.batch ?? vouched ?? "free";',
  },
  "count-always-wins": {
    breaks: "what enough replicas accepted wins whatever was proved after it",
    find: ".filter(({ view }) => proof === null || view > proof.view);",
    replace: ";",
  },
  "one-absent-more": {
    breaks: "one reporter fewer than it takes is enough",
    find: "chosenAt(order, reported, f + t)",
    replace: "chosenAt(order, reported, f + t + 1)",
  },
  "all-must-vouch": {
    breaks: "only what all reporters accepted is proposed again",
    find: "chosenAt(order, reported, f + t)",
    replace: "chosenAt(order, reported, 0)",
  },
  "proof-of-same-view-loses": {
    breaks: "what was accepted in the view of a proof counts against it",
    find: "view > proof.view);",
    replace: "view >= proof.view);",
  },
  "lowest-proof": {
    breaks: "the oldest commit proof counts",
    find: "b.view - a.view",
    replace: "a.view - b.view",
  },
  "proofs-ignored": {
    breaks: "commit proofs do not count",
    find: 'return vouched ?? proof?.batch ?? "free";',
    replace: 'return vouched ?? "free";',
  },
  "counts-ignored": {
    breaks: "what was accepted does not count",
    find: 'return vouched ?? proof?.batch ?? "free";',
    replace: 'return proof?.batch ?? "free";',
  },
  "first-proof-kept": {
    breaks: "a replica keeps its first commit proof of an order",
    find: "this.proofs.set(proof.order, proof);",
    replace: "if (!this.proofs.has(proof.order)) this.proofs.set(proof.order, proof);",
  },
  "first-acceptance-kept": {
    breaks: "a replica reports what it accepted first",
    find: "this.accepted.set(order, { view, order, batch });",
    replace: "if (!this.accepted.has(order)) this.accepted.set(order, { view, order, batch });",
  },
  "past-never-forgotten": {
    breaks: "a replica reports what lies before the stable checkpoint",
    find: "if (order <= upTo) this.accepted.delete(order);",
    replace: "",
  },
});
