// What every identity of replicas must do: one suite, run on the real ones and the simulator's.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { proofBytesMax, proofMacBytes } from "../../src/codec/index.js";
import {
  type Claim,
  type Identity,
  type ReplicaAuthentication,
  type ReplicaId,
  replicaAuthentications,
} from "../../src/core/index.js";

export type ReplicaClaim = Extract<Claim, { readonly kind: "replica" }>;

/** Replicas that know each other. */
export interface Members {
  identity(replica: ReplicaId): Identity;
  /** Whether the receiver believes it. */
  believes(receiver: ReplicaId, claim: ReplicaClaim): boolean | Promise<boolean>;
}

const n = 4;
const all = Array.from({ length: n }, (_, replica) => replica);
const digest = createHash("sha256").update("a message").digest();
const other = createHash("sha256").update("another message").digest();

const flipped = (bytes: Uint8Array, index: number): Uint8Array =>
  bytes.map((byte, place) => (place === index ? byte ^ 1 : byte));

type Claimed = Partial<ReplicaClaim> & { readonly proof: Uint8Array };

/** Which receivers believe that replica 1 said it, unless the claim says otherwise. */
async function believers(members: Members, claimed: Claimed): Promise<ReplicaId[]> {
  const claim = { kind: "replica", replica: 1, digest, isTransferable: true, ...claimed } as const;
  const believing: ReplicaId[] = [];
  for (const id of all) if (await members.believes(id, claim)) believing.push(id);
  return believing;
}

/** Runs the suite; `makeMembers` gives a new group of four each time. */
export function identityCompliance(
  name: string,
  makeMembers: (authentication: ReplicaAuthentication, n: number) => Members,
): void {
  for (const authentication of replicaAuthentications) {
    describe(`identity: ${name}, ${authentication}`, () => {
      const make = () => makeMembers(authentication, n);
      proving(make);
      refusing(make);
      if (authentication === "mac") authenticators(make);
      else onlySignatures(make);
    });
  }
}

const ways = [
  { way: "sign", isTransferable: true },
  { way: "authenticate", isTransferable: false },
] as const;

function proving(make: () => Members): void {
  test("everyone believes what a replica proves", async () => {
    const members = make();
    for (const { way, isTransferable } of ways) {
      for (const replica of all) {
        const proof = members.identity(replica)[way](digest);
        assert.ok(proof.length > 0 && proof.length <= proofBytesMax);
        const claim = { replica, proof, isTransferable };
        assert.deepEqual(await believers(members, claim), all);
      }
    }
  });

  test("one thing has one proof, however often it is said", () => {
    const members = make();
    for (const { way } of ways) {
      const [first, second] = [members.identity(1)[way](digest), members.identity(1)[way](digest)];
      assert.deepEqual(first, second);
      assert.notDeepEqual(first, members.identity(1)[way](other));
      assert.notDeepEqual(first, members.identity(2)[way](digest));
    }
  });
}

function refusing(make: () => Members): void {
  test("nobody believes it of another thing, another replica or a stranger", async () => {
    const members = make();
    for (const { way, isTransferable } of ways) {
      const proof = members.identity(1)[way](digest);
      for (const wrong of [
        { digest: other },
        { replica: 2 },
        { replica: n },
        { replica: 65_535 },
      ]) {
        assert.deepEqual(await believers(members, { proof, isTransferable, ...wrong }), []);
      }
    }
  });

  test("nobody believes a proof that is longer, shorter or missing", async () => {
    const members = make();
    for (const { way, isTransferable } of ways) {
      const proof = members.identity(1)[way](digest);
      const longer = Uint8Array.from([...proof, 0]);
      for (const wrong of [longer, proof.subarray(1), proof.subarray(0, -1), new Uint8Array(0)]) {
        assert.deepEqual(await believers(members, { proof: wrong, isTransferable }), []);
      }
      const blank = new Uint8Array(proof.length);
      assert.deepEqual(await believers(members, { proof: blank, isTransferable }), []);
    }
  });

  test("nobody believes a signature with a wrong bit", async () => {
    const members = make();
    const proof = members.identity(1).sign(digest);
    for (let index = 0; index < proof.length; index += 5) {
      assert.deepEqual(await believers(members, { proof: flipped(proof, index) }), []);
    }
  });
}

function onlySignatures(make: () => Members): void {
  test("what it authenticates is signed", () => {
    const identity = make().identity(1);
    assert.deepEqual(identity.authenticate(digest), identity.sign(digest));
  });
}

function authenticators(make: () => Members): void {
  const isTransferable = false;

  test("each receiver checks its own part of an authenticator, and no other", async () => {
    const members = make();
    const proof = members.identity(1).authenticate(digest);
    assert.equal(proof.length, n * proofMacBytes);
    for (const victim of all) {
      for (const at of [0, proofMacBytes - 1]) {
        const partial = flipped(proof, victim * proofMacBytes + at);
        const rest = all.filter((id) => id !== victim);
        assert.deepEqual(await believers(members, { proof: partial, isTransferable }), rest);
      }
    }
  });

  test("an authenticator is no signature, and a signature no authenticator", async () => {
    const members = make();
    const identity = members.identity(1);
    assert.deepEqual(await believers(members, { proof: identity.authenticate(digest) }), []);
    const signature = identity.sign(digest);
    assert.deepEqual(await believers(members, { proof: signature, isTransferable }), []);
  });

  test("what two share proves to either only what the other said", async () => {
    const members = make();
    const said = members.identity(1).authenticate(digest);
    const part = said.subarray(2 * proofMacBytes, 3 * proofMacBytes);
    const reflected = Uint8Array.from(all.flatMap(() => [...part]));
    const claim = { proof: reflected, isTransferable };
    assert.deepEqual(await believers(members, { ...claim, replica: 2 }), []);
    assert.deepEqual(await believers(members, claim), [2]);
  });
}
