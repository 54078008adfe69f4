// Mistakes in what is checked of messages (claims.ts), in how views are established
// (establishment.ts), in clients (client.ts) and in speculation (parts/speculation.ts).

import { inFile } from "../mutant.js";

const replicas = 4;

export const claims = inFile("protocols/zyzzyva/claims.js", {
  "certificates-unsigned": {
    breaks: "certificates of too few replicas are believed",
    find: "return (this.isQuorum(signatures) && signatures",
    replace: "return (signatures",
    replicas,
  },
  "signatures-unchecked": {
    breaks: "nobody checks the signatures of certificates",
    find: "signatures.every(({ replica, proof }) => this.said(replica, digest, proof, true))",
    replace: "true",
    replicas,
  },
  "order-unsigned": {
    breaks: "anybody may order",
    find: "return order > 0 && this.said(leaderOf(view, this.context.n), digest, proof, true);",
    replace: "return order > 0;",
    replicas,
  },
  "reached-unsigned": {
    breaks: "how far replicas are is not checked to be theirs",
    find: `const digest = proven.reached({ view, order, history }, this.context.hash);
        return order > 0 && this.said(replica, digest, proof, true);`,
    replace: "return order > 0;",
    replicas,
  },
  "history-incoherent": {
    breaks: "reports need not lead to what their certificates say",
    find: "this.isCoherent(message) &&",
    replace: "",
    replicas,
  },
  "reported-orders-unsigned": {
    breaks: "reports may tell of orders that their leader never signed",
    find: "this.order({ view, order, history, batch, proof: proof })",
    replace: "true",
    replicas,
  },
  "misbehaviour-unproven": {
    breaks: "a proof of misbehaviour need not contain two different orders",
    find: `!(equalBytes(one.history, other.history) && equalBytes(one.batch, other.batch)) &&`,
    replace: "",
    replicas,
  },
  "certificate-of-any-view-reported": {
    breaks: "a report may show a commit certificate of another view than its history",
    find: "certificate.view === view && isThere(certificate)",
    replace: "isThere(certificate)",
    replicas,
  },
});

export const establishment = inFile("protocols/zyzzyva/establishment.js", {
  "established-by-minority": {
    breaks: "f+1 confirmations establish a view",
    find: "if (signatures.length < n - f) return null;",
    replace: "if (signatures.length < f + 1) return null;",
    replicas,
  },
  "confirmations-not-compared": {
    breaks: "confirmations of other histories count",
    find: "view === own.view && order === own.order && equalBytes(history, own.history)",
    replace: "view === own.view",
    replicas,
  },
  "confirmed-once": {
    breaks: "confirmations are not said again",
    find: `if (this.plan === null || this.own === null || !this.replica.views.isInView)
            return;
        this.replica.outbox`,
    replace: "return; this.replica.outbox",
    replicas,
  },
  "begun-with-less": {
    breaks: "what a view begins with is executed without its last order",
    find: "while (state.speculated < last && state.speculated >= base)",
    replace: "while (state.speculated < last - 1 && state.speculated >= base)",
    replicas,
  },
});

export const client = inFile("protocols/zyzzyva/client.js", {
  "fast-path-of-a-quorum": {
    breaks: "2f+1 equal answers complete a request",
    find: "if (agreeing.length === this.context.n) {",
    replace: "if (agreeing.length >= this.quorum2f) {",
    replicas,
  },
  "points-not-compared": {
    breaks: "equal results complete a request, whatever was executed before it",
    find: "samePoint(a, b) && agree(a, b)",
    replace: "agree(a, b)",
    replicas,
  },
  "results-not-compared": {
    breaks: "equal histories complete a request, whatever the results",
    find: "samePoint(a, b) && agree(a, b)",
    replace: "samePoint(a, b)",
    replicas,
  },
  "one-local-commit": {
    breaks: "one LOCAL-COMMIT completes a request",
    find: "if (vouching.length >= this.quorum2f)",
    replace: "if (vouching.length >= 1)",
    replicas,
  },
  "few-local-commits": {
    breaks: "f+1 LOCAL-COMMITs complete a request",
    find: "if (vouching.length >= this.quorum2f)",
    replace: "if (vouching.length > this.context.f)",
    replicas,
  },
  "local-commits-of-any-point": {
    breaks: "LOCAL-COMMITs of other certificates count",
    find: "if (certificate === null || !samePoint(certificate, message)) return;",
    replace: "if (certificate === null) return;",
    replicas,
  },
  "signatures-shown-unchecked": {
    breaks: "clients show whatever replicas sent as signatures",
    find: "response.isChecked ||= this.context.isAuthentic(claim);",
    replace: "response.isChecked = true;",
    replicas,
    survives: "only costs time: replicas check them too, and decide by themselves.",
  },
  "no-commit-certificates": {
    breaks: "clients wait for all replicas, and else for decisions",
    find: "this.hurries = haste; this.commit(number, progress);",
    replace: "this.hurries = 0;",
    replicas,
    survives: "only costs time: replicas find out by themselves what is decided.",
  },
});

export const pending = inFile("parts/pending-requests.js", {
  "undone-requests-refused": {
    breaks: "a request that was undone is not taken again while a later one of its session waits",
    find: "if (first <= last + 1 && waiting.size === end - first)",
    replace: "if (waiting.size > 0)",
  },
});

export const speculation = inFile("parts/speculation.js", {
  "rollback-without-client-table": {
    breaks: "undoing orders leaves the client table and its replies as they are (Z2)",
    find: "this.executor.restore(image);",
    replace: `const { executor } = this;
      const clients = executor.clients.pages();
      executor.restore({ ...image, pages: [...clients, ...image.pages.slice(clients.length)] });`,
    replicas,
  },
  "rollback-without-service": {
    breaks: "undoing orders leaves the service as it is (Z2)",
    find: "this.executor.restore(image);",
    replace: `const { executor } = this;
      const service = executor.image(0).pages.slice(64, -1);
      const pages = [...image.pages.slice(0, 64), ...service, image.pages.at(-1)];
      executor.restore({ ...image, pages });`,
    replicas,
  },
  "confirmed-orders-undone": {
    breaks: "undoing orders goes back to the last image, and executes nothing again",
    find: "if (last < 0) for (const batch of this.confirmedSince) this.executor.execute(batch);",
    replace: "",
    replicas,
  },
  "tentative-not-again": {
    breaks: "undoing orders undoes those before them as well",
    find: "for (const { batch } of this.tail.slice(last + 1)) this.executor.execute(batch);",
    replace: "",
    replicas,
  },
  "image-of-the-present": {
    breaks: "a checkpoint shows what is executed tentatively beyond it",
    find: "const image = this.checkpoints.isDue(since) ? this.executor.image(order) : null;",
    replace: "const image = null;",
    replicas,
  },
  "nothing-confirmed": {
    breaks: "what was confirmed since the last checkpoint is forgotten when something is undone",
    find: "this.confirmedSince.push(first.batch);",
    replace: "",
    replicas,
  },
});
