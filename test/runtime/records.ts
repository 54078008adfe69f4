// Records, pages and folders for the tests of the journal.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { byteList, container, type MessageOf, uint53, union } from "../../src/codec/index.js";
import type { Page, StateImage } from "../../src/core/index.js";
import { LmdbJournal } from "../../src/runtime/lmdb-journal.js";

const table = { note: container({ number: uint53, padding: byteList(1 << 20) }) };
export const records = union(table);
export type Note = MessageOf<typeof table>;

export const note = (number: number, bytes = 100): Note => ({
  kind: "note",
  number,
  padding: new Uint8Array(bytes).fill(number),
});

/** A folder that is gone after the test. */
export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "troth-runtime-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const openJournal = (folder: string, compactAfterBytes?: number, replica = 0) =>
  new LmdbJournal({
    folder: join(folder, "journal"),
    cluster: "test",
    replica,
    records,
    ...(compactAfterBytes === undefined ? {} : { compactAfterBytes }),
  });

export const page = (bytes: Uint8Array): Page => ({
  digest: createHash("sha256").update(bytes).digest(),
  bytes: () => bytes,
});

/** A state of pages, each filled with one number. */
export const image = (
  order: number,
  fillings: readonly number[],
  pageBytes = 1000,
): StateImage => ({
  order,
  pages: fillings.map((filling) => page(new Uint8Array(pageBytes).fill(filling))),
});

/** What `recover` gives, as plain values to compare. */
export function recoverAll(journal: LmdbJournal<Note>) {
  const { snapshot, journal: notes } = journal.recover();
  return {
    order: snapshot?.order ?? null,
    fillings: snapshot?.pages.map((one) => one[0]!) ?? [],
    numbers: Array.from(notes, ({ number }) => number),
  };
}
