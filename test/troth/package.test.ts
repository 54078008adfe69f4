// The package as a program sees it: imported by its name, through package.json's `exports`.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect, UsageError } from "troth";

test("connecting to a folder without a cluster is a caller's mistake", async () => {
  const folder = mkdtempSync(join(tmpdir(), "troth-"));
  try {
    await assert.rejects(connect({ folder }), (error) => {
      assert.ok(error instanceof UsageError);
      assert.equal(error.code, "CONFIGURATION_MISSING");
      assert.ok(error.message.includes(folder), error.message);
      return true;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
