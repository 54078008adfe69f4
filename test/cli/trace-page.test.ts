// `troth simulate --trace`: lines, events, and the page, which a browser opens without any network.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Script } from "node:vm";
import { drawnRun, readRun, writeRun } from "../../src/cli/simulate/run-file.js";
import { inlined } from "../../src/cli/trace/inline.js";
import { pageOf } from "../../src/cli/trace/output.js";
import { jsonInPage } from "../../src/cli/trace/page-shell.js";
import { UsageError } from "../../src/core/index.js";
import type { TraceEvent } from "../../src/simulator/index.js";
import { temporaryFolder, troth } from "./harness.js";

const browser = ["chromium", "chromium-browser", "google-chrome", "chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);
const skip = browser === undefined && "no chromium here";

/** What the page says of itself, after it has drawn. */
function opened(path: string, address = ""): { drawn: number; shown: number; text: string } {
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000"];
  const profile = `--user-data-dir=${path}.profile`;
  const text = execFileSync(
    browser!,
    [...options, profile, "--dump-dom", `file://${path}${address}`],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 },
  );
  const number = (name: string) => Number(new RegExp(`data-${name}="(\\d+)"`).exec(text)?.[1]);
  return { drawn: number("drawn"), shown: number("shown"), text };
}

test("the page draws every message, filters, and needs no network", { skip }, async (context) => {
  const folder = temporaryFolder(context);
  const [page, lines] = [join(folder, "run.html"), join(folder, "run.jsonl")];
  for (const file of [page, lines]) {
    const { code, err } = await troth("simulate", "--seed", "2", "--trace", file);
    assert.equal(code, 0, err);
  }
  const events = readFileSync(lines, "utf8").trim().split("\n");
  const sent = events
    .map((line) => JSON.parse(line) as TraceEvent)
    .filter((event) => event.kind === "sent");

  const all = opened(page, "#from=0&to=1000000");
  assert.ok(all.drawn >= sent.length, `${all.drawn} of ${sent.length}`);
  for (const shown of [
    /<h1 id="title">hybster, seed 2<\/h1>/,
    /class="event recovery"[^>]*>.*<b>heal<\/b>/,
    /npx troth simulate --protocol hybster .*--seed 2 --trace/,
  ]) {
    assert.ok(shown.test(all.text), String(shown));
  }

  const commits = opened(page, "#kinds=commit&order=3&from=0&to=1000000");
  const expected = sent.filter(
    ({ message }) => message?.kind === "commit" && message["order"] === 3,
  ).length;
  assert.ok(expected > 0);
  assert.equal(commits.shown, expected);
  assert.equal(commits.drawn, expected);

  const html = readFileSync(page, "utf8");
  assert.match(html, /Content-Security-Policy" content="default-src 'none'/);
  assert.doesNotMatch(html, /https?:|url\(|\bsrc=|<link|@import/);
});

test("a page of a run that goes in circles draws its beginning, and says so", async () => {
  const subject = { protocol: "hybster", service: "kv", n: 3 };
  const { plan, seed } = await drawnRun(subject, 2);
  const traced = { protocol: "hybster", planted: null, service: "kv", seed, plan, command: "" };
  const outcome = { violations: [], virtualMs: 60_000, steps: 1, fingerprint: "" } as never;
  const events = Array.from(
    { length: 20_003 },
    (_, index): TraceEvent => ({ kind: "received", id: index, atMs: index, at: 0 }) as never,
  );
  const page = pageOf(traced, outcome, events);
  assert.match(page, /3 events from 20000 ms on: a trace to a \.jsonl file has all/);
  assert.match(page, /"endMs":19999/);
  assert.doesNotMatch(pageOf(traced, outcome, events.slice(3)), /not drawn/);
});

test("the page's program is one valid script, and its data end no script", () => {
  const program = inlined(new URL("../../src/trace-page/index.js", import.meta.url));
  assert.doesNotMatch(program, /^(?:import|export)\b/m);
  new Script(`"use strict";${program}`); // two modules with one name would not compile
  const hostile = { text: "</script><script>alert(1)</script><!--" };
  assert.doesNotMatch(jsonInPage(hostile), /</);
  assert.deepEqual(JSON.parse(jsonInPage(hostile)), hostile);
});

test("--trace takes .html and .jsonl, and says so", async (context) => {
  const folder = temporaryFolder(context);
  const wrong = await troth("simulate", "--seed", "2", "--trace", join(folder, "run.svg"));
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /^troth: --trace writes a page \(\.html\) or events \(\.jsonl\)/);
  const nowhere = await troth("simulate", "--seed", "2", "--trace", join(folder, "no/run.html"));
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.err, /^troth: cannot write /);
});

test("a run in a file is the run it was, and --plan replays it", async (context) => {
  const path = join(temporaryFolder(context), "run.json");
  const run = await drawnRun({ protocol: "hybster", service: "kv", n: 3 }, 4);
  writeRun(path, { ...run, script: { "0>1 prepare 1": 2.5 } });
  assert.deepEqual(await readRun(path), { ...run, script: { "0>1 prepare 1": 2.5 } });
  writeRun(path, run);
  const { code, out } = await troth("simulate", "--plan", path);
  assert.equal(code, 0);
  assert.match(out, /1 seeds clean/);
  const both = await troth("simulate", "--plan", path, "--seed", "4");
  assert.equal(both.code, 2);
  assert.match(both.err, /leave --seed out/);
});

test("a file that is no run is refused, and the message says why", async (context) => {
  const path = join(temporaryFolder(context), "run.json");
  const drawn = await drawnRun({ protocol: "hybster", service: "kv", n: 3 }, 4);
  const { subject, seed, plan, script } = drawn;
  const good = { protocol: subject.protocol, service: subject.service, seed, plan, script };
  for (const [text, reason] of [
    ["{", /is no run of the simulator: /],
    ["null", /"protocol" must be a name/],
    [JSON.stringify({ ...good, seed: -1 }), /"seed" must be a number/],
    [JSON.stringify({ ...good, plan: { ...plan, n: 0 } }), /"plan\.n" must be 1 to 64/],
    [JSON.stringify({ ...good, plan: { ...plan, crashes: 3 } }), /"plan\.crashes" must be a list/],
    [
      JSON.stringify({ ...good, plan: { ...plan, network: { delayMs: 1 } } }),
      /"plan\.network\.\w+" must be a number/,
    ],
    [JSON.stringify({ ...good, script: ["0>1"] }), /"script" must give times/],
    [JSON.stringify({ ...good, protocol: "none" }), /none/],
  ] as const) {
    writeFileSync(path, text);
    await assert.rejects(
      () => readRun(path),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, reason);
        return true;
      },
    );
  }
});
