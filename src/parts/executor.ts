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
import { type Batch, batchDigest } from "./batch.js";
import { type BundleName, ClientTable } from "./client-table.js";

/** An answer, before the replica adds its view. */
export type Answer = Omit<Reply, "view">;

/** What executing a batch did, bundle by bundle. */
export interface Execution {
  readonly bundle: Bundle;
  /** Whether the bundle took effect now; otherwise it was a duplicate or out of its turn. */
  readonly applied: boolean;
  readonly answer: Answer | null;
}

/** A part of the state that is neither the service's nor the clients': its last page. */
export interface Annex {
  bytes(): Uint8Array;
  /** Whether bytes, which may be a liar's, can be restored. */
  isReadable(bytes: Uint8Array): boolean;
  restore(bytes: Uint8Array): void;
}

/** Owns the replicated state: what `execute` did is all that `image` shows. */
export class Executor {
  private readonly service: Service;
  private readonly clients: ClientTable;
  private readonly limits: Limits;
  private readonly hash: Hash;
  /** Where the pages of the service end. */
  private readonly serviceEnd: number;
  /** See `history`. */
  private chain: Digest | null;
  private readonly annex: Annex | null;

  /** `keepsHistory`: whether the hash of all that was executed is a part of the state. */
  constructor(
    service: Service,
    limits: Limits,
    hash: Hash,
    keepsHistory = false,
    annex: Annex | null = null,
  ) {
    this.service = service;
    this.limits = limits;
    this.hash = hash;
    this.clients = new ClientTable(limits, hash);
    this.serviceEnd = ClientTable.pageCount + service.pages().length;
    this.chain = keepsHistory ? noHistory : null;
    this.annex = annex;
  }

  /** The hash of all that was executed, in its order. */
  get history(): Digest {
    assert(this.chain !== null, "this executor keeps a history");
    return this.chain;
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
    if (this.chain !== null) {
      this.chain = extendHistory(this.chain, batchDigest(batch, this.hash), this.hash);
    }
    return executions;
  }

  /** What executing a batch now would answer; nothing changes. One bundle of a client at most. */
  preview(batch: Batch): (Answer | null)[] {
    const mark = this.service.mark();
    const answers = batch.map((request): Answer | null => {
      const bundle = bundleOf(request);
      assert(bundle !== null, "a batch holds only requests whose claims were verified");
      if (this.clients.standing(bundle) !== "next") return this.answer(bundle);
      const { client, session, number } = bundle;
      return { client, session, number, outcome: "executed", results: this.apply(bundle) };
    });
    this.service.rewind(mark);
    this.service.settle(mark);
    return answers;
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
  answer(bundle: BundleName): Answer | null {
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
    const history = this.chain === null ? [] : [pageOf(this.chain, this.hash)];
    const annex = this.annex === null ? [] : [pageOf(this.annex.bytes(), this.hash)];
    const pages = [...this.clients.pages(), ...this.service.pages(), ...history, ...annex];
    return { order, pages };
  }

  /** Reads page `index` of an image from bytes that may be a liar's; null if malformed. */
  readPage(index: number, bytes: Uint8Array): Page | null {
    if (index < ClientTable.pageCount) return this.clients.readPage(bytes);
    if (index < this.serviceEnd) return this.service.readPage(bytes);
    if (this.annex !== null) return this.annex.isReadable(bytes) ? pageOf(bytes, this.hash) : null;
    return this.chain !== null && bytes.length === 32 ? pageOf(bytes, this.hash) : null;
  }

  /** Who reads page `index`: a digest names one page for each reader. */
  readerOf(index: number): string {
    if (index < ClientTable.pageCount) return "clients ";
    return index < this.serviceEnd ? "service " : "history ";
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
    this.service.restore(image.pages.slice(ClientTable.pageCount, this.serviceEnd));
    if (this.chain !== null) this.chain = image.pages[this.serviceEnd]!.bytes().slice();
    this.annex?.restore(image.pages[this.serviceEnd]!.bytes());
  }

  /**
   * What a checkpoint certifies: the order and every page, replies included (hybster.txt §5.2.2).
   */
  digest(image: StateImage): Digest {
    return this.digestOf(
      image.order,
      image.pages.map((page) => page.digest),
    );
  }

  /** The digest of a state from its pages'. An annex can be shown alone to be a part of it. */
  digestOf(order: number, pages: readonly Digest[]): Digest {
    if (this.annex === null || pages.length === 0) return manifestDigest(order, pages, this.hash);
    return annexedDigest(restDigest(order, pages, this.hash), pages.at(-1)!, this.hash);
  }
}

/** The history before anything was executed. */
export const noHistory: Digest = new Uint8Array(32);

/** The history after one more batch. */
export function extendHistory(history: Digest, batch: Digest, hash: Hash): Digest {
  const link = new Uint8Array(64);
  link.set(history);
  link.set(batch, 32);
  return hash(link);
}

/** Of a state with an annex: the digest of all but that. */
export const restDigest = (order: number, pages: readonly Digest[], hash: Hash): Digest =>
  manifestDigest(order, pages.slice(0, -1), hash);

/** The digest of a state, from those of its annex and the rest. */
export const annexedDigest = (rest: Digest, annex: Digest, hash: Hash): Digest =>
  extendHistory(rest, annex, hash);

function pageOf(content: Uint8Array, hash: Hash): Page {
  const bytes = Uint8Array.from(content);
  return { digest: hash(bytes), bytes: () => bytes };
}

/** The digest of an image from its pages' digests. */
export function manifestDigest(order: number, pages: readonly Digest[], hash: Hash): Digest {
  const manifest = new Uint8Array(8 + 32 * pages.length);
  new DataView(manifest.buffer).setFloat64(0, order);
  pages.forEach((digest, index) => manifest.set(digest, 8 + 32 * index));
  return hash(manifest);
}
