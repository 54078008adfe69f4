// Mistakes in what a new view must order (recovery.ts), the rule that is printed among them.

import { inFile } from "../mutant.js";

export const recovery = inFile("protocols/fab/recovery.js", {
  "printed-recovery": {
    breaks: "the rule as printed: what is vouched for and what is proved must not differ",
    find: `.filter(({ view }) => proof === null || view > proof.view);
      return vouchedFor(accepted, vouchers) ?? proof?.batch ?? "free";`,
    replace: `;
      const vouched = vouchedFor(accepted, vouchers);
      const proved = reported.map(({ proofs }) => proofs.get(order)?.batch);
      const values = [vouched, ...proved].filter((batch) => batch);
      if (new Set(values.map(toHex)).size > 1) return null;
      return values[0] ?? "free";`,
  },
  "proof-always-wins": {
    breaks: "a commit proof wins whatever was accepted after it",
    find: 'return vouchedFor(accepted, vouchers) ?? proof?.batch ?? "free";',
    replace: 'return proof?.batch ?? vouchedFor(accepted, vouchers) ?? "free";',
  },
  "count-always-wins": {
    breaks: "what enough replicas accepted wins whatever was proved after it",
    find: ".filter(({ view }) => proof === null || view > proof.view);",
    replace: ";",
  },
});
