// Tables and quantities as people read them.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProgressLine } from "../../src/cli/progress-line.js";
import { Screen } from "../../src/cli/screen.js";
import { bytes, duration, quantity, table } from "../../src/cli/text.js";

test("quantities have three significant digits and a scale", () => {
  assert.equal(quantity(0), "0");
  assert.equal(quantity(999), "999");
  assert.equal(quantity(999.9), "1.00 k");
  assert.equal(quantity(1234), "1.23 k");
  assert.equal(quantity(512_345), "512 k");
  assert.equal(quantity(999_999), "1.00 M");
  assert.equal(bytes(45_320_000), "45.3 MB");
  assert.equal(duration(0.2134), "0.21 ms");
  assert.equal(duration(35.27), "35.3 ms");
  assert.equal(duration(999.7), "1.00 s");
  assert.equal(duration(12_340), "12.3 s");
});

test("a quantity is within half a percent of the number, whatever its size", () => {
  const factor: Record<string, number> = { "": 1, k: 1e3, M: 1e6, G: 1e9 };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_000_000_000 }), (value) => {
      const [digits, scale = ""] = quantity(value).split(" ");
      const read = Number(digits) * (factor[scale] ?? Number.NaN);
      assert.ok(Math.abs(read - value) <= value * 0.005, `${value} reads ${quantity(value)}`);
    }),
  );
});

test("columns stand under their titles, numbers to the right", () => {
  const columns = [
    { title: "name", align: "left" },
    { title: "count", align: "right" },
  ] as const;
  assert.equal(
    table(columns, [
      ["a", "7"],
      ["longer", "1234567"],
    ]),
    ["name      count", "a             7", "longer  1234567"].join("\n"),
  );
});

/** What a terminal shows after the escapes that a screen uses. */
function rendered(output: string): string[] {
  const lines = [""];
  for (const part of output.split(/(\u001b\[\d*[AJK]|\r|\n)/)) {
    if (part === "\n") lines.push("");
    else if (part.endsWith("A")) lines.length -= Number(part.slice(2, -1));
    else if (/\u001b\[[JK]/.test(part) || part === "\r") lines[lines.length - 1] = "";
    else lines[lines.length - 1] += part;
  }
  return lines;
}

test("a live block is redrawn in place, and messages scroll by above it", () => {
  let output = "";
  const screen = new Screen({ isTTY: true, write: (text) => (output += text) });
  screen.show("a 1\nb 1");
  screen.show("a 2\nb 2");
  screen.say("something happened");
  screen.show("a 3\nb 3");
  assert.deepEqual(rendered(output), ["something happened", "a 3", "b 3", ""]);
  screen.clear();
  assert.deepEqual(rendered(output), ["something happened", ""]);
});

test("a block too wide for the terminal is cut, so that it can be erased", () => {
  let output = "";
  const screen = new Screen({ isTTY: true, columns: 5, write: (text) => (output += text) });
  screen.show("1234567\nab");
  screen.show("7654321\nba");
  assert.deepEqual(rendered(output), ["76543", "ba", ""]);
});

test("without a terminal nothing is erased", () => {
  let output = "";
  const screen = new Screen({ write: (text) => (output += text) });
  screen.show("one");
  screen.say("note");
  screen.show("two");
  assert.equal(output, "one\nnote\ntwo\n");
});

test("a progress line is written over, cut to the terminal, and taken away", () => {
  let output = "";
  const line = new ProgressLine(0, { isTTY: true, columns: 6, write: (text) => (output += text) });
  line.show(() => "abcdefgh");
  assert.deepEqual(rendered(output), ["abcde"]);
  line.show((width) => `${width}`);
  assert.deepEqual(rendered(output), ["5"]);
  line.clear();
  assert.deepEqual(rendered(output), [""]);
});

test("a progress line stands for a while, and nothing is composed that nobody sees", () => {
  let output = "";
  const write = (text: string) => (output += text);
  const line = new ProgressLine(1e9, { isTTY: true, write });
  line.show(() => "first");
  line.show(() => assert.fail("it is too early"));
  assert.deepEqual(rendered(output), ["first"]);
  const unseen = new ProgressLine(0, { write });
  unseen.show(() => assert.fail("there is no terminal"));
  unseen.clear();
  assert.deepEqual(rendered(output), ["first"]);
});
