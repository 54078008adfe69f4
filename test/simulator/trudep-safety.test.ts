// The safety argument of TruDep (decision 0009), attacked: instances that keep its rules agree and
// lose no edge whatever their hosts do, and without any one of its rules they do not. TRUDEP_RUNS
// says how many schedules to try of each sort; without it the test takes a few seconds.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type RecordCertificate,
  recordStates,
  type ReplicaId,
  replicaIds,
  type VoteCertificate,
} from "../../src/core/index.js";
import {
  type DependencyRules,
  ModelDependencies,
  Random,
  type SlotEntry,
  symbolicHash,
} from "../../src/simulator/index.js";
import { HostileSchedule, type ScheduleOptions } from "../trusted/dependency-schedule.js";

const runs = Number(process.env["TRUDEP_RUNS"] ?? 120);
/** More than any broken rule needs to be found. */
const searches = Math.max(runs, 3000);
type Commit = VoteCertificate<"commit">;

/** Nobody forges here, so that one MAC does for all. */
const mac = new Uint8Array(32);

function schedule(seed: number, f: number, rules: DependencyRules, options?: ScheduleOptions) {
  const n = 2 * f + 1;
  const terms = { n, f, slots: 4, isActive: true, seal: () => mac, sealFor: () => mac };
  const instances = replicaIds(n).map(
    (instance) => new rules({ ...terms, instance, hash: symbolicHash }),
  );
  return new HostileSchedule(new Random(seed), instances, options);
}

for (const f of [1, 2, 3]) {
  test(`with all rules: agreement, and every edge (f = ${f})`, () => {
    const seen: Record<string, number> = {};
    for (let seed = 1; seed <= (f === 3 ? runs / 4 : runs); seed++) {
      const one = schedule(seed, f, ModelDependencies, { hasForgetful: seed % 2 === 0 });
      assert.equal(one.run(), null, `seed ${seed}`);
      for (const [what, count] of Object.entries(one.seen)) seen[what] = (seen[what] ?? 0) + count;
    }
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `never ${what}`);
  });
}

class NotExclusive extends ModelDependencies {
  protected override mayChoose(entry: SlotEntry, path: "decide" | "accept"): boolean {
    return path === "decide" ? !entry.isDecided : !entry.isFinalized;
  }
}
class AcceptsTwice extends ModelDependencies {
  protected override mayChoose(entry: SlotEntry, path: "decide" | "accept"): boolean {
    return path === "accept" ? !entry.isDecided : super.mayChoose(entry, path);
  }
}
class HidesDecisions extends ModelDependencies {
  protected override stateOf(entry: SlotEntry) {
    return super.stateOf({ ...entry, isDecided: false });
  }
}
class IgnoresSupport extends ModelDependencies {
  protected override isSupportedBy(): boolean {
    return false;
  }
}
class AsksForTooMuchSupport extends ModelDependencies {
  protected override isSupportedBy(
    records: readonly RecordCertificate[],
    { since }: RecordCertificate,
  ): boolean {
    const supporters = records.filter((one) => one.since === since && one.state === "supported");
    return supporters.length > this.f;
  }
}
class BelievesAnyFinalize extends ModelDependencies {
  protected override weigh(records: readonly RecordCertificate[]): RecordCertificate {
    const strength = ({ state }: RecordCertificate) => recordStates.indexOf(state);
    const finalized = records.filter((one) => strength(one) >= recordStates.indexOf("finalized"));
    return super.weigh(finalized.length > 0 ? [finalized[0]!] : records);
  }
}
class StaysAfterLeaving extends ModelDependencies {
  protected override isPresent(space: ReplicaId, view: number): boolean {
    return view <= this.spaces[space]!.view;
  }
}
class MixesRules extends ModelDependencies {
  protected override isFast(entry: SlotEntry, commits: readonly Commit[]): boolean {
    const isEqual = ({ dependencies }: Commit) =>
      dependencies.join() === entry.value.dependencies.join();
    return super.isFast(entry, commits) || commits.every(isEqual);
  }
}
class DoesNotRecord extends ModelDependencies {
  protected override recordNames(_: Uint8Array, space: ReplicaId, slot: number): void {
    super.recordNames(new Uint8Array(0), space, slot);
  }
}
class BelievesItsHost extends ModelDependencies {
  protected override isListed(): boolean {
    return true;
  }
}
class UnitesTooFew extends ModelDependencies {
  protected override isEnough(commits: readonly Commit[]): boolean {
    return commits.length >= this.f - 1;
  }
}
class DecidesWithTooFew extends ModelDependencies {
  protected override isFast(entry: SlotEntry, commits: readonly Commit[]): boolean {
    const isEqual = ({ dependencies }: Commit) =>
      dependencies.join() === entry.value.dependencies.join();
    const others = this.f + Math.floor((this.f + 1) / 2) - 1;
    return commits.length >= others && commits.every(isEqual);
  }
}
class RecoversFromTooFew extends ModelDependencies {
  protected override isQuorum(certificates: readonly unknown[]): boolean {
    return certificates.length >= this.f;
  }
}
class ForgetsTheBoundary extends ModelDependencies {
  protected override boundaryOf(): number {
    return 0;
  }
}

interface Broken {
  readonly rules: DependencyRules;
  readonly breaks: "agreement" | "edge";
  /** For which f the rule exists. */
  readonly faults: readonly number[];
  readonly options?: ScheduleOptions;
}

const agreement = (rules: DependencyRules, ...faults: readonly number[]): Broken => ({
  rules,
  breaks: "agreement",
  faults,
});
const edge = (rules: DependencyRules, ...faults: readonly number[]): Broken => ({
  rules,
  breaks: "edge",
  faults,
});

const broken: Readonly<Record<string, Broken>> = {
  "followers decide from commits too (D1)": {
    ...agreement(ModelDependencies, 1, 2),
    options: { everyoneDecides: true },
  },
  "decide and accept in one view": agreement(NotExclusive, 1, 2),
  "two accepts in one view": agreement(AcceptsTwice, 1, 2),
  "a decision is not told": agreement(HidesDecisions, 1, 2),
  "what may have been decided is freed": agreement(IgnoresSupport, 1, 2),
  "support by f+1 is asked for": agreement(AsksForTooMuchSupport, 2),
  "any finalize counts, not the latest (D6)": agreement(BelievesAnyFinalize, 1, 2),
  "calls of a view that was left": agreement(StaysAfterLeaving, 1, 2),
  "partner and match in one view": agreement(MixesRules, 1),
  "a fast quorum of f+⌊(f+1)/2⌋": agreement(DecidesWithTooFew, 2),
  "f leave or tell": agreement(RecoversFromTooFew, 1, 2),
  "fresh slots where others have recorded": agreement(ForgetsTheBoundary, 1, 2),
  "commits without recording": edge(DoesNotRecord, 1, 2),
  "the host says what a command touches (D2)": {
    ...edge(BelievesItsHost, 1, 2),
    options: { hasForgetful: true },
  },
  "the union of f commits": edge(UnitesTooFew, 2),
};

describe("without a rule", () => {
  for (const [name, { rules, breaks, faults, options }] of Object.entries(broken)) {
    for (const f of faults) {
      test(`${name} (f = ${f})`, (t) => {
        let first = 0;
        let found = 0;
        for (let seed = 1; seed <= searches; seed++) {
          if (schedule(seed, f, rules, options).run() !== breaks) continue;
          if (first === 0) first = seed;
          found += 1;
          if (seed >= runs || process.env["TRUDEP_RUNS"] === undefined) break;
        }
        assert.ok(first > 0, `no ${breaks} broken in ${searches} schedules`);
        t.diagnostic(`${breaks}: first in schedule ${first}, ${found} found`);
      });
    }
  }
});
