// Mistakes in what a new view must order first, and in what is remembered for it.

import { inFile } from "../mutant.js";

export const decisions = inFile("protocols/pbft/view-change.js", {
  "contested-candidates": {
    breaks: "a batch is chosen though others prepared another as late or later (A1)",
    find: "isUncontested(candidate, prepared, f) &&",
    replace: "",
  },
  "contested-in-the-same-view": {
    breaks: "a batch is chosen though others prepared another in the same view",
    find: "(other.view === view && equalBytes(other.batch, batch))",
    replace: "other.view === view",
  },
  "unvouched-candidates": {
    breaks: "a batch is chosen that no correct replica need have seen (A2)",
    find: "return vouching.length > f;",
    replace: "return true;",
  },
  "one-vouches": {
    breaks: "one replica's word is enough that a batch was proposed",
    find: "return vouching.length > f;",
    replace: "return vouching.length > 0;",
  },
  "vouching-in-earlier-views": {
    breaks: "that a batch was proposed in an earlier view vouches for it in a later one",
    find: "other.view >= view && equalBytes(other.batch, batch)",
    replace: "equalBytes(other.batch, batch)",
  },
  "silence-of-few": {
    breaks: "an order is left empty though a quorum may have prepared something there",
    find: 'return silent.length > 2 * f ? "free" : null;',
    replace: 'return silent.length > f ? "free" : null;',
  },
  "empty-in-doubt": {
    breaks: "an order is left empty when reports do not suffice to know",
    find: 'return silent.length > 2 * f ? "free" : null;',
    replace: 'return "free";',
  },
  "one-batch-seen": {
    breaks: "of each order only the batch pre-prepared last is vouched for",
    find: "others.length < seenMax ? others : others.slice(1)",
    replace: "[]",
  },
  "preparing-forgets-itself": {
    breaks: "what is prepared is no longer vouched for",
    find: "other.view >= view || equalBytes(other.batch, batch)",
    replace: "other.view > view",
  },
});
