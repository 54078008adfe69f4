// How certificates of the trusted counter travel inside messages.

import type { Attestation, AttestationKind } from "../core/index.js";
import { bytes32, container, uint8, uint16, uint53, type ValueOf } from "./schema.js";

const position = container({ view: uint53, order: uint53 });

/** On the wire the kind is a number: its place in this list. */
const kinds: readonly AttestationKind[] = ["independent", "continuing", "trusted-mac"];

export const attestationSchema = container({
  type: uint8,
  instance: uint16,
  counter: uint8,
  next: position,
  previous: position,
  mac: bytes32,
});

/** An attestation as it stands in a message. */
export type WireAttestation = Readonly<ValueOf<typeof attestationSchema>>;

export function toWire(attestation: Attestation): WireAttestation {
  const { kind, instance, counter, next, previous, mac } = attestation;
  return {
    type: kinds.indexOf(kind),
    instance,
    counter,
    next: { ...next },
    previous: { ...previous },
    mac,
  };
}

/** Null if the kind is not one we know. */
export function fromWire(wire: WireAttestation): Attestation | null {
  const kind = kinds[wire.type];
  return kind === undefined ? null : { kind, ...wire };
}
