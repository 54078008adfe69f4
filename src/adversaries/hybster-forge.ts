// What a lying host can have its trusted module certify in Hybster's name.

import {
  type attestationSchema,
  digestOf,
  type Request,
  toWire,
  type ValueOf,
} from "../codec/index.js";
import type { Attestation, Digest, Position, ReplicaContext } from "../core/index.js";
import { batchDigest } from "../parts/index.js";
import { hybster } from "../protocols/index.js";

const { certified, counters, genesis } = hybster;
type Acknowledgement = hybster.Acknowledgement;
type Checkpoint = hybster.Checkpoint;
type Commit = hybster.Commit;
type Header = hybster.Header;
type NewView = hybster.NewView;
type Prepare = hybster.Prepare;
type Stable = hybster.Stable;
type ViewChange = hybster.ViewChange;

type Wire = ValueOf<typeof attestationSchema>;

/** Null where the module refuses. */
const wire = (attestation: Attestation | null): Wire | null =>
  attestation && (toWire(attestation) as Wire);

const genesisStable: Stable = { order: 0, digest: new Uint8Array(32), statements: [] };

/** Messages of one's own making; each is null where the trusted module refuses to certify it. */
export function forging({ counter, hash }: Pick<ReplicaContext, "counter" | "hash">) {
  const ordered = (view: number, order: number, digest: Digest): Wire | null =>
    wire(counter.independent(counters.order, { view, order }, digest));
  const vouched = (digest: Digest): Wire | null => wire(counter.trustedMac(counters.mac, digest));
  return {
    prepare(view: number, order: number, requests: Request[]): Prepare | null {
      const batch = batchDigest(requests, hash);
      const attestation = ordered(view, order, certified.prepare(batch, hash));
      return attestation && { view, order, batch, attestation, requests };
    },
    commit({ view, order, batch }: Pick<Header, "view" | "order" | "batch">): Commit | null {
      const attestation = ordered(view, order, certified.commit(batch, hash));
      return attestation && { view, order, batch, attestation };
    },
    /** `next`: where the counter goes. */
    viewChange(
      to: number,
      claimed: Partial<ViewChange> = {},
      next: Position = { view: to, order: 0 },
    ): ViewChange | null {
      const content = { to, established: genesis, stable: genesisStable, prepares: [], ...claimed };
      const digest = certified.viewChange(content, hash);
      const attestation = wire(counter.continuing(counters.order, next, digest));
      return attestation && { ...content, attestation };
    },
    newView(view: number, viewChanges: ViewChange[]): NewView | null {
      const content = { view, viewChanges };
      const position = { view, order: 0 };
      const digest = certified.newView(content, hash);
      const attestation = wire(counter.independent(counters.newView, position, digest));
      return attestation && { ...content, attestation };
    },
    acknowledgement(content: Omit<Acknowledgement, "attestation">): Acknowledgement | null {
      const attestation = vouched(certified.acknowledgement(content, hash));
      return attestation && { ...content, attestation };
    },
    endorsement(body: Uint8Array): Wire | null {
      const request = digestOf({ body, authenticator: new Uint8Array(0) }, hash);
      return vouched(certified.endorsement(request, hash));
    },
    checkpoint(content: Omit<Checkpoint, "attestation">): Checkpoint | null {
      const attestation = vouched(certified.checkpoint(content, hash));
      return attestation && { ...content, attestation };
    },
  };
}
