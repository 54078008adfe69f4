// What a liar in an ezBFT cluster can prove to have said: anything, in its own name.

import type { Request } from "../codec/index.js";
import { batchDigest } from "../parts/index.js";
import { ezbft } from "../protocols/index.js";
import type { Means } from "../simulator/index.js";

const { proven } = ezbft;

export type EzbftMessage = ezbft.EzbftMessage;
export type Message<K extends EzbftMessage["kind"]> = Extract<EzbftMessage, { kind: K }>;

export function ezbftForging({ identity, hash, replica }: Means["context"]) {
  return {
    /** An owner's order of a batch. */
    order(content: Omit<ezbft.Ballot, "batch">, batch: readonly Request[]): Message<"spec-order"> {
      const requests = batch.map(({ body, authenticator }) => ({ body, authenticator }));
      const ballot = ezbft.ballotIn({ ...content, batch: batchDigest(requests, hash) });
      const proof = identity.sign(proven.order(ballot, hash));
      return { kind: "spec-order", ...ballot, proof, requests };
    },
    ack(content: ezbft.Ballot): Message<"ack"> {
      const ballot = ezbft.ballotIn(content);
      return { kind: "ack", ...ballot, replica, proof: identity.sign(proven.ack(ballot, hash)) };
    },
    prepare(content: ezbft.Ballot): Message<"prepare"> {
      const ballot = ezbft.ballotIn(content);
      const proof = identity.sign(proven.prepare(ballot, hash));
      return { kind: "prepare", ...ballot, replica, proof };
    },
    report(content: Omit<ezbft.Report, "replica" | "proof">): Message<"view-change"> {
      const { space, to, shown, top, entries } = content;
      const said = { replica, space, to, shown, top, entries };
      const proof = identity.sign(proven.report(said, hash));
      return { kind: "view-change", ...said, proof };
    },
    newOwner(space: number, view: number, reports: readonly ezbft.Report[]): Message<"new-view"> {
      const said = { space, view, reports: [...reports] };
      return { kind: "new-view", ...said, proof: identity.sign(proven.newView(said, hash)) };
    },
  };
}
