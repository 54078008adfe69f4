// What happens next in virtual time: a binary heap, ties broken by the order of scheduling.

interface Entry<Event> {
  readonly atMs: number;
  readonly sequence: number;
  readonly event: Event;
}

const before = (a: Entry<unknown>, b: Entry<unknown>): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);

/** Events by their time; those of one time come out in the order they went in. */
export class EventQueue<Event> {
  readonly #heap: Entry<Event>[] = [];
  #sequence = 0;

  get length(): number {
    return this.#heap.length;
  }

  push(atMs: number, event: Event): void {
    const entry = { atMs, sequence: this.#sequence++, event };
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  /** The earliest event; null if none is left. */
  pop(): { readonly atMs: number; readonly event: Event } | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: Entry<Event>): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, entry)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }
}
