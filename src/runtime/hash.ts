// SHA-256 as this host gives it to machines.

import { createHash } from "node:crypto";
import type { Digest } from "../core/index.js";

export const sha256 = (bytes: Uint8Array): Digest => createHash("sha256").update(bytes).digest();
