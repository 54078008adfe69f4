// Who takes part in an exploration, and how it begins.

import { encodeBundle } from "../../codec/index.js";
import {
  type ClientId,
  defaultLimits,
  defaultTiming,
  type ReplicaContext,
  type ReplicaId,
  replicaIds,
  UsageError,
} from "../../core/index.js";
import { type ClientKeys, clientKeys } from "../client-keys.js";
import { faultsTolerated } from "../cluster.js";
import { identities } from "../identities.js";
import { Fingerprinter } from "../introspect.js";
import { symbolicHash as hash } from "../mix.js";
import { trustedGroup } from "../model-counter.js";
import { Random } from "../random.js";
import { Actor } from "./actor.js";
import { Automaton } from "./automaton.js";
import { alwaysProperties, FactBook } from "./facts.js";
import { SetInterner } from "./interner.js";
import type { Surroundings } from "./live-replica.js";
import { allReductions, type ExploredRequest, type ExploreOptions } from "./options.js";
import { bundleName, Vocabulary } from "./vocabulary.js";

/** Everything that a search stands on. */
export interface Cast {
  readonly n: number;
  readonly f: number;
  readonly actors: readonly Actor[];
  readonly automata: readonly Automaton[];
  readonly vocabulary: Vocabulary;
  readonly sets: SetInterner;
  readonly facts: FactBook;
  /** For each replica, the set of letters that clients send it. */
  readonly requests: readonly number[];
  /** The bundles that clients submit. */
  readonly bundles: readonly string[];
  /** Crashes of all replicas together. */
  readonly crashesMax: number;
  readonly crashing: readonly ReplicaId[];
  /** How often something was reached. */
  readonly reached: Map<string, number>;
}

/** @throws UsageError `EXPLORATION_UNFIT` for options that contradict each other. */
export function castFor(options: ExploreOptions): Cast {
  const { protocol, n, faults = {} } = options;
  const f = faultsTolerated(protocol, n);
  checkFaults(options, f);
  const vocabulary = new Vocabulary();
  const sets = new SetInterner();
  const facts = new FactBook(vocabulary, options.always ?? alwaysProperties);
  const reached = new Map<string, number>();
  const { merge, quiet } = { ...allReductions, ...options.reductions };
  const { surroundings, keys } = surroundingsOf(options, f, vocabulary);
  const automata = Array.from({ length: n }, (_, id) => new Automaton(surroundings, id, merge));
  const roleOf = (id: ReplicaId) => {
    if (faults.silent?.includes(id)) return "silent";
    return faults.twins === id ? "twins" : "correct";
  };
  const { crashes } = faults;
  const actors = automata.map(
    (automaton, replica) =>
      new Actor({
        replica,
        n,
        automaton,
        vocabulary,
        sets,
        facts,
        role: roleOf(replica),
        crashes: crashes?.replicas.includes(replica) ? crashes.times : 0,
        budget: (timer) => budgetOf(options, timer, replica),
        once: !merge,
        quiet,
        reached: (mark) => reached.set(mark, (reached.get(mark) ?? 0) + 1),
      }),
  );
  return {
    n,
    f,
    actors,
    automata,
    vocabulary,
    sets,
    facts,
    ...submit(options, keys, vocabulary, sets),
    crashesMax: crashes?.times ?? 0,
    crashing: crashes?.replicas ?? [],
    reached,
  };
}

function checkFaults({ n, faults = {}, protocol }: ExploreOptions, f: number): void {
  const { crashes, twins, silent = [] } = faults;
  const liars = twins === undefined ? [] : [twins];
  const named = [...(crashes?.replicas ?? []), ...liars, ...silent];
  const unfit = (message: string) => new UsageError("EXPLORATION_UNFIT", message);
  const unknown = named.find((id) => !Number.isInteger(id) || id < 0 || id >= n);
  if (unknown !== undefined) {
    throw unfit(`there is no replica ${unknown}: they are numbered 0 to ${n - 1}`);
  }
  const gone = new Set([...liars, ...silent]);
  if (gone.size > f) {
    const word = f === 1 ? "replica" : "replicas";
    throw unfit(`${protocol.name} with ${n} replicas withstands ${f} faulty ${word}: name fewer`);
  }
  if (gone.size < liars.length + silent.length || crashes?.replicas.some((id) => gone.has(id))) {
    throw unfit("a replica crashes, is silent, or is two: name it once");
  }
}

function budgetOf({ timers = {} }: ExploreOptions, timer: string, replica: ReplicaId): number {
  const budget = Object.hasOwn(timers, timer) ? timers[timer] : 0;
  return typeof budget === "number" ? budget : (budget?.[replica] ?? 0);
}

function surroundingsOf(
  options: ExploreOptions,
  f: number,
  vocabulary: Vocabulary,
): { readonly surroundings: Surroundings; readonly keys: ClientKeys } {
  const { protocol, n, service } = options;
  const random = new Random(1);
  const group = trustedGroup(random.fork("trusted group"));
  const clientAuthentication = options.clientAuthentication ?? protocol.clientAuthentications[0]!;
  const keys = clientKeys(clientAuthentication, n, group, random.fork("client keys"));
  const replicaAuthentication =
    options.replicaAuthentication ?? protocol.replicaAuthentications[0] ?? null;
  const members = identities(replicaAuthentication, n, random);
  const shared: Omit<ReplicaContext, "service" | "counter" | "replica" | "identity"> = {
    n,
    f,
    hash,
    limits: { ...defaultLimits, ...options.limits },
    timing: { ...defaultTiming, ...options.timing },
    clientAuthentication,
    replicaAuthentication,
  };
  const surroundings: Surroundings = {
    protocol,
    service,
    counter: (replica) => group.counter(replica),
    keys,
    identities: members,
    context: (replica) => ({ ...shared, replica, identity: members.of(replica) }),
    vocabulary,
    fingerprinter: new Fingerprinter(),
  };
  return { surroundings, keys };
}

/** All requests are under way from the beginning: each may arrive at any time. */
function submit(
  { protocol, n, requests }: ExploreOptions,
  keys: ClientKeys,
  vocabulary: Vocabulary,
  sets: SetInterner,
): Pick<Cast, "requests" | "bundles"> {
  const numbers = new Map<ClientId, number>();
  const everyone = replicaIds(n);
  const letters: number[][] = everyone.map(() => []);
  const bundles: string[] = [];
  for (const request of requests) {
    const { bytes, bundle } = sealed(request, numbers, protocol, keys);
    bundles.push(bundle);
    vocabulary.submitted.set(bundle, { client: request.client });
    for (const to of request.to ?? everyone) {
      letters[to]!.push(vocabulary.letter({ from: null, to, bytes }));
    }
  }
  return { requests: letters.map((of) => sets.of(of)), bundles };
}

function sealed(
  { client, operation }: ExploredRequest,
  numbers: Map<ClientId, number>,
  protocol: ExploreOptions["protocol"],
  keys: ClientKeys,
): { readonly bytes: Uint8Array; readonly bundle: string } {
  const number = (numbers.get(client) ?? 0) + 1;
  numbers.set(client, number);
  const bundle = { client, session: 1, number };
  const body = encodeBundle({ ...bundle, acknowledged: 0, operations: [operation] });
  const request = protocol.client.request(body, keys.seal(client, hash(body)));
  return { bytes: protocol.messages.encode(request), bundle: bundleName(bundle) };
}
