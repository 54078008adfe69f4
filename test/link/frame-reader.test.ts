// The framing of a stream, however it is cut into pieces.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameReader } from "../../src/link/frame-reader.js";

function framed(frames: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(frame.length);
      return [length, frame];
    }),
  );
}

const someFrames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 });

test("a stream gives the same frames however it is cut", () => {
  fc.assert(
    fc.property(someFrames, fc.array(fc.nat(6000)), (frames, cuts) => {
      const stream = framed(frames);
      const reader = new FrameReader(300);
      const read: Uint8Array[] = [];
      const ends = [...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b)];
      let start = 0;
      for (const end of [...ends, stream.length]) {
        const complete = reader.read(stream.subarray(start, end));
        read.push(...complete);
        start = end;
      }
      assert.deepEqual(read, frames);
    }),
  );
});

test("a frame owns exactly its memory", () => {
  const [frame] = new FrameReader(100).read(framed([new Uint8Array(32)]));
  assert.equal(frame?.buffer.byteLength, 32);
});

test("a frame may be as long as the limit, and no longer", () => {
  const reader = new FrameReader(10);
  assert.equal(reader.read(framed([new Uint8Array(10)])).length, 1);
  assert.equal(reader.broken, false);
  assert.equal(reader.read(framed([new Uint8Array(1), new Uint8Array(11)])).length, 1);
  assert.equal(reader.broken, true);
});

test("an empty frame and a length of 2^32 - 1 break the stream, however it is cut", () => {
  for (const header of [new Uint8Array(4), new Uint8Array(4).fill(255)]) {
    for (const cut of [0, 1, 2, 3, 4]) {
      const reader = new FrameReader(2 ** 31);
      assert.deepEqual(reader.read(header.subarray(0, cut)), []);
      assert.deepEqual(reader.read(header.subarray(cut)), []);
      assert.equal(reader.broken, true);
    }
  }
});
