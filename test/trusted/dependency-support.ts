// What the suites of TrustedDependencies share: groups, and the calls that they make most.

import { createHash } from "node:crypto";
import {
  type Access,
  type ClientId,
  type Proposal,
  type ProposeCertificate,
  type ReplicaId,
  replicaIds,
  type Touches,
  type TrustedDependencies,
} from "../../src/core/index.js";
import { digestOf, issued } from "./compliance.js";

/** Trusted instances that share a key. */
export interface DependencyGroup {
  /** The first of a number is a first boot with the token, and the later ones are restarts. */
  open(instance: ReplicaId): TrustedDependencies;
  /** A client's MAC over the statement of a decision. */
  sealFor(client: ClientId, statement: Uint8Array): Uint8Array;
}

export type MakeGroup = (f: number, slots: number) => DependencyGroup;
export type Instances = readonly TrustedDependencies[];

export const d = digestOf("a command");
export const nameOf = (text: string): Uint8Array => createHash("sha256").update(text).digest();
export const touch = (text: string, access: Access = "write") => ({ name: nameOf(text), access });
export const x = [touch("x")];
export const everyone = (makeGroup: MakeGroup, f: number, slots = 8): Instances => {
  const group = makeGroup(f, slots);
  return replicaIds(2 * f + 1).map((id) => group.open(id));
};

/** Slot 1 of R0's space, touching x; the partner is R1 where there is one. */
export function asked(by: TrustedDependencies, change: Partial<Proposal> = {}): Proposal {
  const partner = by.f === 1 ? (by.instance + 1) % 3 : null;
  const space = replicaIds(by.n).includes(change.space ?? -1) ? change.space! : by.instance;
  const { next: slot } = by.standing(space);
  return { space: by.instance, slot, digest: d, touches: x, partner, ...change };
}
export const propose = (
  by: TrustedDependencies,
  change: Partial<Proposal> = {},
): ProposeCertificate => issued(by.propose(asked(by, change)));
export const ack = (by: TrustedDependencies, proposal: ProposeCertificate, touches: Touches = x) =>
  issued(by.ack(proposal, touches));
