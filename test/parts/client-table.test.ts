// The client table against a simple model: exactly-once, expiry, kept replies, pages.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Bundle } from "../../src/codec/index.js";
import { ClientTable, type Standing } from "../../src/parts/index.js";
import { bundleFor, digestsOf, hash, limitsWith, nameOf } from "./samples.js";

const limits = limitsWith({ sessionsPerClient: 3, sessionWindow: 4 });
const clients = [0, 1, 64];
const sessions = [1, 2, 3, 4, 5, 6];
const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

interface Kept {
  readonly last: number;
  /** The numbers whose results are kept, lowest first. */
  readonly replies: readonly number[];
}

/** The rules in plain words, over the list of everything that took effect. */
class Model {
  readonly took = new Map<string, Kept>();
  /** Each client's sessions, the one used last at the end. */
  readonly #used = new Map<number, readonly number[]>();
  readonly #expired = new Map<number, number>();

  of({ client, session }: Pick<Bundle, "client" | "session">): Kept {
    return this.took.get(`${client}/${session}`) ?? { last: 0, replies: [] };
  }

  standing({ client, session, number }: Bundle): Standing {
    const isKnown = this.took.has(`${client}/${session}`);
    if (!isKnown && session <= (this.#expired.get(client) ?? 0)) return "expired";
    const { last } = this.of({ client, session });
    if (number === last + 1) return "next";
    return isKnown && number <= last ? "duplicate" : "early";
  }

  record({ client, session, number, acknowledged }: Bundle): void {
    const unacknowledged = this.of({ client, session }).replies.filter((of) => of > acknowledged);
    const replies = [...unacknowledged, number].slice(-limits.sessionWindow);
    this.took.set(`${client}/${session}`, { last: number, replies });
    const others = (this.#used.get(client) ?? []).filter((other) => other !== session);
    const isFull = others.length === limits.sessionsPerClient;
    this.#used.set(client, [...(isFull ? others.slice(1) : others), session]);
    if (!isFull) return;
    const [idlest] = others;
    this.took.delete(`${client}/${idlest}`);
    this.#expired.set(client, Math.max(idlest!, this.#expired.get(client) ?? 0));
  }
}

interface Step {
  readonly client: number;
  readonly session: number;
  readonly number: number | "next";
  readonly acknowledged: number;
}

const steps = fc.array(
  fc.record<Step>({
    client: fc.constantFrom(...clients),
    session: fc.constantFrom(...sessions),
    number: fc.oneof(
      { arbitrary: fc.constant("next" as const), weight: 3 },
      { arbitrary: fc.constantFrom(...numbers), weight: 1 },
    ),
    acknowledged: fc.oneof(fc.constant(0), fc.constantFrom(...numbers)),
  }),
  { maxLength: 60, size: "max" },
);

const resultsOf = (bundle: Bundle): Uint8Array[] => [
  new TextEncoder().encode(nameOf(bundle)),
  new Uint8Array(bundle.number),
];

const everyBundle: Bundle[] = clients.flatMap((client) =>
  sessions.flatMap((session) => numbers.map((number) => bundleFor(client, session, number))),
);

/** Performs the steps on both, and gives the bundles that took effect. */
function perform(table: ClientTable, model: Model, todo: readonly Step[]): Bundle[] {
  const effects: Bundle[] = [];
  for (const { client, session, number, acknowledged } of todo) {
    const next = number === "next" ? model.of({ client, session }).last + 1 : number;
    const bundle = bundleFor(client, session, next, { acknowledged });
    const standing = table.standing(bundle);
    assert.equal(standing, model.standing(bundle), nameOf(bundle));
    if (standing !== "next") continue;
    table.record(bundle, resultsOf(bundle));
    model.record(bundle);
    effects.push(bundle);
  }
  return effects;
}

function agree(table: ClientTable, model: Model): void {
  for (const bundle of everyBundle) {
    const standing = model.standing(bundle);
    const { last, replies } = model.of(bundle);
    const settled = standing === "expired" ? Number.MAX_SAFE_INTEGER : last;
    const expected = replies.includes(bundle.number) ? resultsOf(bundle) : null;
    assert.equal(table.standing(bundle), standing, nameOf(bundle));
    assert.equal(table.settled(bundle), settled);
    assert.deepEqual(table.results(bundle), expected, nameOf(bundle));
  }
}

/** What another replica, which stood elsewhere, reads from the table's pages. */
function copyOf(table: ClientTable, within = limits): ClientTable {
  const copy = new ClientTable(within, hash);
  for (const client of [1, 2]) copy.record(bundleFor(client, 1, 1), []);
  copy.pages();
  const pages = table.pages().map((page) => copy.readPage(page.bytes()));
  copy.restore(pages.filter((page) => page !== null));
  assert.deepEqual(copy.pages(), pages);
  assert.equal(copy.standing(bundleFor(2, 1, 1)), "next");
  return copy;
}

test("the table does what the model does, and what is read from its pages goes on so", () => {
  const reached = new Set<Standing>();
  fc.assert(
    fc.property(steps, steps, (before, after) => {
      const table = new ClientTable(limits, hash);
      const model = new Model();
      perform(table, model, before);
      agree(table, model);
      const copy = copyOf(table);
      agree(copy, model);
      assert.deepEqual(digestsOf(copy.pages()), digestsOf(table.pages()));
      for (const bundle of perform(copy, model, after)) table.record(bundle, resultsOf(bundle));
      agree(copy, model);
      assert.deepEqual(digestsOf(copy.pages()), digestsOf(table.pages()));
      for (const bundle of everyBundle) reached.add(table.standing(bundle));
    }),
    { numRuns: 60 },
  );
  assert.equal(reached.size, 4);
});

test("no bundle takes effect twice or before its predecessor, in sessions that come and go", () => {
  fc.assert(
    fc.property(steps, (todo) => {
      const effects = perform(new ClientTable(limits, hash), new Model(), todo);
      const names = effects.map(nameOf);
      assert.equal(new Set(names).size, names.length);
      effects.forEach(({ client, session, number }, index) => {
        const before = names.slice(0, index);
        assert.ok(number === 1 || before.includes(`${client}/${session}/${number - 1}`));
      });
    }),
  );
});

test("an expired session stays so through any number of newer ones, and after a transfer", () => {
  const table = new ClientTable(limits, hash);
  for (let session = 1; session <= 50; session++) {
    table.record(bundleFor(7, session, 1), []);
    for (let old = 1; old <= session - limits.sessionsPerClient; old++) {
      assert.equal(table.standing(bundleFor(7, old, 1)), "expired");
      assert.equal(table.standing(bundleFor(7, old, 2)), "expired");
    }
    assert.equal(table.standing(bundleFor(7, session, 1)), "duplicate");
  }
  assert.equal(copyOf(table).standing(bundleFor(7, 1, 1)), "expired");
  assert.equal(table.standing(bundleFor(8, 1, 1)), "next");
});

test("the session that makes room is the one unused for longest, and a new one never is", () => {
  const table = new ClientTable(limits, hash);
  for (const session of [4, 5, 6]) table.record(bundleFor(1, session, 1), []);
  table.record(bundleFor(1, 4, 2), []);
  table.record(bundleFor(1, 1, 1), []);
  assert.equal(table.standing(bundleFor(1, 1, 2)), "next");
  assert.equal(table.standing(bundleFor(1, 4, 3)), "next");
  assert.equal(table.standing(bundleFor(1, 5, 2)), "expired");
  assert.equal(table.standing(bundleFor(1, 3, 1)), "expired");
});

test("replies are kept up to so many bytes; the last one always is", () => {
  const narrow = limitsWith({ sessionReplyBytesMax: 1000 });
  let table = new ClientTable(narrow, hash);
  const sizes = fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 12 });
  let session = 0;
  fc.assert(
    fc.property(sizes, (lengths) => {
      session += 1;
      lengths.forEach((length, index) => {
        if (index % 2 === 1) table = copyOf(table, narrow);
        table.record(bundleFor(1, session, index + 1), [new Uint8Array(length)]);
        const kept = lengths
          .slice(0, index + 1)
          .map((_, i) => table.results(bundleFor(1, session, i + 1))?.[0]?.length ?? null);
        const first = kept.findIndex((size) => size !== null);
        const bytes = kept.reduce<number>((sum, size) => sum + (size ?? 0), 0);
        assert.deepEqual(kept.slice(first), lengths.slice(first, index + 1));
        assert.ok(bytes <= 1000 || first === index);
        if (first > 0) assert.ok(bytes + lengths[first - 1]! > 1000 - 24 * kept.length);
      });
    }),
  );
});

test("only the page of a client whose bundle took effect is made anew", () => {
  const table = new ClientTable(limits, hash);
  for (const client of [3, 67, 5]) table.record(bundleFor(client, 1, 1), []);
  const before = [...table.pages()];
  assert.equal(before.length, ClientTable.pageCount);
  assert.deepEqual(table.pages(), before);
  table.record(bundleFor(67, 1, 2), []);
  table.pages().forEach((page, index) => {
    assert.equal(page === before[index], index !== 3, `page ${index}`);
  });
  const copy = copyOf(table);
  assert.ok(copy.pages().every((page, index) => page === copy.pages()[index]));
});

test("equal tables have equal digests, however they came about; different ones do not", () => {
  const order = fc.shuffledSubarray(clients, { minLength: clients.length });
  const digestsAfter = (byClient: readonly number[], last: number): string[] => {
    const table = new ClientTable(limits, hash);
    for (const client of byClient) {
      for (let number = 1; number <= 3; number++) table.record(bundleFor(client, 2, number), []);
      table.record(bundleFor(client, 1, 1), [Uint8Array.of(last)]);
      table.pages();
    }
    return digestsOf(table.pages());
  };
  fc.assert(
    fc.property(order, order, (one, other) => {
      assert.deepEqual(digestsAfter(one, 1), digestsAfter(other, 1));
    }),
  );
  assert.notDeepEqual(digestsAfter(clients, 1), digestsAfter(clients, 2));
  assert.notDeepEqual(digestsAfter(clients, 1), digestsAfter(clients.slice(1), 1));
});

test("a page is read from its own copy of canonical bytes only", () => {
  const table = new ClientTable(limits, hash);
  for (const client of clients) table.record(bundleFor(client, 1, 1), [Uint8Array.of(client)]);
  const bytes = table.pages()[0]!.bytes();
  for (const malformed of [bytes.subarray(0, -3), bytes.subarray(1), Uint8Array.of(0)]) {
    assert.equal(table.readPage(malformed), null);
  }
  const lent = bytes.slice();
  const page = table.readPage(lent);
  lent.fill(0);
  assert.deepEqual(page?.bytes(), bytes);
  assert.deepEqual(page.digest, table.pages()[0]!.digest);
});
