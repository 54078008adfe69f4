// State transfer: from honest and lying sources, in small pieces, to exactly the certified image.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Limits, type Page, type StateImage, toHex } from "../../src/core/index.js";
import {
  Executor,
  type Manifest,
  manifestDigest,
  type Pages,
  pagesAskedMax,
  serveState,
  type StateMessage,
  StateTransfer,
} from "../../src/parts/index.js";
import {
  bundleFor,
  digestsOf,
  hash,
  historyService,
  limitsWith,
  noBytes,
  requestFor,
} from "./samples.js";

type Ask = Extract<StateMessage, { kind: "fetch-manifest" | "fetch-pages" }>;
type Answer = Manifest | Pages;

const limits = limitsWith({ chunkBytes: 64, pageBytesMax: 256 });
const pageOf = (bytes: Uint8Array): Page => ({ digest: hash(bytes), bytes: () => bytes });
const imageOf = (order: number, contents: readonly Uint8Array[]): StateImage => ({
  order,
  pages: contents.map(pageOf),
});
const targetOf = ({ order, pages }: StateImage) => ({
  order,
  digest: manifestDigest(
    order,
    pages.map(({ digest }) => digest),
    hash,
  ),
});
const flipped = (bytes: Uint8Array): Uint8Array => {
  const copy = bytes.slice();
  copy[copy.length >> 1]! ^= 1;
  return copy;
};

/** What a liar makes of an honest answer; null says nothing. */
const lies: Readonly<Record<string, (answer: Answer) => Answer | null>> = {
  truth: (answer) => answer,
  silence: () => null,
  "another order": (answer) => ({ ...answer, order: answer.order + 1 }),
  nothing: (answer) =>
    answer.kind === "manifest" ? { ...answer, pages: [] } : { ...answer, pieces: [] },
  "wrong bytes": (answer) =>
    answer.kind === "manifest"
      ? { ...answer, pages: answer.pages.map(flipped) }
      : mapPieces(answer, (piece) => ({ ...piece, bytes: flipped(piece.bytes) })),
  "no end": (answer) =>
    answer.kind === "manifest"
      ? { ...answer, pages: answer.pages.slice(0, -1) }
      : mapPieces(answer, (piece) => ({ ...piece, bytes: piece.bytes.slice(0, -1) })),
  "too much": (answer) =>
    answer.kind === "manifest"
      ? { ...answer, pages: [...answer.pages, hash(noBytes)] }
      : mapPieces(answer, (piece) => ({ ...piece, bytes: Uint8Array.of(...piece.bytes, 0) })),
  "oversized total": (answer) =>
    mapPieces(answer, (piece) => ({ ...piece, total: limits.pageBytesMax + 1 })),
  "larger total": (answer) => mapPieces(answer, (piece) => ({ ...piece, total: piece.total + 1 })),
  "a drip": (answer) =>
    answer.kind === "manifest" ? answer : { ...answer, pieces: mapDrip(answer.pieces) },
  "no bytes": (answer) => mapPieces(answer, (piece) => ({ ...piece, bytes: noBytes })),
  "no total": (answer) => mapPieces(answer, (piece) => ({ ...piece, total: 0 })),
  "other pages": (answer) => mapPieces(answer, (piece) => ({ ...piece, page: piece.page + 1 })),
  "other offsets": (answer) =>
    mapPieces(answer, (piece) => ({ ...piece, offset: piece.offset + 1 })),
  "the last first": (answer) =>
    answer.kind === "manifest"
      ? { ...answer, pages: answer.pages.toReversed() }
      : { ...answer, pieces: answer.pieces.toReversed() },
};

/** One byte of the first piece. */
const mapDrip = (pieces: Pages["pieces"]): Pages["pieces"] =>
  pieces.slice(0, 1).map((piece) => ({ ...piece, bytes: piece.bytes.slice(0, 1) }));

function mapPieces(
  answer: Answer,
  map: (piece: Pages["pieces"][number]) => Pages["pieces"][number],
): Answer {
  return answer.kind === "pages" ? { ...answer, pieces: answer.pieces.map(map) } : answer;
}

/** A replica that fetches, and its peers. Replica `self` asks; each peer lies as its list says. */
class Transfer {
  readonly asked: { readonly to: number; readonly ask: Ask }[] = [];
  readonly subject: StateTransfer;
  readonly #images: readonly StateImage[];
  readonly #lies: readonly (readonly string[])[];
  readonly #inbox: { readonly from: number; readonly answer: Answer }[] = [];
  #lied = 0;

  constructor(options: {
    images: readonly StateImage[];
    lies: readonly (readonly string[])[];
    self?: number;
    current?: readonly Page[];
    readPage?: (index: number, bytes: Uint8Array) => Page | null;
    readerOf?: (index: number) => string;
    limits?: Limits;
  }) {
    this.#images = options.images;
    this.#lies = options.lies;
    this.subject = new StateTransfer({
      replica: options.self ?? 0,
      n: options.lies.length,
      limits: options.limits ?? limits,
      hash,
      send: (to, message) => this.#onAsk(to, message as Ask),
      readPage: options.readPage ?? ((_, bytes) => this.#readPage(bytes)),
      readerOf: options.readerOf ?? (() => ""),
      digestOf: (order, digests) => manifestDigest(order, digests, hash),
      currentPages: () => options.current ?? [],
    });
  }

  /** Other pages than those of the images are malformed if their length is odd. */
  #readPage(bytes: Uint8Array): Page | null {
    const page = pageOf(bytes.slice());
    const known = this.#images.flatMap(({ pages }) => digestsOf(pages));
    return bytes.length % 2 === 0 || known.includes(toHex(page.digest)) ? page : null;
  }

  #onAsk(to: number, ask: Ask): void {
    this.asked.push({ to, ask });
    const image = this.#images.find(({ order }) => order === ask.order);
    const honest = serveState(ask, image, limits) as Answer | null;
    if (honest === null) return;
    this.#lies.forEach((ways, from) => {
      if (from !== to && ways.length === 0) return; // liars speak without being asked
      const way = ways.length === 0 ? null : ways[this.#lied++ % ways.length]!;
      const answer = way === null ? honest : lies[way]!(honest);
      if (answer !== null) this.#inbox.push({ from, answer });
    });
  }

  /** Delivers one answer, or lets time pass if there is none. */
  step(): void {
    const next = this.#inbox.shift();
    if (next === undefined) this.subject.tick();
    else if (next.answer.kind === "manifest") this.subject.onManifest(next.answer);
    else this.subject.onPages(next.from, next.answer);
  }

  /** The image, after at most so many steps. */
  finish(steps = 4000): StateImage | null {
    for (let count = 0; count < steps; count++) {
      const image = this.subject.takeImage();
      if (image !== null) return image;
      this.step();
    }
    return null;
  }

  get pagesAsked(): number[] {
    return this.asked.flatMap(({ ask }) => (ask.kind === "fetch-pages" ? ask.pages : []));
  }
}

function isImage(actual: StateImage | null, expected: StateImage): void {
  assert.equal(actual?.order, expected.order);
  assert.deepEqual(digestsOf(actual.pages), digestsOf(expected.pages));
  actual.pages.forEach((page) => assert.equal(toHex(hash(page.bytes())), toHex(page.digest)));
}

const contents = fc.array(
  fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ minLength: 60, maxLength: 200 })),
  { minLength: 1, maxLength: 10, size: "max" },
);
const liar = fc.array(fc.constantFrom(...Object.keys(lies)), { minLength: 1, maxLength: 4 });
const honest: readonly string[] = [];
/** Four replicas: one that asks, one that is honest, two that may be anything. */
const clusters = fc
  .tuple(fc.oneof(fc.constant(honest), liar), fc.oneof(fc.constant(honest), liar))
  .chain((others) =>
    fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }).map(([self, ...peers]) => {
      const byReplica = Array.from({ length: 4 }, () => honest);
      others.forEach((ways, index) => (byReplica[peers[index]!] = ways));
      return { self: self!, lies: byReplica };
    }),
  );

test("whatever others say, an honest peer's state arrives, and only what is missing", () => {
  let transferred = 0;
  fc.assert(
    fc.property(contents, fc.array(fc.nat(20)), clusters, (pages, at, { self, lies }) => {
      const image = imageOf(7, pages);
      const current = at.flatMap((index) => image.pages[index] ?? []);
      const transfer = new Transfer({ images: [image], lies, self, current });
      transfer.subject.begin(targetOf(image));
      assert.equal(transfer.subject.order, 7);
      isImage(transfer.finish(), image);
      assert.equal(transfer.subject.order, null);
      assert.equal(transfer.subject.takeImage(), null);
      const present = digestsOf(current);
      const digests = digestsOf(image.pages);
      assert.ok(transfer.pagesAsked.every((page) => !present.includes(digests[page]!)));
      assert.ok(transfer.asked.every(({ to }) => to !== self));
      transferred += transfer.pagesAsked.length;
    }),
    { numRuns: 300 },
  );
  assert.ok(transferred > 0);
});

test("each single lie is found out, and the honest source is asked next", () => {
  const image = imageOf(3, [new Uint8Array(10).fill(1), new Uint8Array(150).fill(2)]);
  for (const lie of Object.keys(lies)) {
    const transfer = new Transfer({ images: [image], lies: [honest, [lie], honest] });
    transfer.subject.begin(targetOf(image));
    assert.equal(transfer.asked[0]?.to, 1);
    isImage(transfer.finish(60), image);
  }
});

test("a source that errs is left at once, one that is honest or merely slow is not", () => {
  const [small, large] = [new Uint8Array(10).fill(1), new Uint8Array(150).fill(2)];
  const never = ["silence", "another order"];
  const late = ["truth", "wrong bytes", "too much", "larger total", "the last first"];
  const sourcesOf = (contents: readonly Uint8Array[], lie: string): number[] => {
    const image = imageOf(3, contents);
    const transfer = new Transfer({ images: [image], lies: [honest, ["truth", lie], honest] });
    transfer.subject.begin(targetOf(image));
    for (let count = 0; count < 2; count++) transfer.step();
    assert.deepEqual(
      transfer.asked.slice(0, 2).map(({ ask }) => ask.kind),
      ["fetch-manifest", "fetch-pages"],
    );
    return transfer.asked.map(({ to }) => to);
  };
  for (const lie of Object.keys(lies).filter((lie) => !never.includes(lie) && lie !== "truth")) {
    assert.deepEqual(sourcesOf([small, large], lie), [1, 1, 2], lie);
    const sources = sourcesOf([large, small], lie);
    assert.deepEqual(sources, late.includes(lie) ? [1, 1, 1] : [1, 1, 2], lie);
  }
  assert.deepEqual(sourcesOf([small, large], "truth"), [1, 1, 1]);
  for (const lie of never) assert.deepEqual(sourcesOf([small, large], lie), [1, 1], lie);

  const image = imageOf(3, [small, large, noBytes, large.subarray(1), small.subarray(1)]);
  const slow = new Transfer({ images: [image], lies: [honest, honest, honest] });
  slow.subject.begin(targetOf(image));
  let fetched = slow.subject.takeImage();
  for (; fetched === null; fetched = slow.subject.takeImage()) {
    for (let ticks = 0; ticks < 2; ticks++) slow.subject.tick();
    slow.step();
  }
  isImage(fetched, image);
  assert.ok(slow.asked.every(({ to }) => to === 1));
});

test("a page of another reader is not taken for a missing one, though their digests agree", () => {
  const image = imageOf(3, [Uint8Array.of(1), noBytes]);
  const transfer = new Transfer({
    images: [image],
    lies: [honest, honest, honest],
    current: [pageOf(noBytes), pageOf(Uint8Array.of(2))],
    readerOf: (index) => String(index),
  });
  transfer.subject.begin(targetOf(image));
  isImage(transfer.finish(), image);
  assert.deepEqual(transfer.pagesAsked, [0, 1]);
});

test("a late answer about an older state does not displace the source", () => {
  const [older, newer] = [imageOf(7, [Uint8Array.of(1)]), imageOf(8, [Uint8Array.of(2)])];
  const transfer = new Transfer({ images: [older, newer], lies: [honest, honest] });
  transfer.subject.begin(targetOf(older));
  transfer.step(); // the older manifest: its page is asked for
  transfer.subject.begin(targetOf(newer));
  const stale = serveState({ kind: "fetch-pages", order: 7, pages: [0], offset: 0 }, older, limits);
  const manifest = serveState({ kind: "fetch-manifest", order: 8 }, newer, limits);
  transfer.subject.onManifest(manifest as Manifest);
  const { length } = transfer.asked;
  transfer.subject.onPages(1, stale as Pages);
  assert.equal(transfer.asked.length, length);
  isImage(transfer.finish(), newer);
});

test("a page larger than any may be is not even begun", () => {
  const image = imageOf(3, [new Uint8Array(limits.pageBytesMax).fill(1)]);
  const larger = imageOf(3, [new Uint8Array(limits.pageBytesMax + 1).fill(1)]);
  for (const [subject, isTaken] of [
    [image, true],
    [larger, false],
  ] as const) {
    const transfer = new Transfer({ images: [subject], lies: [honest, honest, honest] });
    transfer.subject.begin(targetOf(subject));
    assert.equal(transfer.finish(100) !== null, isTaken);
    const offsets = transfer.asked.map(({ ask }) => (ask.kind === "fetch-pages" ? ask.offset : 0));
    assert.equal(
      offsets.some((offset) => offset > 0),
      isTaken,
    );
  }
});

test("a transfer that turns to a newer state ends with exactly that", () => {
  fc.assert(
    fc.property(
      contents,
      contents,
      clusters,
      fc.nat(30),
      fc.boolean(),
      (older, newer, { self, lies }, steps, isOlderGone) => {
        const first = imageOf(7, older);
        const second = imageOf(8, [...older.slice(0, 3), ...newer]);
        const images = isOlderGone ? [second] : [first, second];
        const transfer = new Transfer({ images, lies, self });
        transfer.subject.begin(targetOf(first));
        for (let count = 0; count < steps; count++) transfer.step();
        transfer.subject.begin(targetOf(second));
        assert.equal(transfer.subject.order, 8);
        isImage(transfer.finish(), second);
      },
    ),
  );
});

test("pages fetched for one state serve the next", () => {
  const pages = [1, 2, 3, 4].map((byte) => new Uint8Array(60).fill(byte));
  const [first, second] = [imageOf(7, pages), imageOf(8, [...pages.slice(0, 2), noBytes])];
  const transfer = new Transfer({ images: [first, second], lies: [honest, honest, honest] });
  transfer.subject.begin(targetOf(first));
  for (let count = 0; count < 4; count++) transfer.step();
  const before = transfer.asked.length;
  transfer.subject.begin(targetOf(second));
  isImage(transfer.finish(), second);
  const later = transfer.asked.slice(before).map(({ ask }) => ask);
  assert.deepEqual(
    later.flatMap((ask) => (ask.kind === "fetch-pages" ? ask.pages : [])),
    [2],
  );
});

test("a source that is silent is left after a while, the next is given twice as long", () => {
  const image = imageOf(3, [noBytes]);
  const transfer = new Transfer({ images: [image], lies: [honest, ["silence"], ["silence"]] });
  const ticksUntilAsked = (): number => {
    const before = transfer.asked.length;
    let ticks = 0;
    for (; transfer.asked.length === before; ticks++) transfer.subject.tick();
    return ticks;
  };
  transfer.subject.tick();
  assert.equal(transfer.asked.length, 0);
  transfer.subject.begin(targetOf(image));
  assert.deepEqual([0, 1, 2, 3, 4, 5].map(ticksUntilAsked), [3, 6, 12, 24, 48, 48]);
  assert.deepEqual(
    transfer.asked.map(({ to }) => to),
    [1, 2, 1, 2, 1, 2, 1],
  );
  transfer.subject.cancel();
  assert.equal(transfer.subject.order, null);
  transfer.subject.begin(targetOf(image));
  assert.equal(ticksUntilAsked(), 3);
});

test("a state whose pages are all present needs its manifest only", () => {
  const image = imageOf(3, [noBytes, Uint8Array.of(1), noBytes]);
  const current = image.pages.slice(0, 2);
  const transfer = new Transfer({ images: [image], lies: [honest, honest], current });
  transfer.subject.begin(targetOf(image));
  isImage(transfer.finish(), image);
  assert.deepEqual(
    transfer.asked.map(({ ask }) => ask.kind),
    ["fetch-manifest"],
  );
});

test("what is served fits a chunk, begins at the offset, and ends at an unknown page", () => {
  const asks = fc.record({
    pages: fc.array(fc.nat(11), { maxLength: 12 }),
    offset: fc.nat(220),
  });
  fc.assert(
    fc.property(contents, asks, (pages, { pages: asked, offset }) => {
      const ask = { kind: "fetch-pages", order: 3, pages: asked, offset } as const;
      const answer = serveState(ask, imageOf(3, pages), limits);
      assert.ok(answer?.kind === "pages" && answer.order === 3);
      const { pieces } = answer;
      // an empty piece takes room, too
      const room = pieces.reduce((sum, { bytes }) => sum + Math.max(bytes.length, 1), 0);
      assert.ok(room <= limits.chunkBytes);
      pieces.forEach((piece, index) => {
        const content = pages[piece.page]!;
        const from = index === 0 ? offset : 0;
        assert.equal(piece.page, asked[index]);
        assert.equal(piece.offset, from);
        assert.equal(piece.total, content.length);
        assert.deepEqual(piece.bytes, content.subarray(from, from + piece.bytes.length));
        const isWhole = from + piece.bytes.length === content.length;
        assert.ok(isWhole || (index === pieces.length - 1 && room === limits.chunkBytes));
      });
      const first = asked.length > 0 ? pages[asked[0]!] : undefined;
      assert.equal(pieces.length > 0, first !== undefined && offset <= first.length);
    }),
  );
  assert.equal(serveState({ kind: "fetch-manifest", order: 3 }, undefined, limits), null);
  const rest = { kind: "fetch-pages" as const, order: 3, pages: [0, 1], offset: 5 };
  const pieces = serveState(rest, imageOf(3, [new Uint8Array(7), new Uint8Array(9)]), limits);
  assert.deepEqual(
    pieces?.kind === "pages" && pieces.pieces.map(({ offset, bytes }) => [offset, bytes.length]),
    [
      [5, 2],
      [0, 9],
    ],
  );
  const zeros = Array.from({ length: pagesAskedMax }, () => 0);
  const empty = { kind: "fetch-pages", order: 3, pages: zeros, offset: 0 } as const;
  const served = serveState(empty, imageOf(3, [noBytes]), limits);
  assert.equal(served?.kind === "pages" && served.pieces.length, limits.chunkBytes);
});

test("no more pages are asked for at a time than a message holds", () => {
  const pages = Array.from({ length: pagesAskedMax + 44 }, (_, at) => Uint8Array.of(at, at >> 8));
  const image = imageOf(3, pages);
  const transfer = new Transfer({ images: [image], lies: [honest, honest] });
  transfer.subject.begin(targetOf(image));
  isImage(transfer.finish(), image);
  const counts = transfer.asked.map(({ ask }) =>
    ask.kind === "fetch-pages" ? ask.pages.length : 0,
  );
  assert.equal(Math.max(...counts), pagesAskedMax);
});

test("an executor goes on from a fetched state as its source does", () => {
  const wide = limitsWith({ chunkBytes: 64 });
  const [source, behind] = [0, 1].map(() => new Executor(historyService(), wide, hash)) as [
    Executor,
    Executor,
  ];
  const bundles = (number: number) =>
    [1, 2, 65].map((client) => {
      const operations = [Uint8Array.of(client, number), noBytes];
      return requestFor(bundleFor(client, 9, number, { operations }));
    });
  for (const number of [1, 2, 3]) source.execute(bundles(number));
  behind.execute(bundles(1));
  const image = source.image(3);
  const transfer = new Transfer({
    images: [image],
    lies: [honest, ["wrong bytes", "silence"], honest],
    current: behind.image(1).pages,
    readPage: (index, bytes) => behind.readPage(index, bytes),
    limits: wide,
  });
  transfer.subject.begin({ order: 3, digest: source.digest(image) });
  const fetched = transfer.finish();
  assert.ok(fetched !== null);
  behind.restore(fetched);
  assert.deepEqual(behind.digest(behind.image(3)), source.digest(image));
  assert.deepEqual(behind.execute(bundles(4)), source.execute(bundles(4)));
  assert.deepEqual(behind.digest(behind.image(4)), source.digest(source.image(4)));
});
