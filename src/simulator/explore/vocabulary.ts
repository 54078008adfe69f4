// What replicas of one exploration say, store and are told, as numbers.

import type { ClientId, Reply, ReplicaId, SavedImage } from "../../core/index.js";
import { BytesInterner, Interner, keyOfBytes } from "./interner.js";

/** A message under way. The network keeps it for ever: it may arrive at any time, and again. */
export interface Letter {
  /** Null: from a client. */
  readonly from: ReplicaId | null;
  readonly to: ReplicaId;
  readonly bytes: Uint8Array;
}

/** What a replica's disk holds: an image, or −1, and records. */
export interface Disk {
  readonly image: number;
  readonly records: readonly number[];
}

/** What a replica is told: a message, or that a timer ran out. */
export type Stimulus =
  | { readonly kind: "message"; readonly letter: number }
  | { readonly kind: "timer"; readonly timer: string };

export type BundleId = Pick<Reply, "client" | "session" | "number">;

/** A bundle as people read it. */
export const bundleName = ({ client, session, number }: BundleId): string =>
  session === 1
    ? `bundle ${number} of client ${client}`
    : `bundle ${number} of client ${client}, session ${session}`;

export class Vocabulary {
  readonly letters = new Interner<Letter>();
  readonly records = new BytesInterner();
  readonly images = new Interner<SavedImage>();
  readonly disks = new Interner<Disk>();
  readonly timers = new Interner<string>();
  /** Bundles that clients submitted. */
  readonly submitted = new Map<string, { readonly client: ClientId }>();
  readonly emptyDisk: number;

  constructor() {
    this.emptyDisk = this.disk({ image: -1, records: [] });
  }

  letter(letter: Letter): number {
    const { from, to, bytes } = letter;
    return this.letters.add(`${from ?? "c"} ${to} ${keyOfBytes(bytes)}`, letter);
  }

  image(saved: SavedImage): number {
    return this.images.add(`${saved.order} ${saved.pages.map(keyOfBytes).join("|")}`, saved);
  }

  disk(disk: Disk): number {
    return this.disks.add(`${disk.image} ${disk.records.join()}`, disk);
  }

  /** A stimulus as a number. */
  stimulus(stimulus: Stimulus): number {
    return stimulus.kind === "message"
      ? 2 * stimulus.letter
      : 2 * this.timers.add(stimulus.timer, stimulus.timer) + 1;
  }

  stimulusOf(number: number): Stimulus {
    return number % 2 === 0
      ? { kind: "message", letter: number / 2 }
      : { kind: "timer", timer: this.timers.get((number - 1) / 2) };
  }
}
