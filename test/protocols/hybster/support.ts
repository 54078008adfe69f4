// What Hybster's scenarios share: stories told with a rule and without it, a service that shows its
// history, and liars' tools.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hybsterMutants, protocolWith } from "../../../mutants/index.js";
import { forging } from "../../../src/adversaries/index.js";
import type { Request } from "../../../src/codec/index.js";
import type {
  ClientAuthentication,
  Limits,
  Protocol,
  Service,
  Timing,
} from "../../../src/core/index.js";
import {
  type Commit,
  hybster,
  type HybsterMessage,
  type HybsterRecord,
  type NewView,
  type Prepare,
  type ViewChange,
} from "../../../src/protocols/hybster/index.js";
import {
  type Envelope,
  type HandPlayed,
  type Scenario,
  scenario,
  symbolicHash as hash,
} from "../../../src/simulator/index.js";

export type HybsterProtocol = Protocol<HybsterMessage, HybsterRecord>;
export type World = Scenario<HybsterMessage>;
export type Liar = HandPlayed<HybsterMessage>;

export { hash };

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/**
 * Appends every operation to a text and answers with the whole text: the results show the order.
 */
export function appendService(): Service {
  let text = "";
  const page = (content: string) => {
    const bytes = bytesOf(content);
    return { digest: hash(bytes), bytes: () => bytes };
  };
  return {
    order: "total",
    apply(operation) {
      text += textOf(operation);
      return bytesOf(text);
    },
    footprint: (_operation, touch) => touch("text", "write"),
    mark: () => 0,
    rewind: () => {},
    settle: () => {},
    pages: () => [page(text)],
    readPage: (bytes) => page(textOf(bytes)),
    restore: (pages) => {
      text = textOf(pages[0]!.bytes());
    },
  };
}

/**
 * A story that ends well, and does not without the rule that each of the mutants takes out.
 */
export function rule(
  name: string,
  mutants: keyof typeof hybsterMutants | readonly (keyof typeof hybsterMutants)[],
  story: (protocol: HybsterProtocol) => void,
): void {
  test(name, () => story(hybster));
  for (const mutant of [mutants].flat()) {
    test(`${name}: fails without its rule (${mutant})`, async () => {
      const broken = await protocolWith(hybsterMutants[mutant], "hybster");
      assert.throws(() => story(broken as unknown as HybsterProtocol), assert.AssertionError);
    });
  }
}

export interface Story {
  readonly n?: number;
  readonly liars?: readonly number[];
  readonly limits?: Partial<Limits>;
  readonly clientAuthentication?: ClientAuthentication;
  readonly timing?: Partial<Timing>;
  /** Default: `appendService`. */
  readonly service?: () => Service;
}

export function stage(protocol: HybsterProtocol, story: Story): World {
  const { n = 3, liars = [], limits = {}, clientAuthentication = "trusted-mac" } = story;
  const { timing = {}, service = appendService } = story;
  return scenario({ protocol, n, liars, limits, timing, clientAuthentication, service });
}

/** The text of a result, once enough equal replies came. */
export function answer(world: World, client: number, number: number): string | null {
  const results = world.result(client, number);
  return results && results.map(textOf).join("|");
}

/** What a replica executed, order by order. */
export function executedAt(world: World, replica: number): Map<number, string> {
  const executed = new Map<number, string>();
  for (const event of world.observations(replica)) {
    if (event.event === "executed") {
      executed.set(event.order, Buffer.from(event.digest).toString("hex"));
    }
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

type Kind<K> = Extract<HybsterMessage, { kind: K }>;

/** Messages of one kind that a hand-played replica received. */
export function received<K extends HybsterMessage["kind"]>(liar: Liar, kind: K): Kind<K>[] {
  return liar.received
    .map(({ message }) => message)
    .filter((message): message is Kind<K> => message.kind === kind);
}

/** Matches messages of some kinds between some parties. */
export const from =
  (sender: Envelope<HybsterMessage>["from"], ...kinds: HybsterMessage["kind"][]) =>
  (envelope: Envelope<HybsterMessage>): boolean =>
    envelope.from === sender && (kinds.length === 0 || kinds.includes(envelope.message.kind));

/** What the trusted module gave. Throws where it refused. */
function given<T>(message: T | null): T {
  if (message === null) throw new Error("the trusted counter refuses");
  return message;
}

/** What a lying host can have its trusted module certify. Throws where the module refuses. */
export const forge = {
  prepare: ({ context }: Liar, view: number, order: number, requests: Request[]): Prepare =>
    given(forging(context).prepare(view, order, requests)),
  commit: ({ context }: Liar, prepare: Prepare): Commit => given(forging(context).commit(prepare)),
  viewChange: ({ context }: Liar, to: number, claimed: Partial<ViewChange> = {}): ViewChange =>
    given(forging(context).viewChange(to, claimed)),
  newView: ({ context }: Liar, view: number, viewChanges: ViewChange[]): NewView =>
    given(forging(context).newView(view, viewChanges)),
  acknowledgement: (
    { context }: Liar,
    view: number,
    base: number,
    last: number,
    plan: Uint8Array,
  ) => given(forging(context).acknowledgement({ view, base, last, plan })),
  checkpoint: ({ context }: Liar, order: number, state: Uint8Array) =>
    given(forging(context).checkpoint({ order, digest: state })),
};
