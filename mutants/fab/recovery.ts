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
});
