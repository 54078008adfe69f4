// What Hybster's scenarios share: a service that shows its history, and liars' tools.

import { attestationSchema, type Request, toWire, type ValueOf } from "../../../src/codec/index.js";
import type {
  Attestation,
  ClientAuthentication,
  Limits,
  Protocol,
  Service,
} from "../../../src/core/index.js";
import { batchDigest } from "../../../src/parts/index.js";
import {
  certified,
  type Commit,
  counters,
  genesis,
  type HybsterMessage,
  type HybsterRecord,
  type NewView,
  type Prepare,
  type Stable,
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

export interface Story {
  readonly n?: number;
  readonly liars?: readonly number[];
  readonly limits?: Partial<Limits>;
  readonly clientAuthentication?: ClientAuthentication;
}

export function stage(protocol: HybsterProtocol, story: Story): World {
  const { n = 3, liars = [], limits = {}, clientAuthentication = "trusted-mac" } = story;
  return scenario({ protocol, n, liars, limits, clientAuthentication, service: appendService });
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

const wire = (attestation: Attestation | null): ValueOf<typeof attestationSchema> => {
  if (attestation === null) throw new Error("the trusted counter refuses");
  return toWire(attestation) as ValueOf<typeof attestationSchema>;
};

/** What a lying host can have its trusted module certify. Throws where the module refuses. */
export const forge = {
  prepare(liar: Liar, view: number, order: number, requests: Request[]): Prepare {
    const batch = batchDigest(requests, hash);
    const digest = certified.prepare(batch, hash);
    const attestation = wire(
      liar.context.counter.independent(counters.order, { view, order }, digest),
    );
    return { view, order, batch, attestation, requests };
  },
  commit(liar: Liar, prepare: Prepare): Commit {
    const { view, order, batch } = prepare;
    const digest = certified.commit(batch, hash);
    const attestation = wire(
      liar.context.counter.independent(counters.order, { view, order }, digest),
    );
    return { view, order, batch, attestation };
  },
  viewChange(liar: Liar, to: number, claimed: Partial<ViewChange> = {}): ViewChange {
    const stable: Stable = { order: 0, digest: new Uint8Array(32), statements: [] };
    const content = { to, established: genesis, stable, prepares: [], ...claimed };
    const digest = certified.viewChange(content, hash);
    const position = { view: to, order: 0 };
    const attestation = wire(liar.context.counter.continuing(counters.order, position, digest));
    return { ...content, attestation };
  },
  newView(liar: Liar, view: number, viewChanges: ViewChange[]): NewView {
    const content = { view, viewChanges };
    const digest = certified.newView(content, hash);
    const position = { view, order: 0 };
    const attestation = wire(liar.context.counter.independent(counters.newView, position, digest));
    return { ...content, attestation };
  },
  acknowledgement(liar: Liar, view: number, base: number, last: number, plan: Uint8Array) {
    const content = { view, base, last, plan };
    const digest = certified.acknowledgement(content, hash);
    const attestation = wire(liar.context.counter.trustedMac(counters.mac, digest));
    return { ...content, attestation };
  },
  checkpoint(liar: Liar, order: number, state: Uint8Array) {
    const content = { order, digest: state };
    const digest = certified.checkpoint(content, hash);
    const attestation = wire(liar.context.counter.trustedMac(counters.mac, digest));
    return { ...content, attestation };
  },
};
