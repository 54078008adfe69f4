// SHA-256 as this host gives it to machines.

import { hash } from "node:crypto";
import type { Digest } from "../core/index.js";

export const sha256 = (bytes: Uint8Array): Digest => hash("sha256", bytes, "buffer");
