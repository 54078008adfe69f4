// The key-value service: against a plain map, taken back, imaged, restored, and fed garbage.

import assert from "node:assert/strict";
import { test } from "node:test";
import { digest as sha256 } from "@chainsafe/as-sha256";
import fc from "fast-check";
import { defaultLimits, type Page, type Service, toHex } from "../../src/core/index.js";
import {
  createService,
  keyValue,
  keyValueLimits,
  type Outcome,
  readOutcome,
  type Request,
  writeRequest,
} from "../../src/services/index.js";

const moment = { client: 0, session: 0 };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytes = (latin1: string): Uint8Array => Uint8Array.from(Buffer.from(latin1, "latin1"));

const kv = (): Service => createService("kv", sha256);

function outcome(service: Service, operation: Uint8Array): Outcome {
  const result = service.apply(operation, moment);
  assert.ok(result.length <= defaultLimits.resultBytesMax);
  const read = readOutcome(result);
  assert.ok(read !== null);
  return read;
}

/** An outcome in one line: "=" and a value, "key=value …", or a word. */
function answer(service: Service, operation: Uint8Array): string {
  const given = outcome(service, operation);
  if (given.kind === "value") return `=${text(given.value)}`;
  if (given.kind !== "entries") return given.kind;
  const entries = given.entries.map(({ key, value }) => `${text(key)}=${text(value)}`);
  return [...entries, ...(given.more ? ["…"] : [])].join(" ");
}

const digestOf = (service: Service): string =>
  toHex(sha256(Buffer.concat(service.pages().map(({ digest }) => digest))));

/** A copy made as state transfer makes it: from bytes. */
function transferred(service: Service): Service {
  const copy = kv();
  const pages = service.pages().map((page): Page => {
    const read = copy.readPage(page.bytes());
    assert.ok(read !== null);
    assert.deepEqual(read.digest, page.digest);
    return read;
  });
  copy.restore(pages);
  return copy;
}

// Few keys and short values, so that operations meet.
const keys = fc.constantFrom("a", "ab", "abc", "b", "\u00ff", "\u00ff\u00ff", "counter").map(bytes);
const values = fc.constantFrom("", "1", "-7", "x", "9223372036854775807", "07").map(bytes);
const amounts = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const requests: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ kind: fc.constant("get" as const), key: keys }),
  fc.record({ kind: fc.constant("put" as const), key: keys, value: values }),
  fc.record({ kind: fc.constant("delete" as const), key: keys }),
  fc.record({ kind: fc.constant("create" as const), key: keys, value: values }),
  fc.record({ kind: fc.constant("swap" as const), key: keys, expected: values, value: values }),
  fc.record({
    kind: fc.constant("add" as const),
    key: keys,
    amount: amounts.map((amount) => bytes(String(amount))),
  }),
  fc.record({ kind: fc.constant("append" as const), key: keys, value: values }),
  fc.record({
    kind: fc.constant("range" as const),
    prefix: fc.oneof(fc.constant(bytes("")), keys),
    after: fc.oneof(fc.constant(bytes("")), keys),
    limit: fc.nat(5),
  }),
);

/** What the service should answer, by a map and nothing else. */
function expected(map: Map<string, string>, request: Request): string {
  if (request.kind === "range") {
    const found = [...map]
      .filter(([key]) => key.startsWith(text(request.prefix)) && key > text(request.after))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const lines = found.slice(0, request.limit).map(([key, value]) => `${key}=${value}`);
    return [...lines, ...(found.length > request.limit ? ["…"] : [])].join(" ");
  }
  const key = text(request.key);
  const current = map.get(key);
  const standing = current === undefined ? "absent" : `=${current}`;
  const set = (value: string): string => {
    map.set(key, value);
    return "done";
  };
  switch (request.kind) {
    case "get":
      return standing;
    case "put":
      return set(text(request.value));
    case "delete":
      return map.delete(key) ? "done" : "absent";
    case "create":
      return current === undefined ? set(text(request.value)) : standing;
    case "swap":
      return current === text(request.expected) ? set(text(request.value)) : standing;
    case "add": {
      const number = current ?? "0";
      if (!isCounter(number)) return "not-a-counter";
      return set(BigInt.asIntN(64, BigInt(number) + BigInt(text(request.amount))).toString());
    }
    case "append":
      return set((current ?? "") + text(request.value));
  }
}

const isCounter = (value: string): boolean =>
  /^-?[0-9]+$/.test(value) && BigInt.asIntN(64, BigInt(value)).toString() === value;

test("it answers as a map does", () => {
  fc.assert(
    fc.property(fc.array(requests, { maxLength: 60 }), (drawn) => {
      const service = kv();
      const map = new Map<string, string>();
      for (const request of drawn) {
        assert.equal(answer(service, writeRequest(request)), expected(map, request), request.kind);
      }
    }),
    { numRuns: 300 },
  );
});

test("the counter at the highest number wraps around, and says no to what is no counter", () => {
  const service = kv();
  service.apply(keyValue.put(bytes("n"), bytes("9223372036854775807")), moment);
  assert.equal(answer(service, keyValue.add(bytes("n"), 1n)), "done");
  assert.equal(answer(service, keyValue.get(bytes("n"))), "=-9223372036854775808");
  for (const value of ["", "-0", "07", "1.5", "+1", "9223372036854775808", "1\n"]) {
    service.apply(keyValue.put(bytes("n"), bytes(value)), moment);
    assert.equal(answer(service, keyValue.add(bytes("n"), 1n)), "not-a-counter", value);
    assert.equal(answer(service, keyValue.get(bytes("n"))), `=${value}`);
  }
});

test("additions commute, whatever the numbers", () => {
  const start = fc.option(values);
  fc.assert(
    fc.property(start, fc.array(amounts, { maxLength: 8 }), (value, drawn) => {
      const [one, other] = [drawn, drawn.toReversed()].map((order) => {
        const service = kv();
        if (value !== null) service.apply(keyValue.put(bytes("n"), value), moment);
        const answers = order.map((amount) => answer(service, keyValue.add(bytes("n"), amount)));
        return { answers: new Set(answers), digest: digestOf(service) };
      });
      assert.deepEqual(one, other);
    }),
  );
});

test("an append that would make a value too long changes nothing", () => {
  const service = kv();
  const long = new Uint8Array(keyValueLimits.valueBytes);
  assert.equal(answer(service, keyValue.append(bytes("k"), long)), "done");
  const before = digestOf(service);
  assert.equal(answer(service, keyValue.append(bytes("k"), bytes("x"))), "too-long");
  assert.equal(digestOf(service), before);
});

test("a range stops at its bytes, and goes on after its last key", () => {
  const service = kv();
  const put = (key: string, length: number) =>
    service.apply(keyValue.put(bytes(key), new Uint8Array(length)), moment);
  put(`p${"k".repeat(511)}`, keyValueLimits.valueBytes);
  for (let i = 100; i < 220; i++) put(`p${i}`, 1000);
  put("q", 10);
  const seen: string[] = [];
  let after = bytes("");
  for (let answers = 0; ; answers++) {
    assert.ok(answers < 10);
    const given = outcome(service, keyValue.range(bytes("p"), 1024, after));
    assert.ok(given.kind === "entries" && given.entries.length > 0);
    seen.push(...given.entries.map(({ key }) => text(key)));
    if (!given.more) break;
    after = given.entries.at(-1)!.key;
  }
  assert.equal(seen.length, 121);
  assert.deepEqual(seen, seen.toSorted());
});

test("once a checkpoint has digested it, a value is kept apart from its request", () => {
  const service = kv();
  const operations = [
    keyValue.put(bytes("a"), bytes("value")),
    keyValue.compareAndSwap(bytes("b"), null, bytes("value")),
    keyValue.append(bytes("c"), bytes("value")),
    keyValue.compareAndSwap(bytes("a"), bytes("value"), bytes("other")),
  ];
  for (const operation of operations) service.apply(operation, moment);
  const digest = digestOf(service);
  for (const operation of operations) operation.fill(0);
  assert.equal(answer(service, keyValue.range(bytes(""))), "a=other b=value c=value");
  assert.equal(digestOf(transferred(service)), digest);
});

test("garbage is answered, never thrown at, and changes nothing", () => {
  const service = kv();
  service.apply(keyValue.put(bytes("k"), bytes("v")), moment);
  const before = digestOf(service);
  const mutated = fc.tuple(requests, fc.nat(), fc.nat(255)).map(([request, at, byte]) => {
    const operation = writeRequest(request);
    operation[at % operation.length] = byte;
    return operation.subarray(0, operation.length - (at % 3));
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), mutated), (operation) => {
      outcome(transient(service), operation);
      service.footprint(operation, (name) => assert.ok(name.length > 0));
    }),
    { numRuns: 500 },
  );
  for (const operation of [bytes(""), bytes("\u00ff"), keyValue.get(bytes(""))]) {
    assert.equal(answer(service, operation), "malformed");
  }
  const notANumber = writeRequest({ kind: "add", key: bytes("k"), amount: bytes("1e3") });
  assert.equal(answer(service, notANumber), "malformed");
  assert.equal(digestOf(service), before);
  assert.equal(readOutcome(bytes("garbage")), null);
});

/** The same state in a service of its own. */
function transient(service: Service): Service {
  const copy = kv();
  copy.restore(service.pages());
  return copy;
}

test("rewinding restores the state, ranges included; settling keeps later marks", () => {
  const drawn = fc.array(requests, { maxLength: 20 });
  fc.assert(
    fc.property(drawn, drawn, drawn, fc.boolean(), (first, second, third, settles) => {
      const service = kv();
      const run = (list: readonly Request[]) => {
        for (const request of list) service.apply(writeRequest(request), moment);
      };
      const look = () => [digestOf(service), answer(service, keyValue.range(bytes("")))];
      run(first);
      const outer = service.mark();
      const atOuter = look();
      run(second);
      const inner = service.mark();
      const atInner = look();
      run(third);
      service.rewind(inner);
      assert.deepEqual(look(), atInner);
      run(third);
      if (settles) service.settle(inner);
      service.rewind(inner);
      assert.deepEqual(look(), atInner);
      if (settles && outer < inner) assert.throws(() => service.rewind(outer));
      else {
        service.rewind(outer);
        assert.deepEqual(look(), atOuter);
      }
    }),
    { numRuns: 100 },
  );
});

test("equal states have equal digests, however they came about", () => {
  const content = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 4 }), fc.string()), {
    selector: ([key]) => key,
    maxLength: 30,
  });
  fc.assert(
    fc.property(content, fc.array(requests, { maxLength: 20 }), (entries, before) => {
      const put = (service: Service, list: readonly (readonly [string, string])[]) => {
        for (const [key, value] of list) {
          service.apply(keyValue.put(Buffer.from(key), Buffer.from(value)), moment);
        }
        return service;
      };
      const straight = put(kv(), entries);
      const winding = kv();
      for (const request of before) {
        winding.apply(writeRequest(request), moment);
        winding.pages();
      }
      const left = outcome(winding, keyValue.range(bytes("")));
      assert.ok(left.kind === "entries");
      for (const { key } of left.entries) winding.apply(keyValue.delete(key), moment);
      put(winding, entries.toReversed());
      assert.equal(digestOf(winding), digestOf(straight));
      const one = entries[0];
      if (one === undefined) return;
      straight.apply(keyValue.append(Buffer.from(one[0]), bytes("!")), moment);
      assert.notEqual(digestOf(winding), digestOf(straight));
    }),
    { numRuns: 50 },
  );
});

test("a state transferred in bytes is the same state, and lives on", () => {
  fc.assert(
    fc.property(fc.array(requests), fc.array(requests), (before, after) => {
      const service = kv();
      for (const request of before) service.apply(writeRequest(request), moment);
      const copy = transferred(service);
      assert.equal(digestOf(copy), digestOf(service));
      for (const request of after) {
        const operation = writeRequest(request);
        assert.deepEqual(copy.apply(operation, moment), service.apply(operation, moment));
      }
      assert.equal(digestOf(copy), digestOf(service));
    }),
    { numRuns: 30 },
  );
});

test("an image does not change, and shares with the next what was not written between them", () => {
  const service = kv();
  for (let i = 0; i < 100; i++) service.apply(keyValue.put(bytes(`${i}`), bytes("1")), moment);
  const before = service.pages();
  const content = before.map((page) => toHex(page.bytes()));
  for (const operation of [keyValue.add(bytes("7"), 1n), keyValue.get(bytes("8"))]) {
    service.apply(operation, moment);
  }
  const after = service.pages();
  const changed = before.filter((page, index) => page !== after[index]);
  assert.equal(changed.length, 1);
  assert.deepEqual(
    before.map((page) => toHex(page.bytes())),
    content,
  );
  assert.deepEqual(service.pages(), after);
  service.restore(before);
  assert.equal(answer(service, keyValue.get(bytes("7"))), "=1");
});

test("a liar's page is refused, or has another digest", () => {
  const service = kv();
  for (const key of ["a", "b"]) service.apply(keyValue.put(bytes(key), bytes("v")), moment);
  const page = service.pages().find((page) => page.bytes().length > 0)!;
  const genuine = page.bytes();
  for (let at = 0; at < genuine.length; at++) {
    const forged = genuine.slice();
    forged[at]! ^= 1;
    const read = service.readPage(forged);
    assert.ok(read === null || toHex(read.digest) !== toHex(page.digest), `byte ${at}`);
  }
  assert.equal(service.readPage(genuine.subarray(1)), null);
  const elsewhere = service.pages().toReversed();
  assert.throws(() => service.restore(elsewhere), /holds a key of page/);
});

test("a page whose keys are out of order, or there twice, is refused", () => {
  const service = kv();
  // So many keys that some page holds two of them.
  for (let i = 10_000; i < 10_400; i++)
    service.apply(keyValue.put(bytes(`${i}`), bytes("v")), moment);
  const ofTwo = service
    .pages()
    .map((page) => text(page.bytes()))
    .find((page) => keysIn(page).length === 2)!;
  const [first, second] = keysIn(ofTwo) as [string, string];
  const forge = (one: string, other: string): string =>
    ofTwo.replace(first, "ONE").replace(second, other).replace("ONE", one);
  assert.ok(service.readPage(bytes(forge(first, second))) !== null);
  assert.equal(service.readPage(bytes(forge(second, first))), null);
  assert.equal(service.readPage(bytes(forge(first, first))), null);
});

const keysIn = (page: string): string[] => page.match(/10[0-9]{3}/g) ?? [];

test("a restored state replaces all that was there", () => {
  const [one, other] = [kv(), kv()];
  one.apply(keyValue.put(bytes("new"), bytes("1")), moment);
  other.apply(keyValue.put(bytes("old"), bytes("1")), moment);
  const mark = other.mark();
  other.restore(one.pages());
  assert.equal(answer(other, keyValue.range(bytes(""))), "new=1");
  assert.equal(answer(other, keyValue.get(bytes("old"))), "absent");
  assert.throws(() => other.rewind(mark));
});

test("footprints: operations that do not commute interfere, and few others", () => {
  const touches = (request: Request): Map<string, string> => {
    const names = new Map<string, string>();
    kv().footprint(writeRequest(request), (name, access) => names.set(name, access));
    return names;
  };
  const interfere = (a: Request, b: Request): boolean => {
    const others = touches(b);
    return [...touches(a)].some(([name, access]) => {
      const other = others.get(name);
      return other !== undefined && (access === "write" || access !== other);
    });
  };
  let free = 0;
  fc.assert(
    fc.property(fc.array(requests, { maxLength: 12 }), requests, requests, (before, a, b) => {
      if (interfere(a, b)) return;
      free++;
      const [one, other] = [
        [a, b],
        [b, a],
      ].map((order) => {
        const service = kv();
        for (const request of before) service.apply(writeRequest(request), moment);
        const answers = new Map(
          order.map((r) => [r, toHex(service.apply(writeRequest(r), moment))]),
        );
        return { a: answers.get(a), b: answers.get(b), digest: digestOf(service) };
      });
      assert.deepEqual(one, other);
    }),
    { numRuns: 400 },
  );
  assert.ok(free > 50, `${free} pairs did not interfere`);
  const put = (key: string): Request => ({ kind: "put", key: bytes(key), value: bytes("v") });
  const range = (prefix: string): Request => {
    return { kind: "range", prefix: bytes(prefix), after: bytes(""), limit: 9 };
  };
  assert.ok(interfere(put("a"), put("a")));
  assert.ok(!interfere(put("a"), put("b")));
  assert.ok(interfere(range("ab"), put("abc")) && interfere(range(""), put("abc")));
  assert.ok(!interfere(range("b"), put("abc")));
});
