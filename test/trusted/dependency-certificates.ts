// What certificates of TrustedDependencies prove, and what they do not: a part of the suite.

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeDependencyStatement } from "../../src/codec/index.js";
import {
  type DependencyCertificate,
  replicaIds,
  type TrustedDependencies,
  type VoteCertificate,
} from "../../src/core/index.js";
import { issued } from "./compliance.js";
import { ack, d, everyone, type Instances, type MakeGroup, propose } from "./dependency-support.js";

export function certificates(makeGroup: MakeGroup): void {
  const oneOfEach = (all: Instances): DependencyCertificate[] => {
    const [zero, one, two] = all;
    const proposal = propose(zero!);
    const commit = ack(one!, proposal);
    const decision = issued(zero!.decide([commit]));
    const second = propose(zero!);
    const accepted = issued(zero!.accept([ack(two!, second)]));
    const finalized = issued(one!.finalize(accepted));
    const checkpoint = issued(two!.checkpoint(d, [1, 2, 3]));
    const left = all.map((by) => issued(by.leave(0, 1)));
    const established = issued(one!.newView(left));
    const record = issued(one!.record(0, 2));
    const kinds = [proposal, commit, decision, accepted, finalized, checkpoint, left[0]!];
    return [...kinds, established, record];
  };

  test("tee-kind-confusion: a certificate is of one group, kind, issuer and content (H1)", () => {
    const all = everyone(makeGroup, 1);
    const [verifier] = everyone(makeGroup, 1);
    const kinds = oneOfEach(all);
    assert.equal(new Set(kinds.map(({ kind }) => kind)).size, 9);
    for (const genuine of kinds) {
      for (const by of all) assert.ok(by.verify(genuine), genuine.kind);
      assert.ok(!verifier!.verify(genuine), "another group's");
      for (const { kind } of kinds) {
        if (kind === genuine.kind) continue;
        assert.ok(!verifies(all[2]!, { ...genuine, kind }), `${genuine.kind} as ${kind}`);
      }
      for (const [name, value] of Object.entries(genuine)) {
        if (name === "kind") continue;
        for (const change of changesOf(value)) {
          const forged = { ...genuine, [name]: change };
          assert.ok(!verifies(all[2]!, forged), `${genuine.kind}.${name} = ${String(change)}`);
        }
      }
    }
  });

  test("a decision is vouched for to a client, under the client's own key", () => {
    const group = makeGroup(1, 8);
    const all = replicaIds(3).map((id) => group.open(id));
    const [zero, one, two] = all;
    const proposal = propose(zero!);
    const commit = ack(one!, proposal);
    const decision = issued(zero!.decide([commit]));
    const statement = encodeDependencyStatement(decision, 3)!;
    for (const client of [0, 7, 2 ** 32 - 1]) {
      const expected = Uint8Array.from(group.sealFor(client, statement));
      for (const by of [zero, two]) {
        assert.deepEqual(Uint8Array.from(issued(by!.vouch(decision, client))), expected);
      }
    }
    for (const client of [-1, 0.5, 2 ** 32]) assert.equal(zero!.vouch(decision, client), null);
    assert.equal(zero!.vouch({ ...decision, sequence: 9 }, 7), null);
    const others = [commit, { ...commit, kind: "decide" }] as VoteCertificate<"decide">[];
    for (const other of others) assert.equal(zero!.vouch(other, 7), null, "no decision");
  });
}

/** Other values of the same sort. */
function changesOf(value: unknown): unknown[] {
  if (value instanceof Uint8Array) {
    return [value.map((byte, i) => (i === 31 ? byte ^ 1 : byte)), value.subarray(1), [...value, 0]];
  }
  if (Array.isArray(value)) {
    return [value.map((slot: number, i) => (i === 2 ? slot + 1 : slot)), value.slice(1)];
  }
  if (typeof value === "string") return [value === "decided" ? "finalized" : "decided", "toString"];
  if (value === null) return [0, 1];
  return [(value as number) + 1, (value as number) + 2 ** 32, -1, 0.5, Number.NaN];
}

/** A certificate that is not even of its type must not be taken either. */
function verifies(by: TrustedDependencies, certificate: object): boolean {
  try {
    return by.verify(certificate as DependencyCertificate);
  } catch (error) {
    assert.ok(error instanceof TypeError, String(error));
    return false;
  }
}
