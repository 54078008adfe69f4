// The hash that replicas on Node are given.

import { hash } from "node:crypto";
import type { Hash } from "../core/index.js";

export const sha256: Hash = (bytes) => hash("sha256", bytes, "buffer");
