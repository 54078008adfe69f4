// Mistakes in what a new view begins with (view-change.ts), the rules that are printed among them.

import { inFile } from "../mutant.js";

const allReports = `const told = reports.map((report) => toldBy(report, hash));
    const committed = told.reduce((a, b) => (b.commit > a.commit ? b : a));
    const certain = committed.commit;`;

export const decisions = inFile("protocols/zyzzyva/view-change.js", {
  "printed-view-change": {
    breaks: "commit certificates are compared without their views, the longest wins (Z1)",
    find: `const told = reports
        .filter((report) => report.established.view === established.view)
        .map((report) => toldBy(report, hash));
      const committed = told.reduce((a, b) => (b.commit > a.commit ? b : a));
      const certain = Math.max(established.order, committed.commit);`,
    replace: allReports,
    replicas: 4,
  },
  "orders-before-certificates": {
    breaks: "what f+1 replicas report wins over commit certificates (Z1, the other preference)",
    find: `const told = reports
        .filter((report) => report.established.view === established.view)
        .map((report) => toldBy(report, hash));
      const committed = told.reduce((a, b) => (b.commit > a.commit ? b : a));
      const certain = Math.max(established.order, committed.commit);`,
    replace: `const told = reports.map((report) => toldBy(report, hash));
      const committed = told.reduce((a, b) => (b.commit > a.commit ? b : a));
      const isSupported = supported(stable.order + 1, null, told, f, hash) !== null;
      const certain = isSupported ? 0 : committed.commit;`,
    replicas: 4,
  },
  "lowest-established-view": {
    breaks: "the history is that of the lowest established view reported",
    find: "b.established.view > a.established.view ? b : a",
    replace: "b.established.view < a.established.view ? b : a",
    replicas: 4,
  },
  "certificates-ignored": {
    breaks: "commit certificates are not looked at",
    find: "const certain = Math.max(established.order, committed.commit);",
    replace: "const certain = established.order;",
    replicas: 4,
  },
  "shortest-certificate": {
    breaks: "the shortest commit certificate counts",
    find: "(b.commit > a.commit ? b : a)",
    replace: "(b.commit < a.commit ? b : a)",
    replicas: 4,
  },
  "base-ignored": {
    breaks: "what the established view began with is not certain",
    find: "const certain = Math.max(established.order, committed.commit);",
    replace: "const certain = committed.commit;",
    replicas: 4,
  },
  "support-of-one": {
    breaks: "an order that one replica reports is taken",
    find: "support(entry) > f",
    replace: "support(entry) > 0",
    replicas: 4,
    survives:
      "harmless: what only one reports was completed by nobody, and its leader did sign it; " +
      "what was completed f+1 report, and the larger number wins.",
  },
  "support-of-too-many": {
    breaks: "an order is taken only if 2f+1 report it",
    find: "support(entry) > f",
    replace: "support(entry) > 2 * f",
    replicas: 4,
  },
  "support-not-counted": {
    breaks: "of several supported orders any is taken",
    find: "support(b) - support(a) ||",
    replace: "",
    replicas: 4,
    survives: "harmless: with 2f+1 reports only one order of a place has f+1.",
  },
  "history-not-followed": {
    breaks: "an order counts whatever was chosen before it",
    find: "before === null || equalBytes(history, extendHistory(before.history, batch, hash))",
    replace: "true",
    replicas: 4,
  },
  "oldest-stable": {
    breaks: "the new view begins at the oldest stable checkpoint reported",
    find: "b.stable.order > a.stable.order ? b : a",
    replace: "b.stable.order < a.stable.order ? b : a",
    replicas: 4,
  },
  "last-order-dropped": {
    breaks: "the last order that is certain or supported is left out",
    find: "return { base, last: base + batches.length, batches, stable };",
    replace: `batches.pop();
      return { base, last: base + batches.length, batches, stable };`,
    replicas: 4,
  },
});
