// The inputs of the trusted module's MACs as bytes, for tests; README.md lists the fields.
// The module makes the same bytes inside: this code never runs where certificates are made.

import {
  type Attestation,
  type Digest,
  type Freshness,
  freshnesses,
  type MultiAttestation,
  type Position,
} from "../core/index.js";

/** What all instances of a group must agree on: their key depends on it. */
export interface TrustedGroup {
  /** Number of instances, `0 … n-1`. */
  readonly n: number;
  /** Number of instances whose hosts may lie. */
  readonly f: number;
  readonly freshness: Freshness;
}

/** The number that stands for a freshness inside the module. */
export const freshnessNumber = (freshness: Freshness): number => freshnesses.indexOf(freshness);

/** The number that stands for each kind inside a MAC. */
export const kindNumbers = {
  independent: 1,
  continuing: 2,
  "trusted-mac": 3,
  "multi-independent": 4,
  "multi-continuing": 5,
} as const satisfies Record<Attestation["kind"] | MultiAttestation["kind"], number>;

/** What an attestation's MAC is over: HMAC-SHA-256(group secret, this). */
export function attestationInput(
  attestation: Omit<Attestation, "mac">,
  digest: Digest,
): Uint8Array {
  const { kind, instance } = attestation;
  const fields = [text(attestationDomain), uint(1, kindNumbers[kind]), uint(4, instance)];
  return join([...fields, ...partFields(attestation, kind !== "independent"), digest]);
}

/** What a multi-counter attestation's MAC is over. */
export function multiAttestationInput(
  attestation: Omit<MultiAttestation, "mac">,
  digest: Digest,
): Uint8Array {
  const { kind, instance, parts } = attestation;
  const fields = [text(attestationDomain), uint(1, kindNumbers[kind]), uint(4, instance)];
  const isContinuing = kind === "multi-continuing";
  return join([
    ...fields,
    uint(1, parts.length),
    ...parts.flatMap((part) => partFields(part, isContinuing)),
    digest,
  ]);
}

/** What an instance's first-boot token is a MAC over. */
export function firstBootInput(instance: number): Uint8Array {
  return join([text("troth/first-boot/1"), uint(4, instance)]);
}

/** What the key of a group is a MAC over, unless its freshness is `storage`. */
export function groupKeyInput({ n, f, freshness }: TrustedGroup): Uint8Array {
  return join([text("troth/group/1"), uint(1, freshnessNumber(freshness)), uint(2, n), uint(2, f)]);
}

const attestationDomain = "troth/trinx/1";
const none = new Uint8Array(0);

interface Part {
  readonly counter: number;
  readonly next: Position;
  readonly previous: Position;
}

function partFields({ counter, next, previous }: Part, discloses: boolean): Uint8Array[] {
  const position = new Uint8Array(16);
  position.set(uint(8, previous.view), 0);
  position.set(uint(8, previous.order), 8);
  return [uint(1, counter), uint(8, next.view), uint(8, next.order), discloses ? position : none];
}

/** Little-endian. */
function uint(length: 1 | 2 | 4 | 8, value: number): Uint8Array {
  const wide = new Uint8Array(8);
  new DataView(wide.buffer).setBigUint64(0, BigInt(value), true);
  return wide.subarray(0, length);
}

function text(ascii: string): Uint8Array {
  return Uint8Array.from(ascii, (character) => character.charCodeAt(0));
}

/** Every field with its length, one byte, before it. */
function join(fields: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(fields.flatMap((field) => [field.length, ...field]));
}
