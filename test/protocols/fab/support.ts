// What FaB's scenarios share: a stage, and what a liar says in its own name.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fabMutants, protocolWith } from "../../../mutants/index.js";
import { equalBytes, type Protocol } from "../../../src/core/index.js";
import { type Ballot, batchDigest } from "../../../src/parts/index.js";
import {
  type CommitProof,
  fab,
  type FabMessage,
  type FabRecord,
  type FabReport,
  proven,
} from "../../../src/protocols/fab/index.js";
import { symbolicHash as hash } from "../../../src/simulator/index.js";
import {
  type HandPlayed,
  type Scenario,
  scenario,
  type ScenarioOptions,
} from "../../../src/simulator/index.js";
import { appendService, textOf } from "../hybster/support.js";

export type FabProtocol = Protocol<FabMessage, FabRecord>;
export type World = Scenario<FabMessage>;
export type Liar = HandPlayed<FabMessage>;
type Request = Extract<FabMessage, { kind: "request" }>;

/** A story that ends well, and fails in one way without the rule that each mutant takes out. */
export function rule(
  name: string,
  mutants: keyof typeof fabMutants | readonly (keyof typeof fabMutants)[],
  failure: RegExp,
  story: (protocol: FabProtocol) => void,
): void {
  test(name, () => story(fab));
  for (const mutant of [mutants].flat()) {
    test(`${name}: fails with another rule (${mutant})`, async () => {
      const broken = (await protocolWith(fabMutants[mutant], "fab")) as unknown as FabProtocol;
      assert.throws(() => story(broken), failure);
    });
  }
}

/** Nothing goes between a replica and the others until the hold is released. */
export const cut = (world: World, replica: number): (() => void) =>
  world.hold(({ from, to }) => from === replica || to === replica);

export const stage = (
  protocol: FabProtocol,
  story: Partial<ScenarioOptions<FabMessage, FabRecord>> = {},
): World => scenario({ protocol, n: 4, service: appendService, ...story });

/** The text of a result, once enough equal replies came. */
export function answer(world: World, client: number, number: number): string | null {
  return world.result(client, number)?.map(textOf).join("|") ?? null;
}

/** Whether two replicas executed different batches for one order. */
export function disagree(world: World, a: number, b: number): boolean {
  const executed = (replica: number) =>
    world.observations(replica).filter((event) => event.event === "executed");
  return executed(a).some((one) =>
    executed(b).some((other) => other.order === one.order && !equalBytes(other.digest, one.digest)),
  );
}

/** The requests that a hand-played replica received, one of each client. */
export function requestsOf({ received }: Liar): { body: Uint8Array; authenticator: Uint8Array }[] {
  const requests = received
    .map(({ message }) => message)
    .filter((message): message is Request => message.kind === "request");
  return requests.map(({ body, authenticator }) => ({ body, authenticator }));
}

/** What a liar may say, proven by its own identity. */
export function speaking({ context }: Liar) {
  const { identity, replica } = context;
  const plain = ({ view, order, batch }: Ballot): Ballot => ({ view, order, batch });
  const vote = (ballot: Ballot, proof: Uint8Array) => ({ ...plain(ballot), replica, proof });
  return {
    propose(view: number, order: number, requests: ReturnType<typeof requestsOf>) {
      const ballot = { view, order, batch: batchDigest(requests, hash) };
      const proof = identity.authenticate(proven.propose(ballot, hash));
      return { ...ballot, proof, requests, kind: "propose" } as const;
    },
    accepted: (ballot: Ballot) =>
      ({
        ...vote(ballot, identity.authenticate(proven.accepted(plain(ballot), hash))),
        kind: "accepted",
      }) as const,
    signedAccepted: (ballot: Ballot) =>
      ({
        ...vote(ballot, identity.sign(proven.accepted(plain(ballot), hash))),
        kind: "signed-accepted",
      }) as const,
    commitProof: (ballot: Ballot) =>
      ({
        ...vote(ballot, identity.authenticate(proven.commitProof(plain(ballot), hash))),
        kind: "commit-proof",
      }) as const,
    report(to: number, accepted: Ballot[], proofs: CommitProof[] = []) {
      const stable = { order: 0, digest: new Uint8Array(32), statements: [] };
      const content = { replica, to, stable, accepted: accepted.map(plain), proofs };
      const report: FabReport = { ...content, proof: identity.sign(proven.report(content, hash)) };
      return { ...report, kind: "view-change" } as const;
    },
  };
}
