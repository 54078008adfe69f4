// The module's SHA-256 and HMAC against the official vectors, in a test-only build.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { measurement } from "../../src/trusted/index.js";

interface VectorExports {
  memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  sha256(message: number, length: number, to: number): void;
  hmacSha256(key: number, message: number, length: number, to: number): void;
  free(): number;
}

/** What Node's types for this version of Node leave out. */
interface WebAssemblyInterface {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const { Instance, Module } = (globalThis as unknown as { WebAssembly: WebAssemblyInterface })
  .WebAssembly;
const binary = readFileSync(new URL("./vectors.wasm", import.meta.url));
const module = new Instance(new Module(binary), {}).exports as VectorExports;
module.memory.grow(32);
const memory = new Uint8Array(module.memory.buffer);
const to = (module.free() + 63) & ~63;
const keyAt = to + 64;
const messageAt = keyAt + 64;

function sha256(message: Uint8Array): Buffer {
  memory.set(message, messageAt);
  module.sha256(messageAt, message.length, to);
  return Buffer.from(memory.subarray(to, to + 32));
}

/** RFC 2104: a key longer than a block is hashed first. */
function hmacSha256(key: Uint8Array, message: Uint8Array): Buffer {
  const short = key.length > 64 ? sha256(key) : key;
  memory.fill(0, keyAt, keyAt + 32);
  memory.set(short, keyAt);
  memory.set(message, messageAt);
  module.hmacSha256(keyAt, messageAt, message.length, to);
  return Buffer.from(memory.subarray(to, to + 32));
}

const ascii = (text: string) => Buffer.from(text, "ascii");
const bytes = (value: number, length: number) => Buffer.alloc(length, value);

test("SHA-256: the examples of FIPS 180-4", () => {
  const twoBlocks =
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn" +
    "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
  const vectors: [Uint8Array, string][] = [
    [ascii("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [ascii(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    [
      ascii("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    [ascii(twoBlocks), "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"],
    [bytes(0x61, 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ];
  for (const [message, digest] of vectors) assert.equal(sha256(message).toString("hex"), digest);
});

test("HMAC-SHA-256: the test cases of RFC 4231", () => {
  const counting = Uint8Array.from({ length: 25 }, (_, index) => index + 1);
  const longest =
    "This is a test using a larger than block-size key and a larger than block-size data. " +
    "The key needs to be hashed before being used by the HMAC algorithm.";
  const hashFirst = ascii("Test Using Larger Than Block-Size Key - Hash Key First");
  const vectors: [Uint8Array, Uint8Array, string][] = [
    [
      bytes(0x0b, 20),
      ascii("Hi There"),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      ascii("Jefe"),
      ascii("what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [
      bytes(0xaa, 20),
      bytes(0xdd, 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ],
    [counting, bytes(0xcd, 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"],
    [
      bytes(0xaa, 131),
      hashFirst,
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
    [
      bytes(0xaa, 131),
      ascii(longest),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ],
  ];
  for (const [key, message, mac] of vectors) {
    assert.equal(hmacSha256(key, message).toString("hex"), mac);
  }
  const truncated = hmacSha256(bytes(0x0c, 20), ascii("Test With Truncation"));
  assert.equal(truncated.toString("hex", 0, 16), "a3b6167473100ee06e0c796c2955552b");
});

test("both agree with node:crypto at every length", () => {
  const message = fc.uint8Array({ maxLength: 300 });
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(key, message, (k, m) => {
      assert.deepEqual(sha256(m), createHash("sha256").update(m).digest());
      assert.deepEqual(hmacSha256(k, m), createHmac("sha256", k).update(m).digest());
    }),
  );
});

test("the shipped module is what its sources compile to", () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "troth-trusted-"));
  try {
    execFileSync(process.execPath, [join(root, "tools/build-trusted.mjs"), folder]);
    const again = readFileSync(join(folder, "src/trusted/trusted.wasm"));
    assert.equal(createHash("sha256").update(again).digest("hex"), measurement());
  } finally {
    rmSync(folder, { recursive: true });
  }
});
