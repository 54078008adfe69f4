// The shipped WebAssembly binary and its measurement.

import { createHash, randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { UsageError } from "../core/index.js";
import type { GiveBlock } from "./words.js";

/** What the binary exports: functions over numbers, and nothing else (assembly/trusted.ts). */
export interface TrustedExports {
  readonly put: GiveBlock;
  setup(instance: number, freshness: number, n: number, f: number): number;
  part(
    index: number,
    counter: number,
    view: number,
    order: number,
    previousView: number,
    previousOrder: number,
  ): number;
  issue(kind: number, count: number): number;
  readonly issued: (index: number) => number;
  verify(kind: number, issuer: number, count: number): number;
  resume(kind: number): number;
  verifyClient(client: number): number;
  current(index: number): number;
  limit(index: number): number;
  isActive(): number;
  ask(counter: number, view: number, order: number): number;
  readonly hear: GiveBlock;
  receive(length: number): number;
  readonly say: (index: number) => number;
  openSpaces(slots: number): number;
  certifies(): number;
  readonly show: GiveBlock;
  readonly tell: (index: number) => number;
  standing(space: number, what: number): number;
  isGenuine(): number;
  touch(low: number, high: number): void;
  propose(): number;
  ack(): number;
  decide(): number;
  accept(): number;
  finalize(): number;
  leave(space: number, view: number): number;
  record(space: number, slot: number): number;
  newView(): number;
  recover(): number;
  checkpoint(): number;
  truncate(): number;
  gather(isFirst: number): number;
  vouch(client: number): number;
}

interface Binary {
  readonly module: WebAssembly.Module;
  readonly measurement: string;
}

let loaded: Binary | null = null;

function load(): Binary {
  if (loaded !== null) return loaded;
  const location = new URL("./trusted.wasm", import.meta.url);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(location);
  } catch (error) {
    throw new UsageError(
      "TRUSTED_MODULE_MISSING",
      `The trusted module ${location.pathname} cannot be read: run \`npm run build\` or reinstall.`,
      { cause: String(error) },
    );
  }
  const measured = createHash("sha256").update(bytes).digest("hex");
  loaded = { module: new WebAssembly.Module(bytes), measurement: measured };
  return loaded;
}

/** SHA-256 of the shipped binary, lower-case hexadecimal: what a configuration pins. */
export function measurement(): string {
  return load().measurement;
}

/** A random word: all that the binary asks of its host, for the boot id of a life. */
const entropy = (): number => randomFillSync(new Uint32Array(1))[0]!;

/** A fresh instance of the binary, not set up. */
export function instantiate(): TrustedExports {
  const { exports } = new WebAssembly.Instance(load().module, { host: { entropy } });
  return exports as unknown as TrustedExports;
}
