// The example ledger, and with it wholeState: what a small service of one's own rests on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { digest } from "@chainsafe/as-sha256";
import fc from "fast-check";
import createLedger, {
  type LedgerAnswer,
  type LedgerRequest,
  readAnswer,
  writeRequest,
} from "../../examples/ledger/ledger.js";
import type { Service } from "../../src/core/index.js";

const moment = { client: 0, session: 0 };

const ask = (service: Service, request: LedgerRequest): LedgerAnswer =>
  readAnswer(service.apply(writeRequest(request), moment));

const accounts = ["alice", "bob", "carol"];
const account = fc.constantFrom(...accounts);
const transfers: fc.Arbitrary<LedgerRequest> = fc.record({
  kind: fc.constant("transfer" as const),
  from: account,
  to: account,
  amount: fc.nat(150),
});

function opened(): Service {
  const service = createLedger(digest);
  for (const account of accounts) ask(service, { kind: "open", account, deposit: 100 });
  return service;
}

function total(service: Service): number {
  const balances = accounts.map((account) => ask(service, { kind: "balance", account }));
  return balances.reduce((sum, answer) => sum + ("balance" in answer ? answer.balance : NaN), 0);
}

test("money moves, and what is refused moves none", () => {
  const service = opened();
  const transfer = (from: string, to: string, amount: number) =>
    ask(service, { kind: "transfer", from, to, amount });
  assert.deepEqual(transfer("alice", "bob", 30), { balance: 70 });
  assert.deepEqual(transfer("alice", "bob", 71), { refused: "the account has too little" });
  assert.deepEqual(transfer("alice", "dave", 1), { refused: "there is no such account" });
  assert.deepEqual(transfer("alice", "bob", -1), { refused: "this is no request" });
  assert.deepEqual(ask(service, { kind: "balance", account: "bob" }), { balance: 130 });
});

test("no money is made or lost, and a rewound ledger is what it was", () => {
  fc.assert(
    fc.property(fc.array(transfers), fc.array(transfers), (before, after) => {
      const service = opened();
      for (const request of before) ask(service, request);
      const mark = service.mark();
      const [page] = service.pages();
      for (const request of after) ask(service, request);
      assert.equal(total(service), 300);
      service.rewind(mark);
      assert.deepEqual(service.pages()[0]!.digest, page!.digest);
      service.settle(service.mark());
      assert.throws(() => service.rewind(mark));
    }),
  );
});

test("garbage is refused, and changes nothing", () => {
  const service = opened();
  const [page] = service.pages();
  const wrong = [{ kind: "open", account: 7, deposit: 1 }, { kind: "close" }, null, [], "x", 1.5];
  const operations = fc.oneof(
    fc.uint8Array(),
    fc.json().map((json) => new TextEncoder().encode(json)),
    fc.constantFrom(...wrong).map((value) => new TextEncoder().encode(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(operations, (operation) => {
      assert.deepEqual(readAnswer(service.apply(operation, moment)), {
        refused: "this is no request",
      });
    }),
  );
  assert.equal(service.pages()[0], page);
});

test("a transferred ledger is the same ledger", () => {
  const service = opened();
  ask(service, { kind: "transfer", from: "alice", to: "bob", amount: 1 });
  const [page] = service.pages();
  const copy = createLedger(digest);
  const read = copy.readPage(page!.bytes());
  assert.deepEqual(read!.digest, page!.digest);
  copy.restore([read!]);
  assert.deepEqual(ask(copy, { kind: "balance", account: "bob" }), { balance: 101 });
});

test("without a footprint, every operation interferes with every other", () => {
  const touched: string[] = [];
  opened().footprint(new Uint8Array(3), (name, access) => touched.push(`${access} ${name}`));
  assert.deepEqual(touched, ["write state"]);
});
