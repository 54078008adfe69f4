// What a liar in a Hybster cluster remembers of everything it saw: enough to tell any other history
// that its certificates allow.

import type { Request } from "../codec/index.js";
import type { Tagged } from "../core/index.js";
import { hybster } from "../protocols/index.js";
import { Hoard, type Random } from "../simulator/index.js";

const { firstReported, genesis } = hybster;
type Established = hybster.Established;
type Header = hybster.Header;
type HybsterMessage = hybster.HybsterMessage;
type Stable = hybster.Stable;
type ViewChange = hybster.ViewChange;

/** Views and stable checkpoints remembered. */
const remembered = 16;
/** Proposals remembered; the oldest go first. */
const headersMax = 1_024;

export const nothingStable: Stable = { order: 0, digest: new Uint8Array(32), statements: [] };

export class HybsterMemory {
  readonly requests = new Hoard<Request>(64);
  readonly batches = new Hoard<Uint8Array>(64);
  readonly #headers = new Map<string, Header>();
  readonly #established: Established[] = [genesis];
  readonly #stable: Stable[] = [nothingStable];

  /** Of a message as it was sent or heard; certificates only promised are good enough. */
  note(tagged: Tagged): void {
    const message = tagged as HybsterMessage;
    switch (message.kind) {
      case "request":
        return this.requests.put({ body: message.body, authenticator: message.authenticator });
      case "prepare":
        for (const request of message.requests) this.requests.put(request);
        return this.#noteHeader(message);
      case "view-change":
        return this.#noteViewChange(message);
      case "certificate":
      case "new-view":
        return message.viewChanges.forEach((one) => this.#noteViewChange(one));
      case "established":
        return this.#noteEstablished(message);
      default:
        return;
    }
  }

  #noteHeader({ view, order, batch, attestation }: Header): void {
    this.batches.put(batch);
    this.#headers.set(`${view}/${order}`, { view, order, batch, attestation });
    if (this.#headers.size <= headersMax) return;
    for (const oldest of this.#headers.keys()) {
      this.#headers.delete(oldest);
      return;
    }
  }

  #noteEstablished({ view, base, last, plan, acknowledgements }: Established): void {
    if (this.#established.some((known) => known.view === view)) return;
    this.#established.push({ view, base, last, plan, acknowledgements });
    if (this.#established.length > remembered) this.#established.splice(1, 1);
  }

  #noteViewChange({ established, stable, prepares }: ViewChange): void {
    this.#noteEstablished(established);
    for (const header of prepares) this.#noteHeader(header);
    if (this.#stable.some(({ order }) => order === stable.order)) return;
    this.#stable.push(stable);
    if (this.#stable.length > remembered) this.#stable.splice(1, 1);
  }

  /** A view that was established, with its proof; null if no other than the first is known. */
  anyEstablished(random: Random): Established | null {
    const known = this.#established.slice(1);
    return known.length === 0 ? null : random.pick(known);
  }

  /** A history that is well formed, and as old and as short as chance has it. */
  otherHistory(
    to: number,
    random: Random,
  ): Pick<ViewChange, "established" | "stable" | "prepares"> {
    const established = random.pick(this.#established.filter(({ view }) => view < to));
    const stable = random.pick(
      this.#stable.filter(({ order }) => order >= established.base).concat(nothingStable),
    );
    const prepares: Header[] = [];
    const most = random.pick([0, 0, 1, 4, 64]);
    let order = firstReported(established, stable);
    let header = this.#headers.get(`${established.view}/${order}`);
    while (header !== undefined && prepares.length < most) {
      prepares.push(header);
      header = this.#headers.get(`${established.view}/${++order}`);
    }
    return { established, stable, prepares };
  }
}
