// State transfer: a replica that fell behind fetches a certified state, page by page, from peers
// that may lie.

import {
  type Digest,
  equalBytes,
  type Hash,
  type Limits,
  type Page,
  type ReplicaId,
  type StateImage,
  toHex,
} from "../core/index.js";
import {
  type Manifest,
  type Pages,
  pagesAskedMax,
  type Piece,
  type StateMessage,
} from "./state-messages.js";

/** What a transfer needs of its replica. */
export interface TransferHost {
  readonly replica: ReplicaId;
  readonly n: number;
  readonly limits: Limits;
  readonly hash: Hash;
  send(to: ReplicaId, message: StateMessage): void;
  readPage(index: number, bytes: Uint8Array): Page | null;
  /** The digest of the state with these pages. */
  digestOf(order: number, pages: readonly Digest[]): Digest;
  /** Pages with one reader and one digest are the same. */
  readerOf(index: number): string;
  /** The pages the replica has now: those with the right digest need not be fetched. */
  currentPages(): readonly Page[];
}

const idleTicksAtFirst = 3;
const idleTicksAtLast = 48;

interface Target {
  readonly order: number;
  readonly digest: Digest;
}

/**
 * Fetches one state at a time. What was fetched for one target serves the next: pages are known by
 * their digests.
 */
export class StateTransfer {
  private readonly host: TransferHost;
  private target: Target | null = null;
  private source: ReplicaId;
  private manifest: readonly Digest[] | null = null;
  private readonly have = new Map<string, Page>();
  /** The first missing page, as far as it came. */
  private partial: { bytes: Uint8Array; received: number } | null = null;
  private missing: number[] = [];
  private asked = 0;
  private idleTicks = 0;
  /** How long a source may give nothing: doubled with each that does, for links may be slow. */
  private idleTicksMax = idleTicksAtFirst;

  constructor(host: TransferHost) {
    this.host = host;
    this.source = host.replica;
  }

  /** The order of the state being fetched; null if none is. */
  get order(): number | null {
    return this.target?.order ?? null;
  }

  /** Starts, or turns to a newer target. */
  begin(target: Target): void {
    if (this.target === null) {
      this.host.currentPages().forEach((page, index) => {
        this.have.set(this.key(index, page.digest), page);
      });
    }
    this.target = target;
    this.manifest = null;
    this.partial = null;
    this.askNext();
  }

  cancel(): void {
    this.idleTicksMax = idleTicksAtFirst;
    this.target = null;
    this.manifest = null;
    this.partial = null;
    this.have.clear();
  }

  /** Time passed. A source that gives nothing is replaced by the next. */
  tick(): void {
    if (this.target === null) return;
    this.idleTicks += 1;
    if (this.idleTicks < this.idleTicksMax) return;
    this.idleTicksMax = Math.min(2 * this.idleTicksMax, idleTicksAtLast);
    this.askNext();
  }

  private key(index: number, digest: Digest): string {
    return this.host.readerOf(index) + toHex(digest);
  }

  private askNext(): void {
    const { replica, n } = this.host;
    this.idleTicks = 0;
    this.partial = null;
    do this.source = (this.source + 1) % n;
    while (this.source === replica);
    if (this.manifest === null) {
      this.host.send(this.source, { kind: "fetch-manifest", order: this.target!.order });
    } else {
      this.requestPieces();
    }
  }

  onManifest(message: Manifest): void {
    const target = this.target;
    if (target === null || this.manifest !== null || message.order !== target.order) return;
    const digest = this.host.digestOf(message.order, message.pages);
    // a lie, or another state: the certificate decides
    if (!equalBytes(digest, target.digest)) return;
    this.idleTicks = 0;
    this.manifest = message.pages;
    this.missing = [];
    message.pages.forEach((page, index) => {
      if (!this.have.has(this.key(index, page))) this.missing.push(index);
    });
    this.requestPieces();
  }

  /** Asks for what is missing, from where the page under way ends. */
  private requestPieces(): void {
    if (this.missing.length === 0) return;
    const pages = this.missing.slice(0, pagesAskedMax);
    this.asked = pages.length;
    const offset = this.partial?.received ?? 0;
    this.host.send(this.source, {
      kind: "fetch-pages",
      order: this.target!.order,
      pages,
      offset,
    });
  }

  onPages(from: ReplicaId, message: Pages): void {
    const awaited = from === this.source && message.order === this.target?.order;
    if (!awaited || this.manifest === null) return;
    if (this.isGenerous(message) && message.pieces.every((piece) => this.takePiece(piece))) {
      this.idleTicks = 0;
      this.requestPieces();
    } else {
      this.askNext(); // this source has little or nothing, or lied
    }
  }

  /** Whether a message holds all that was asked for, or as much as fits: no source may drip. */
  private isGenerous({ pieces }: Pages): boolean {
    const bytes = pieces.reduce((sum, piece) => sum + Math.max(piece.bytes.length, 1), 0);
    const last = pieces.at(-1);
    const isWhole = last !== undefined && last.offset + last.bytes.length === last.total;
    return bytes >= this.host.limits.chunkBytes || (pieces.length === this.asked && isWhole);
  }

  /**
   * False if the piece is not the next one, or completes a page to something else than was
   * certified.
   */
  private takePiece({ page, offset, total, bytes }: Piece): boolean {
    if (page !== this.missing[0] || total > this.host.limits.pageBytesMax) return false;
    this.partial ??= { bytes: new Uint8Array(total), received: 0 };
    const partial = this.partial;
    const end = offset + bytes.length;
    if (offset !== partial.received || end > partial.bytes.length) return false;
    if (bytes.length === 0 && total > 0) return false;
    partial.bytes.set(bytes, offset);
    partial.received = end;
    return end < partial.bytes.length || this.finishPage(page, partial.bytes);
  }

  private finishPage(index: number, bytes: Uint8Array): boolean {
    this.partial = null;
    const page = this.host.readPage(index, bytes);
    const expected = this.manifest![index]!;
    if (page === null || !equalBytes(page.digest, expected)) return false;
    this.have.set(this.key(index, expected), page);
    this.missing.shift();
    return true;
  }

  /** The state, once it is complete; the transfer is over then. */
  takeImage(): StateImage | null {
    if (this.target === null || this.manifest === null || this.missing.length > 0) return null;
    const pages = this.manifest.map((digest, index) => this.have.get(this.key(index, digest))!);
    const image = { order: this.target.order, pages };
    this.cancel();
    return image;
  }
}

/** The other side: answers from an image, or null if it has no such thing. */
export function serveState(
  request: Extract<StateMessage, { kind: "fetch-manifest" | "fetch-pages" }>,
  image: StateImage | undefined,
  limits: Limits,
): StateMessage | null {
  if (image === undefined) return null;
  const { order } = image;
  if (request.kind === "fetch-manifest") {
    return { kind: "manifest", order, pages: image.pages.map((page) => page.digest) };
  }
  const pieces: Piece[] = [];
  let room = limits.chunkBytes;
  let offset = request.offset;
  for (const page of request.pages) {
    const bytes = image.pages[page]?.bytes();
    if (bytes === undefined || offset > bytes.length || room <= 0) break;
    const piece = bytes.subarray(offset, offset + room);
    pieces.push({ page, offset, total: bytes.length, bytes: piece });
    room -= Math.max(piece.length, 1);
    offset = 0;
  }
  return { kind: "pages", order, pieces };
}
