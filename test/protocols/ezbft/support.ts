// What ezBFT's scenarios share: a small key-value store, and the tools of a liar who owns a space.

import { digest as sha256 } from "@chainsafe/as-sha256";
import type { Request } from "../../../src/codec/index.js";
import type { Limits } from "../../../src/core/index.js";
import { batchDigest } from "../../../src/parts/index.js";
import {
  ezbft,
  type EzbftMessage,
  type Order,
  proven,
} from "../../../src/protocols/ezbft/index.js";
import { createService, keyValue, readOutcome } from "../../../src/services/index.js";
import {
  type Envelope,
  type HandPlayed,
  type Scenario,
  scenario,
} from "../../../src/simulator/index.js";

export type World = Scenario<EzbftMessage>;
export type Liar = HandPlayed<EzbftMessage>;
export type Message = Envelope<EzbftMessage>;

export interface Story {
  readonly liars?: readonly number[];
  readonly limits?: Partial<Limits>;
}

export function stage(story: Story = {}): World {
  const world = scenario({
    protocol: ezbft,
    n: 4,
    ...story,
    service: () => createService("kv", sha256, 2),
  });
  world.settle();
  return world;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export const append = (key: string, value: string): Uint8Array =>
  keyValue.append(bytes(key), bytes(value));
export const put = (key: string, value: string): Uint8Array =>
  keyValue.put(bytes(key), bytes(value));
export const add = (key: string): Uint8Array => keyValue.add(bytes(key), 1n);
export const get = (key: string): Uint8Array => keyValue.get(bytes(key));

/** The value that f+1 replicas say that a client's bundle read. */
export function value(world: World, client: number, number = 1): string | null {
  const result = world.result(client, number)?.[0];
  const outcome = result && readOutcome(result);
  return outcome?.kind === "value" ? new TextDecoder().decode(outcome.value) : null;
}

/** What a replica executed: of each instance, how many operations took effect. */
export function executedAt(world: World, replica: number): Map<string, number> {
  const executed = new Map<string, number>();
  for (const event of world.observations(replica)) {
    if (event.event !== "executed" || event.instance === undefined) continue;
    executed.set(`${event.instance.space}.${event.instance.slot}`, event.operations);
  }
  return executed;
}

/** The requests that reached a liar, oldest first. */
export const requestsAt = (liar: Liar): Request[] =>
  liar.received
    .map(({ message }) => message)
    .filter((message) => message.kind === "request")
    .map(({ body, authenticator }) => ({ body, authenticator }));

/** An owner's order of one request at a slot of its space. */
export function orderOf(
  { context }: Liar,
  slot: number,
  request: Request,
  dependencies: readonly number[] = [0, 0, 0, 0],
): Extract<EzbftMessage, { kind: "spec-order" }> {
  const content = {
    space: context.replica,
    slot,
    view: 0,
    batch: batchDigest([request], context.hash),
    dependencies: [...dependencies],
    sequence: 1 + Math.max(...dependencies),
  };
  const proof = context.identity.sign(proven.order(content, context.hash));
  return { kind: "spec-order", ...content, proof, requests: [request] };
}

/** What a liar says comes before an order. */
export function ackOf(
  { context }: Liar,
  { space, slot, view, batch }: Order,
  dependencies: readonly number[],
  sequence: number,
): Extract<EzbftMessage, { kind: "ack" }> {
  const content = { space, slot, view, batch, dependencies: [...dependencies], sequence };
  const proof = context.identity.sign(proven.ack(content, context.hash));
  return { kind: "ack", ...content, replica: context.replica, proof };
}

/** A liar's vote for what was proposed. */
export function prepareOf(
  { context }: Liar,
  content: Omit<Order, "proof">,
): Extract<EzbftMessage, { kind: "prepare" }> {
  const proof = context.identity.sign(proven.prepare(content, context.hash));
  return { kind: "prepare", ...content, replica: context.replica, proof };
}

export const kindOf =
  (kind: EzbftMessage["kind"]) =>
  ({ message }: Message): boolean =>
    message.kind === kind;

/** An order of nothing, at which states are compared. */
export const isBarrier = (message: EzbftMessage): boolean =>
  message.kind === "spec-order" && message.requests.length === 0;
