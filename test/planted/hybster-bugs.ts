// Bugs planted in Hybster: each takes one rule out. Scenarios and the simulation must notice every
// one.

import type { Bug } from "./plant.js";

const bug = (name: string, file: string, find: string, replace: string): Bug => ({
  name,
  file,
  find,
  replace,
});

export const hybsterBugs = {
  quorumOfOne: bug(
    "quorum-of-one",
    "protocols/hybster/claims.js",
    "(n) => Math.floor(n / 2) + 1",
    "(n) => 1",
  ),
  /** H3 reverted: a view change may conceal proposals its counter proves. */
  coverageUnchecked: bug(
    "coverage-unchecked",
    "protocols/hybster/view-change.js",
    "if (order === 0)\n        return true;",
    "return true;",
  ),
  /** H2 reverted: a view change need not move the counter. */
  strictnessUnchecked: bug(
    "strictness-unchecked",
    "protocols/hybster/view-change.js",
    "comparePositions(previous, next) < 0",
    "comparePositions(previous, next) <= 0",
  ),
  /** H4 reverted: a view counts as established on its new-view message alone. */
  acknowledgementsSkipped: bug(
    "acknowledgements-skipped",
    "protocols/hybster/view-changer.js",
    "if (acknowledgements.length < this.quorum)",
    "if (acknowledgements.length < 1)",
  ),
  /** H4 reverted: an unestablished view is left without its certificate. */
  uncertifiedLeave: bug(
    "uncertified-leave",
    "protocols/hybster/view-changer.js",
    "else if (this.isEstablished) {",
    "else {",
  ),
  /** Exactly-once reverted: a transferred state comes without the replies. */
  repliesNotRestored: bug(
    "replies-not-restored",
    "parts/executor.js",
    "this.clients.restore(image.pages.slice(0, ClientTable.pageCount));",
    "",
  ),
  /** §0 relay reverted: stalled peers are not sent what they lack. */
  noRelay: bug("no-relay", "protocols/hybster/recovery.js", "this.resendOrders(peer, has);", ""),
  /** §0 retransmission reverted: peers that change views are not helped. */
  noViewChangeRetransmission: bug(
    "no-view-change-retransmission",
    "protocols/hybster/recovery.js",
    "views.assist(peer, status);",
    "{}",
  ),
  /** §0 two-step suspicion reverted: a replica leaves its view alone. */
  lonelySuspicion: bug("lonely-suspicion", "parts/suspicions.js", "[this.f]", "[0]"),
  /** §0 timers reverted: any new request makes the replica patient again. */
  patienceResetByOthers: bug(
    "patience-reset-by-others",
    "parts/pending-requests.js",
    "for (const { since } of this.arrivals)\n            return since;",
    "for (const { since } of [...this.arrivals].reverse())\n            return since;",
  ),
  /** §0 windows reverted: any order is accepted. */
  windowUnchecked: bug(
    "window-unchecked",
    "protocols/hybster/replica.js",
    "return order > stable && order <= stable + 2 * this.context.limits.checkpointOrders;",
    "return order > stable;",
  ),
  /** §0 state transfer reverted: a manifest is believed without its certificate. */
  manifestBelieved: bug(
    "manifest-believed",
    "parts/state-transfer.js",
    "if (!equalBytes(digest, target.digest))\n            return;",
    "",
  ),
  pagesBelieved: bug(
    "pages-believed",
    "parts/state-transfer.js",
    "if (page === null || !equalBytes(page.digest, expected))",
    "if (page === null)",
  ),
  /** A request with a MAC authenticator is ordered on one replica's word. */
  endorsedByOne: bug(
    "endorsed-by-one",
    "protocols/hybster/endorsements.js",
    "candidate.endorsements.size < this.needed",
    "candidate.endorsements.size < 1",
  ),
  /** A session's requests are taken in any order: a gap makes replicas wait for ever. */
  gapsTaken: bug(
    "gaps-taken",
    "parts/pending-requests.js",
    'if (bundle.number > next)\n            return "early";',
    "",
  ),
  /** H7 reverted: a proposal is acknowledged at whatever order it comes. */
  acknowledgedOutOfOrder: bug(
    "acknowledged-out-of-order",
    "protocols/hybster/replica.js",
    "let slot = this.log.get(this.acted + 1);",
    "let slot = [...this.log.proposed()].reverse().find((s) => !s.isDurable);",
  ),
} as const;
