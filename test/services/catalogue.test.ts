// The catalogue of services, and the service that does nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { digest } from "@chainsafe/as-sha256";
import { UsageError } from "../../src/core/index.js";
import { createService, services } from "../../src/services/index.js";

test("every service of the catalogue is made by its name", () => {
  assert.deepEqual(Object.keys(services), ["kv", "null"]);
  for (const name of Object.keys(services)) assert.ok(createService(name, digest).order);
});

test("an unknown name is an error that names the services there are", () => {
  for (const name of ["etcd", "", "toString", "__proto__"]) {
    assert.throws(
      () => createService(name, digest),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.equal(error.code, "SERVICE_UNKNOWN");
        assert.match(error.message, /choose one of: kv, null/);
        return true;
      },
    );
  }
});

test("null answers anything with nothing, and has no state", () => {
  const service = createService("null", digest);
  const result = service.apply(new Uint8Array(100), { client: 1, session: 2 });
  assert.equal(result.length, 0);
  assert.deepEqual(service.pages(), []);
});
