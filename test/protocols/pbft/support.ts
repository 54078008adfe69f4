// What PBFT's scenarios share: stories told with a rule and without it, and liars' tools.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pbftMutants, protocolWith } from "../../../mutants/index.js";
import { pbftForging } from "../../../src/adversaries/index.js";
import type { Request } from "../../../src/codec/index.js";
import type { Limits, Protocol, Timing } from "../../../src/core/index.js";
import { pbft, type PbftMessage, type PbftRecord } from "../../../src/protocols/pbft/index.js";
import {
  type Envelope,
  type HandPlayed,
  type Scenario,
  scenario,
} from "../../../src/simulator/index.js";
import { appendService, bytesOf, textOf } from "../hybster/support.js";

export { bytesOf };

export type PbftProtocol = Protocol<PbftMessage, PbftRecord>;
export type World = Scenario<PbftMessage>;
export type Liar = HandPlayed<PbftMessage>;
export type Message = Envelope<PbftMessage>;

/** A story that ends well, and does not without the rule that each of the mutants takes out. */
export function rule(
  name: string,
  mutants: keyof typeof pbftMutants | readonly (keyof typeof pbftMutants)[],
  story: (protocol: PbftProtocol) => void,
): void {
  test(name, () => story(pbft));
  for (const mutant of [mutants].flat()) {
    test(`${name}: fails without its rule (${mutant})`, async () => {
      const broken = (await protocolWith(pbftMutants[mutant], "pbft")) as unknown as PbftProtocol;
      assert.throws(() => story(broken), assert.AssertionError);
    });
  }
}

export interface Story {
  readonly n?: number;
  readonly liars?: readonly number[];
  readonly limits?: Partial<Limits>;
  readonly timing?: Partial<Timing>;
  readonly compacts?: boolean;
}

export const stage = (protocol: PbftProtocol, { n = 4, ...story }: Story = {}): World =>
  scenario({ protocol, n, ...story, service: appendService });

/** The text of a result, once enough equal replies came. */
export function answer(world: World, client: number, number: number): string | null {
  const results = world.result(client, number);
  return results && results.map(textOf).join("|");
}

/** What a replica executed, order by order. */
export function executedAt(world: World, replica: number): Map<number, string> {
  const executed = new Map<number, string>();
  for (const event of world.observations(replica)) {
    if (event.event !== "executed") continue;
    executed.set(event.order, Buffer.from(event.digest).toString("hex"));
  }
  return executed;
}

/** Whether two replicas executed different batches for one order. */
export function disagree(world: World, a: number, b: number): boolean {
  const other = executedAt(world, b);
  return [...executedAt(world, a)].some(
    ([order, digest]) => other.has(order) && other.get(order) !== digest,
  );
}

/** Whether all replicas in all their lives executed the same at every order. */
export function isConsistent(world: World): boolean {
  const decided = new Map<number, string>();
  for (let replica = 0; replica < world.n; replica += 1) {
    for (const event of world.observations(replica)) {
      if (event.event !== "executed") continue;
      const digest = Buffer.from(event.digest).toString("hex");
      if ((decided.get(event.order) ?? digest) !== digest) return false;
      decided.set(event.order, digest);
    }
  }
  return true;
}

type Kind<K> = Extract<PbftMessage, { kind: K }>;

/** Messages of one kind that a hand-played replica received. */
export function received<K extends PbftMessage["kind"]>(liar: Liar, kind: K): Kind<K>[] {
  return liar.received
    .map(({ message }) => message)
    .filter((message): message is Kind<K> => message.kind === kind);
}

/** The requests that reached a liar, oldest first. */
export const requestsAt = (liar: Liar): Request[] =>
  received(liar, "request").map(({ body, authenticator }) => ({ body, authenticator }));

export const forge = ({ context }: Liar) => pbftForging(context);

/** The stable checkpoint of the beginning. */
export const unmoved = { order: 0, digest: new Uint8Array(32), statements: [] };

/** A liar's wish for a view. */
export const wish = (view: number): PbftMessage => ({
  kind: "status",
  view: 0,
  entered: 0,
  stable: 0,
  executed: 0,
  suspects: view,
});

/** Of the phases: about an order, in a view. */
export const about =
  (kind: "pre-prepare" | "prepare" | "commit", view: number, order?: number) =>
  ({ message }: Message): boolean =>
    message.kind === kind &&
    message.view === view &&
    (order === undefined || message.order === order);

/** All that these replicas say and hear is lost. Calling the result ends it. */
export const cutOff = (world: World, ...replicas: readonly number[]): (() => void) =>
  world.block(
    ({ from, to }) => replicas.includes(from as number) || replicas.includes(to as number),
  );

/** A replica dies, and comes back at once. */
export function comeBack(world: World, replica: number): void {
  world.crash(replica);
  world.restart(replica);
}

/** R0 lies, leads, and can propose: a at order 1, b at 2, and both c and d at 3. */
export function lyingLeader(protocol: PbftProtocol) {
  const world = stage(protocol, { liars: [0], limits: { checkpointOrders: 2 } });
  const liar = world.liar(0);
  ["a", "b", "c", "d"].forEach((text, client) => {
    world.submit(client, [bytesOf(text)], { to: [0] });
  });
  world.settle();
  const batches = requestsAt(liar).map((request) => [request]);
  const proposals = [1, 2, 3, 3].map((order, at) => forge(liar).prePrepare(0, order, batches[at]!));
  const propose = (to: number[], ...which: number[]) => {
    for (const index of which) liar.send(to, { kind: "pre-prepare", ...proposals[index]! });
  };
  return { world, liar, proposals, propose };
}
