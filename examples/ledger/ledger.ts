// A bank ledger as a replicated service: accounts are opened, money moves, none is made or lost.

import { type Hash, type Service, wholeState } from "troth";

/** What clients ask. Amounts are whole numbers, in cents say. */
export type LedgerRequest =
  | { readonly kind: "open"; readonly account: string; readonly deposit: number }
  | {
      readonly kind: "transfer";
      readonly from: string;
      readonly to: string;
      readonly amount: number;
    }
  | { readonly kind: "balance"; readonly account: string };

/** What they are told. */
export type LedgerAnswer = { readonly balance: number } | { readonly refused: string };

const text = new TextDecoder();
const utf8 = new TextEncoder();

export const writeRequest = (request: LedgerRequest): Uint8Array =>
  utf8.encode(JSON.stringify(request));

export const readAnswer = (result: Uint8Array): LedgerAnswer =>
  JSON.parse(text.decode(result)) as LedgerAnswer;

/** The service in its first state. Every replica has one, and all apply the same requests. */
export default function createLedger(hash: Hash): Service {
  const balances = new Map<string, number>();

  function execute(request: LedgerRequest): LedgerAnswer {
    switch (request.kind) {
      case "open":
        return open(request.account, request.deposit);
      case "transfer":
        return transfer(request.from, request.to, request.amount);
      case "balance":
        return tell(request.account);
    }
  }

  function open(account: string, deposit: number): LedgerAnswer {
    if (balances.has(account)) return { refused: "the account is open already" };
    balances.set(account, deposit);
    return tell(account);
  }

  function transfer(from: string, to: string, amount: number): LedgerAnswer {
    const has = balances.get(from);
    const other = balances.get(to);
    if (has === undefined || other === undefined) return { refused: "there is no such account" };
    if (has < amount) return { refused: "the account has too little" };
    if (from === to) return tell(from);
    if (!isAmount(other + amount)) return { refused: "the amount is too large" };
    balances.set(from, has - amount);
    balances.set(to, other + amount);
    return tell(from);
  }

  function tell(account: string): LedgerAnswer {
    const balance = balances.get(account);
    return balance === undefined ? { refused: "there is no such account" } : { balance };
  }

  const service = {
    apply(operation: Uint8Array): Uint8Array {
      const request = readRequest(operation);
      const answer = request === null ? { refused: "this is no request" } : execute(request);
      return utf8.encode(JSON.stringify(answer));
    },
    // Sorted: replicas with equal balances must save equal bytes.
    save: () => utf8.encode(JSON.stringify([...balances].toSorted(([a], [b]) => (a < b ? -1 : 1)))),
    load(saved: Uint8Array): void {
      balances.clear();
      for (const [account, balance] of JSON.parse(text.decode(saved)) as [string, number][]) {
        balances.set(account, balance);
      }
    },
  };
  return wholeState(service, hash);
}

/** Null if the bytes are no request: clients may send anything, and `apply` must never throw. */
function readRequest(operation: Uint8Array): LedgerRequest | null {
  try {
    const request = JSON.parse(text.decode(operation)) as Record<string, unknown> | null;
    switch (request?.["kind"]) {
      case "open":
        return isName(request["account"]) && isAmount(request["deposit"])
          ? asRequest(request)
          : null;
      case "transfer":
        return isName(request["from"]) && isName(request["to"]) && isAmount(request["amount"])
          ? asRequest(request)
          : null;
      case "balance":
        return isName(request["account"]) ? asRequest(request) : null;
      default:
        return null;
    }
  } catch {
    return null;
  }
}

const asRequest = (checked: object): LedgerRequest => checked as LedgerRequest;
const isName = (value: unknown): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= 64;
const isAmount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
