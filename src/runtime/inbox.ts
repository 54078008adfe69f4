// The messages of one link in the order they came, while what they claim is being verified.

import type { ReplicaId } from "../core/index.js";
import type { Link } from "../link/index.js";
import type { Verdict } from "./authenticator.js";
import { unverifiedMessagesMax } from "./limits.js";

interface Entry<Message> {
  readonly message: Message;
  verdict: boolean | null;
}

/** Gives messages on in their order. While too many wait, its link is not read. */
export class Inbox<Message> {
  readonly link: Link;
  /** What machines are told of the sender: null for a client. */
  readonly from: ReplicaId | null;
  #waiting: Entry<Message>[] = [];
  #next = 0;
  #reads = true;

  constructor(link: Link) {
    this.link = link;
    this.from = link.peer.kind === "replica" ? link.peer.id : null;
  }

  /** Whether the link should not be read for now. */
  get isFull(): boolean {
    return this.#waiting.length - this.#next >= unverifiedMessagesMax;
  }

  /** Reads the link, or leaves what comes in the sender's buffers. */
  read(on: boolean): void {
    if (on === this.#reads) return;
    this.#reads = on;
    if (on) this.link.resume();
    else this.link.pause();
  }

  /** Adds a message whose verdict may come later; `ready` is called when it is there. */
  add(message: Message, verdict: Verdict, ready: () => void): void {
    const entry: Entry<Message> = { message, verdict: null };
    this.#waiting.push(entry);
    if (typeof verdict === "boolean") {
      entry.verdict = verdict;
      ready();
    } else {
      void verdict.then((value) => {
        entry.verdict = value;
        ready();
      });
    }
  }

  /** Whether messages wait, so that a later one must not overtake them. */
  get isEmpty(): boolean {
    return this.#next === this.#waiting.length;
  }

  /** Takes the oldest message if its verdict is there. */
  take(): { readonly message: Message; readonly verdict: boolean } | null {
    const entry = this.#waiting[this.#next];
    if (entry === undefined || entry.verdict === null) return null;
    this.#next++;
    if (this.isEmpty || this.#next >= unverifiedMessagesMax) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    return { message: entry.message, verdict: entry.verdict };
  }
}
