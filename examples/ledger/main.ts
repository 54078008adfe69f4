// Opens two accounts in a running ledger cluster, and moves money from one to the other: README.md
// says how.

import { connect } from "troth";
import { type LedgerRequest, readAnswer, writeRequest } from "./ledger.js";

const client = await connect({ folder: process.argv[2] ?? "./data" });

async function ask(request: LedgerRequest): Promise<void> {
  const answer = readAnswer(await client.call(writeRequest(request)));
  console.log(JSON.stringify(request), "→", JSON.stringify(answer));
}

await ask({ kind: "open", account: "alice", deposit: 10_000 });
await ask({ kind: "open", account: "bob", deposit: 0 });
await ask({ kind: "transfer", from: "alice", to: "bob", amount: 2_500 });
await ask({ kind: "transfer", from: "bob", to: "alice", amount: 9_999 });
await ask({ kind: "balance", account: "alice" });
await ask({ kind: "balance", account: "bob" });
client.close();
