// What Zyzzyva's scenarios share: stories told with a rule and without it, and liars' tools.

import assert from "node:assert/strict";
import { test } from "node:test";
import { protocolWith, zyzzyvaMutants } from "../../../mutants/index.js";
import { zyzzyvaForging } from "../../../src/adversaries/index.js";
import type { Request } from "../../../src/codec/index.js";
import type { Limits, Protocol } from "../../../src/core/index.js";
import {
  type Certificate,
  firstView,
  type Point,
  type SpecResponse,
  zyzzyva,
  type ZyzzyvaMessage,
  type ZyzzyvaRecord,
} from "../../../src/protocols/zyzzyva/index.js";
import {
  type Envelope,
  type HandPlayed,
  type Scenario,
  scenario,
} from "../../../src/simulator/index.js";
import { appendService, textOf } from "../hybster/support.js";

export { bytesOf } from "../hybster/support.js";
export { zyzzyva };

export type ZyzzyvaProtocol = Protocol<ZyzzyvaMessage, ZyzzyvaRecord>;
export type World = Scenario<ZyzzyvaMessage>;
export type Liar = HandPlayed<ZyzzyvaMessage>;
export type Message = Envelope<ZyzzyvaMessage>;

/** A story that ends well, and does not without the rule that each of the mutants takes out. */
export function rule(
  name: string,
  mutants: readonly (keyof typeof zyzzyvaMutants)[],
  story: (protocol: ZyzzyvaProtocol) => void,
): void {
  test(name, () => story(zyzzyva));
  for (const mutant of mutants) {
    test(`${name}: fails without its rule (${mutant})`, async () => {
      const broken = await protocolWith(zyzzyvaMutants[mutant], "zyzzyva");
      assert.throws(() => story(broken as unknown as ZyzzyvaProtocol), assert.AssertionError);
    });
  }
}

export interface Story {
  readonly n?: number;
  readonly liars?: readonly number[];
  readonly limits?: Partial<Limits>;
}

export const stage = (protocol: ZyzzyvaProtocol, { n = 4, ...story }: Story = {}): World =>
  scenario({ protocol, n, ...story, service: appendService });

/** The requests that reached a liar, oldest first. */
export const requestsAt = (liar: Liar): Request[] =>
  liar.received
    .map(({ message }) => message)
    .filter((message) => message.kind === "request")
    .map(({ body, authenticator }) => ({ body, authenticator }));

export const forge = ({ context }: Liar) => zyzzyvaForging(context);

export const nothing = new Uint8Array(32);

/** A liar's report of a view that never had more than its leader's orders. */
export const reportOf = (
  liar: Liar,
  to: number,
  ordered: { batch: Uint8Array; proof: Uint8Array }[],
) =>
  ({
    kind: "view-change",
    ...forge(liar).report({
      to,
      stable: { order: 0, digest: nothing, statements: [] },
      established: firstView,
      start: nothing,
      base: [],
      ordered: ordered.map(({ batch, proof }) => ({ batch, proof })),
      commit: [],
    }),
  }) as const;

/** A liar's wish for a view. */
export const wish = (view: number): ZyzzyvaMessage => ({
  kind: "status",
  view: 0,
  entered: 0,
  stable: 0,
  executed: 0,
  suspects: view,
});

/** Between these replicas, in either direction. */
export const between =
  (some: readonly number[], others: readonly number[]) =>
  ({ from, to }: Message): boolean =>
    typeof from === "number" &&
    typeof to === "number" &&
    ((some.includes(from) && others.includes(to)) || (others.includes(from) && some.includes(to)));

/** The SPEC-RESPONSEs on their way to a client. */
export const responsesTo = (world: World, client: number): SpecResponse[] =>
  world
    .inFlight(({ to }) => to === `client ${client}`)
    .map(({ message }) => message)
    .filter((message) => message.kind === "spec-response");

/** A commit certificate of a point, from SPEC-RESPONSEs and a liar's word. */
export function certificateOf(
  { view, order, history }: Point,
  responses: readonly SpecResponse[],
  liar: Liar,
): Certificate {
  const own = forge(liar).reached({ view, order, history });
  const others = responses
    .filter((one) => one.view === view && one.order === order)
    .map(({ replica, signature }) => ({ replica, proof: signature }));
  const signatures = [{ replica: own.replica, proof: own.proof }, ...others];
  return { view, order, history, signatures };
}

/** What a replica executed for good, order by order. */
export function executedAt(world: World, replica: number): Map<number, string> {
  const executed = new Map<number, string>();
  for (const event of world.observations(replica)) {
    if (event.event === "executed") {
      executed.set(event.order, Buffer.from(event.digest).toString("hex"));
    }
  }
  return executed;
}

/** The answer of f+1 replicas that none of them can take back. */
export function answer(world: World, client: number, number: number): string | null {
  const texts = world
    .replies(client)
    .filter(({ reply }) => reply.number === number && reply.isTentative !== true)
    .map(({ from, reply }) => ({ from, text: reply.results.map(textOf).join("|") }));
  const enough = texts.find(
    ({ text }) =>
      new Set(texts.filter((one) => one.text === text).map(({ from }) => from)).size > world.f,
  );
  return enough?.text ?? null;
}
