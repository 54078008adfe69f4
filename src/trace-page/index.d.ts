export type { Party, StoredEvent, TraceDocument } from "./document.js";
