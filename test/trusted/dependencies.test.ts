// TruDep in the module: its port's suite, and the same bytes as the model's, whatever is asked.

import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { decisionMacInput, dependencyMacInput } from "../../src/codec/index.js";
import {
  type ReplicaId,
  replicaIds,
  type TrustedDependencies,
  UsageError,
} from "../../src/core/index.js";
import { ModelDependencies, Random } from "../../src/simulator/index.js";
import {
  clientKey,
  firstBootToken,
  openTrustedFaces,
  type TrustedGroup,
} from "../../src/trusted/index.js";
import { groupKey } from "../../src/trusted/keys.js";
import { trustedDependencyCompliance } from "./dependency-compliance.js";
import type { DependencyGroup } from "./dependency-support.js";
import { HostileSchedule } from "./dependency-schedule.js";

const secret = randomBytes(32);
const hmac = (key: Uint8Array, input: Uint8Array) =>
  Uint8Array.from(createHmac("sha256", key).update(input).digest());
const termsOf = (f: number): TrustedGroup => ({ n: 2 * f + 1, f, freshness: "fail-stop" });

function open(
  group: TrustedGroup,
  instance: ReplicaId,
  isFirst: boolean,
  slots = 4,
  groupSecret = secret,
) {
  const firstBoot = isFirst ? firstBootToken(groupSecret, instance, group) : null;
  const options = { groupSecret, instance, group, measurement: null, firstBoot };
  return openTrustedFaces(options, slots);
}

function group(f: number, slots: number): DependencyGroup {
  const terms = termsOf(f);
  const groupSecret = randomBytes(32);
  const booted = new Set<ReplicaId>();
  return {
    open(instance) {
      const isFirst = !booted.has(instance);
      booted.add(instance);
      return open(terms, instance, isFirst, slots, groupSecret).dependencies;
    },
    sealFor: (client, statement) =>
      hmac(clientKey(groupSecret, client, terms), decisionMacInput(client, statement)),
  };
}

trustedDependencyCompliance("the WebAssembly module", group);

/** The module and the model, asked the same: what they say must be the same, byte for byte. */
function twins(instance: ReplicaId, f: number): TrustedDependencies {
  const terms = termsOf(f);
  const key = groupKey(secret, terms);
  const real = open(terms, instance, true).dependencies;
  const model: TrustedDependencies = new ModelDependencies({
    instance,
    n: terms.n,
    f,
    slots: 4,
    isActive: true,
    seal: (statement) => hmac(key, dependencyMacInput(statement)),
    sealFor: () => new Uint8Array(32),
    hash: (bytes) => Uint8Array.from(createHash("sha256").update(bytes).digest()),
  });
  return new Proxy(real, {
    get(_, name) {
      const one = real[name as keyof TrustedDependencies];
      const other = model[name as keyof TrustedDependencies];
      if (typeof one !== "function" || typeof other !== "function") {
        assert.equal(one, other);
        return one;
      }
      return (...given: unknown[]): unknown => {
        const said: unknown = Reflect.apply(one, real, given);
        assert.deepEqual(said, Reflect.apply(other, model, given), String(name));
        for (const space of replicaIds(terms.n)) {
          assert.deepEqual(real.standing(space), model.standing(space));
        }
        return said;
      };
    },
  });
}

for (const f of [1, 2]) {
  test(`the module says what the model says, whatever hosts do (f = ${f})`, () => {
    const seen: Record<string, number> = {};
    for (let seed = 1; seed <= 60; seed++) {
      const instances = replicaIds(2 * f + 1).map((id) => twins(id, f));
      const schedule = new HostileSchedule(new Random(seed), instances);
      assert.equal(schedule.run(), null, `seed ${seed}`);
      for (const [what, count] of Object.entries(schedule.seen)) {
        seen[what] = (seen[what] ?? 0) + count;
      }
    }
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `never ${what}`);
  });
}

test("spaces take 2f+1 instances, a freshness with one first boot, and so many slots", () => {
  const terms = termsOf(1);
  const refuses = (group: TrustedGroup, slots: number) =>
    assert.throws(
      () => open(group, 0, true, slots),
      (error: unknown) => error instanceof UsageError && error.code === "TRUSTED_SPACES",
    );
  refuses({ ...terms, freshness: "storage" }, 4);
  refuses({ ...terms, n: 4 }, 4);
  refuses({ ...terms, n: 1, f: 0 }, 4);
  refuses({ ...terms, n: 33, f: 16 }, 4);
  for (const slots of [0, 4097, Number.NaN]) refuses(terms, slots);
  assert.ok(open({ ...terms, freshness: "leases" }, 2, true, 4096).dependencies.isActive);
  assert.ok(open(termsOf(15), 30, true, 1).dependencies.isActive);
});

test("the counters of an instance go on beside its spaces", () => {
  const { counter, dependencies } = open(termsOf(1), 0, true);
  const digest = new Uint8Array(32).fill(3);
  const certificate = counter.independent(0, { view: 0, order: 1 }, digest)!;
  const left = dependencies.leave(1, 1)!;
  assert.ok(counter.verify(certificate, digest) && dependencies.verify(left));
  const { mac } = counter.trustedMac(1, digest)!;
  assert.ok(!dependencies.verify({ ...left, mac }));
});
