// What claims refuse, told as lies: genuine in all but the one thing that one check stands against.
// The protocol drops such a message; with the mutant that takes the check out, it is believed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Mutant, protocolWith } from "../../mutants/index.js";
import type { ClientAuthentication, Protocol, Tagged } from "../../src/core/index.js";
import { type Scenario, scenario } from "../../src/simulator/index.js";
import { appendService } from "./hybster/support.js";

export interface Lie<M, Cast, Name extends string> {
  readonly about: string;
  readonly mutant: Name;
  /** Default: the protocol's first. */
  readonly clients?: ClientAuthentication;
  readonly say: (cast: Cast) => M;
}

export interface Telling<M extends Tagged, D extends Tagged, Cast, Name extends string> {
  readonly protocol: Protocol<M, D>;
  readonly n: number;
  readonly mutants: Readonly<Record<Name, Mutant>>;
  /** What the lies are made of: all replicas but the last are liars of this world. */
  readonly castOf: (world: Scenario<M>) => Cast;
}

/** Tells every lie twice: nobody believes it, and without its check somebody does. */
export function nobodyBelieves<M extends Tagged, D extends Tagged, Cast, Name extends string>(
  telling: Telling<M, D, Cast, Name>,
  lies: readonly Lie<M, Cast, Name>[],
): void {
  for (const lie of lies) {
    test(`nobody believes ${lie.about} (${lie.mutant})`, async () => {
      assert.equal(isBelieved(telling, lie), false);
      const { mutants, protocol } = telling;
      const broken = await protocolWith(mutants[lie.mutant], protocol.name);
      const believer = { ...telling, protocol: broken as unknown as Protocol<M, D> };
      assert.equal(isBelieved(believer, lie), true, "without the check");
    });
  }
}

/** Whether the last replica takes the lie for true: its host hands it on. */
function isBelieved<M extends Tagged, D extends Tagged, Cast, Name extends string>(
  { protocol, n, castOf }: Telling<M, D, Cast, Name>,
  { clients, say }: Lie<M, Cast, Name>,
): boolean {
  const heard: Tagged[] = [];
  const listener: ReturnType<Protocol<M, D>["replica"]> = {
    step(_now, input) {
      if (input.kind === "message") heard.push(input.message);
      return [];
    },
    status: () => ({ view: 0, role: "follower", executed: 0, stable: 0, operations: 0 }),
  };
  const world = scenario({
    protocol: { ...protocol, replica: () => listener },
    n,
    liars: Array.from({ length: n - 1 }, (_, replica) => replica),
    service: appendService,
    ...(clients === undefined ? {} : { clientAuthentication: clients }),
  });
  world.liar(1).send(n - 1, say(castOf(world)));
  world.settle();
  return heard.length > 0;
}
