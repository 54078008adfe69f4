// The journal on disk: what it acknowledged is there after any end, and what is damaged is said to
// be.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { open } from "lmdb";
import { image, note, openJournal, recoverAll, temporaryFolder } from "./records.js";

const usageError = (code: string) => ({ name: "UsageError", code });

test("an empty journal has nothing", async (context) => {
  const journal = openJournal(temporaryFolder(context));
  assert.deepEqual(recoverAll(journal), { order: null, fillings: [], numbers: [] });
  assert.equal(journal.firstBoot, null);
  await journal.close();
});

test("for any use, a reopened journal has what was committed after its image", async (context) => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant("append" as const) },
    { weight: 3, arbitrary: fc.constant("commit" as const) },
    { weight: 1, arbitrary: fc.constant("reopen" as const) },
    { weight: 1, arbitrary: fc.constant("checkpoint" as const) },
    { weight: 1, arbitrary: fc.constant("required" as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const folder = temporaryFolder(context);
      let journal = openJournal(folder, 300);
      recoverAll(journal);
      let number = 0;
      let committed = 0;
      for (const action of [...steps, "reopen"]) {
        if (action === "append") journal.append(note(++number));
        else if (action === "commit") {
          if (journal.waitingBytes === 0) continue;
          await journal.commit();
          committed = number;
        } else if (action === "reopen") {
          await journal.close();
          journal = openJournal(folder, 300);
          const { order, fillings, numbers } = recoverAll(journal);
          const first = order ?? 0;
          const expected = Array.from({ length: committed - first }, (_, i) => first + 1 + i);
          assert.deepEqual(numbers, order === null ? expected : [-1 + 2 ** 40, ...expected]);
          assert.deepEqual(fillings, order === null ? [] : [1, order % 256, order % 3]);
          number = committed;
        } else {
          const required = action === "required";
          const state = image(number, [1, number % 256, number % 3]);
          journal.checkpoint(state, [note(-1 + 2 ** 40)], required);
        }
      }
      await journal.close();
    }),
    { numRuns: 40 },
  );
});

test("an image is taken when the journal has outgrown it, and shrinks it", async (context) => {
  const folder = temporaryFolder(context);
  let journal = openJournal(folder, 100_000);
  recoverAll(journal);
  for (let number = 1; number <= 300; number++) {
    journal.append(note(number, 1000));
    if (number % 10 === 0) journal.checkpoint(image(number, [number % 256]), [], false);
    await journal.commit();
  }
  await journal.close();
  journal = openJournal(folder, 100_000);
  const { order, fillings, numbers } = recoverAll(journal);
  await journal.close();
  assert.ok(order !== null && order >= 200, `an image was taken late enough (${order})`);
  assert.deepEqual(fillings, [order % 256]);
  assert.deepEqual(
    numbers,
    Array.from({ length: 300 - order }, (_, index) => order + 1 + index),
  );
  const database = open(join(folder, "journal"), { encoding: "binary", readOnly: true });
  const groups = database.getKeysCount({
    start: ["group", 0],
    end: ["group", Number.MAX_SAFE_INTEGER],
  });
  await database.close();
  assert.ok(groups <= 150, `superseded groups are deleted (${groups} left)`);
});

test("only pages that changed are written again, and all are there", async (context) => {
  const folder = temporaryFolder(context);
  let journal = openJournal(folder);
  recoverAll(journal);
  journal.checkpoint(image(1, [7, 8, 9], 600_000), [], true);
  await journal.commit();
  journal.checkpoint(image(2, [7, 88, 9], 600_000), [], true);
  await journal.commit();
  await journal.close();
  const database = open(join(folder, "journal"), { encoding: "binary", readOnly: true });
  const keys = [...database.getKeys({ start: ["page", 0, 0], end: ["page", 9, 9] })];
  await database.close();
  assert.deepEqual(
    keys.filter((key) => (key as unknown[])[2] === 2),
    [["page", 1, 2]],
  );
  journal = openJournal(folder);
  assert.deepEqual(recoverAll(journal), { order: 2, fillings: [7, 88, 9], numbers: [] });
  await journal.close();
});

test("a damaged record or page is named, not skipped", async (context) => {
  for (const key of [["group", 2], ["page", 1, 1], "image", "retained"]) {
    const folder = temporaryFolder(context);
    let journal = openJournal(folder);
    recoverAll(journal);
    journal.append(note(1));
    journal.checkpoint(image(1, [1, 2, 3]), [note(1)], true);
    await journal.commit();
    for (const number of [2, 3, 4]) {
      journal.append(note(number));
      await journal.commit();
    }
    await journal.close();
    const database = open<Uint8Array, string>(join(folder, "journal"), { encoding: "binary" });
    const bytes = Buffer.from(database.get(key as string)!);
    bytes[bytes.length >> 1]! ^= 0x10;
    await database.put(key as string, bytes);
    await database.close();
    journal = openJournal(folder);
    assert.throws(() => recoverAll(journal), usageError("JOURNAL_DAMAGED"), String(key));
    await journal.close();
  }
});

test("a missing group is damage", async (context) => {
  const folder = temporaryFolder(context);
  let journal = openJournal(folder);
  recoverAll(journal);
  for (const number of [1, 2, 3]) {
    journal.append(note(number));
    await journal.commit();
  }
  await journal.close();
  const database = open<Uint8Array, string>(join(folder, "journal"), { encoding: "binary" });
  await database.remove(["group", 2] as unknown as string);
  await database.close();
  journal = openJournal(folder);
  assert.throws(() => recoverAll(journal), usageError("JOURNAL_DAMAGED"));
  await journal.close();
});

test("another replica's journal is refused", async (context) => {
  const folder = temporaryFolder(context);
  await openJournal(folder, undefined, 0).close();
  assert.throws(() => openJournal(folder, undefined, 1), usageError("JOURNAL_FOREIGN"));
});

test("a journal that cannot be opened says why", (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, "journal"), "not a folder");
  assert.throws(() => openJournal(folder), usageError("JOURNAL_UNAVAILABLE"));
});

test("the first-boot token is kept", async (context) => {
  const folder = temporaryFolder(context);
  let journal = openJournal(folder);
  await journal.keepFirstBoot(Uint8Array.of(1, 2, 3));
  await journal.close();
  journal = openJournal(folder);
  assert.deepEqual(Uint8Array.from(journal.firstBoot!), Uint8Array.of(1, 2, 3));
  await journal.close();
});

const writer = fileURLToPath(new URL("journal-writer.js", import.meta.url));

test("killed in mid-writing, every acknowledged record is there", async (context) => {
  for (const kills of [150, 700]) {
    const folder = temporaryFolder(context);
    const child = spawn(process.execPath, [writer, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    let acknowledged = 0;
    for await (const line of createInterface(child.stdout)) {
      acknowledged = Number(line);
      if (acknowledged >= kills) child.kill("SIGKILL");
    }
    await exited;
    const journal = openJournal(folder);
    const { order, fillings, numbers } = recoverAll(journal);
    await journal.close();
    const first = order ?? 0;
    assert.ok(first + numbers.length >= acknowledged, `${acknowledged} were acknowledged`);
    assert.deepEqual(
      numbers,
      Array.from(numbers, (_, index) => first + 1 + index),
    );
    if (order !== null) assert.deepEqual(fillings, [order % 256, 1, 2]);
  }
});

test("a full disk fails the commit with the file, the cause and the remedy", async (context) => {
  const folder = temporaryFolder(context);
  // A limit on the size of files is what a test can have of a full disk.
  const command = `ulimit -f 4096; exec "${process.execPath}" "${writer}" "${folder}"`;
  const child = spawn("bash", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  let acknowledged = 0;
  for await (const line of createInterface(child.stdout)) acknowledged = Number(line);
  const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
  assert.equal(code, 3, said);
  assert.match(said, /StorageFailure: cannot write .*data\.mdb: .*Free or repair the disk/);
  const journal = openJournal(folder);
  const { order, numbers } = recoverAll(journal);
  await journal.close();
  assert.ok((order ?? 0) + numbers.length >= acknowledged && acknowledged > 0);
});
