// Execution: the service and the client table, run together, and imaged together for checkpoints.

import { type Bundle, bundleOf, forgetBundle } from "../codec/index.js";
import {
  assert,
  type Digest,
  type Hash,
  type Limits,
  type Page,
  type Reply,
  type SavedImage,
  type Service,
  type StateImage,
} from "../core/index.js";
import type { Batch } from "./batch.js";
import { ClientTable } from "./client-table.js";

/** An answer, before the replica adds its view. */
export type Answer = Omit<Reply, "view">;

/** What executing a batch did, bundle by bundle. */
export interface Execution {
  readonly bundle: Bundle;
  /** Whether the bundle took effect now; otherwise it was a duplicate or out of its turn. */
  readonly applied: boolean;
  readonly answer: Answer | null;
}

/** Owns the replicated state: what `execute` did is all that `image` shows. */
export class Executor {
  private readonly service: Service;
  private readonly clients: ClientTable;
  private readonly limits: Limits;
  private readonly hash: Hash;

  constructor(service: Service, limits: Limits, hash: Hash) {
    this.service = service;
    this.limits = limits;
    this.hash = hash;
    this.clients = new ClientTable(limits, hash);
  }

  /**
   * Executes a batch in its order. Deterministic: the same on every replica with the same state.
   */
  execute(batch: Batch): Execution[] {
    const executions: Execution[] = [];
    for (const request of batch) {
      const bundle = bundleOf(request);
      assert(bundle !== null, "a batch holds only requests whose claims were verified");
      const applied = this.clients.standing(bundle) === "next";
      if (applied) this.clients.record(bundle, this.apply(bundle));
      executions.push({ bundle, applied, answer: this.answer(bundle) });
      forgetBundle(request);
    }
    return executions;
  }

  private apply(bundle: Bundle): Uint8Array[] {
    const { client, session, operations } = bundle;
    return operations.map((operation) => {
      const result = this.service.apply(operation, { client, session });
      assert(result.length <= this.limits.resultBytesMax, "a service's result is too long");
      return result;
    });
  }

  /**
   * The answer to a bundle that took effect or never will; null if it is still to come or
   * forgotten.
   */
  answer(bundle: Bundle): Answer | null {
    const { client, session, number } = bundle;
    if (this.clients.standing(bundle) === "expired") {
      return { client, session, number, outcome: "session-expired", results: [] };
    }
    const results = this.clients.results(bundle);
    return results && { client, session, number, outcome: "executed", results };
  }

  /** No bundle of the session up to this one will have an effect from now on. */
  settled(bundle: Bundle): number {
    return this.clients.settled(bundle);
  }

  /** The state after `order`, immutable. Cheap where little changed since the last image. */
  image(order: number): StateImage {
    return { order, pages: [...this.clients.pages(), ...this.service.pages()] };
  }

  /** Reads page `index` of an image from bytes that may be a liar's; null if malformed. */
  readPage(index: number, bytes: Uint8Array): Page | null {
    return index < ClientTable.pageCount
      ? this.clients.readPage(bytes)
      : this.service.readPage(bytes);
  }

  /** Who reads page `index`: a digest names one page for each reader. */
  readerOf(index: number): string {
    return index < ClientTable.pageCount ? "clients " : "service ";
  }

  /** Reads an image that this replica stored; throws InvariantError if it is not one. */
  read({ order, pages }: SavedImage): StateImage {
    const read = pages.map((bytes, index) => {
      const page = this.readPage(index, bytes);
      assert(page !== null, `page ${index} of the stored state after order ${order} is unreadable`);
      return page;
    });
    return { order, pages: read };
  }

  /** Replaces the state by an image whose pages this executor read or made. */
  restore(image: StateImage): void {
    this.clients.restore(image.pages.slice(0, ClientTable.pageCount));
    this.service.restore(image.pages.slice(ClientTable.pageCount));
  }

  /**
   * What a checkpoint certifies: the order and every page, replies included (hybster.txt §5.2.2).
   */
  digest(image: StateImage): Digest {
    return manifestDigest(
      image.order,
      image.pages.map((page) => page.digest),
      this.hash,
    );
  }
}

/** The digest of an image from its pages' digests. */
export function manifestDigest(order: number, pages: readonly Digest[], hash: Hash): Digest {
  const manifest = new Uint8Array(8 + 32 * pages.length);
  new DataView(manifest.buffer).setFloat64(0, order);
  pages.forEach((digest, index) => manifest.set(digest, 8 + 32 * index));
  return hash(manifest);
}
