// The message delays that `troth protocols` lists are the ones that a request takes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { catalogue } from "../../src/protocols/index.js";
import { keyValue, createService } from "../../src/services/index.js";
import { messageDelays, symbolicHash } from "../../src/simulator/index.js";

for (const protocol of catalogue) {
  test(`${protocol.name} answers after ${protocol.delays} message delays`, () => {
    const service = () => createService("kv", symbolicHash, 2);
    const operation = keyValue.get(Buffer.from("k"));
    assert.equal(messageDelays(protocol, service, operation), protocol.delays);
  });
}
