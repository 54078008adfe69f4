// What a lying replica of PBFT can prove to have said: anything, in its own name.

import type { Request } from "../codec/index.js";
import type { ReplicaContext } from "../core/index.js";
import {
  type Ballot,
  batchDigest,
  type Checkpoint,
  checkpointDigest,
  type Proposal,
  type Vote,
} from "../parts/index.js";
import { pbft } from "../protocols/index.js";

const { proven } = pbft;
type PbftNewView = pbft.PbftNewView;
type PbftReport = pbft.PbftReport;

type Author = Pick<ReplicaContext, "identity" | "hash" | "replica">;

/** Messages of one's own making, rightly proven. */
export function forging({ identity, hash, replica }: Author) {
  const vote = (kind: "prepare" | "commit", { view, order, batch }: Ballot): Vote => {
    const ballot = { view, order, batch };
    return { ...ballot, replica, proof: identity.authenticate(proven[kind](ballot, hash)) };
  };
  return {
    prePrepare(view: number, order: number, batch: readonly Request[]): Proposal {
      const requests = batch.map(({ body, authenticator }) => ({ body, authenticator }));
      const ballot = { view, order, batch: batchDigest(requests, hash) };
      const proof = identity.authenticate(proven.prePrepare(ballot, hash));
      return { ...ballot, proof, requests };
    },
    prepare: (ballot: Ballot): Vote => vote("prepare", ballot),
    commit: (ballot: Ballot): Vote => vote("commit", ballot),
    report(content: Omit<PbftReport, "replica" | "proof">): PbftReport {
      const { to, stable, prepared, seen } = content;
      const said = { replica, to, stable, prepared, seen };
      return { ...said, proof: identity.sign(proven.report(said, hash)) };
    },
    newView(view: number, reports: readonly PbftReport[]): PbftNewView {
      const content = { view, reports: [...reports] };
      return { ...content, proof: identity.sign(proven.newView(content, hash)) };
    },
    checkpoint(order: number, digest: Uint8Array): Checkpoint {
      const content = { order, digest, replica };
      return { ...content, proof: identity.sign(checkpointDigest(content, hash)) };
    },
  };
}
