// A client machine that a protocol supplies, for tests of its hosts: the second bundle of its first
// session makes it sleep on one timer, cancel another, and find its session expired.

import type {
  ClientEffect,
  ClientInput,
  ClientMachine,
  ClientMachineContext,
  ClientSide,
  Tagged,
} from "../../src/core/index.js";

const napMs = 5;

/** The clients' part with machines that nap in sessions that `naps` tells. */
export function napping<M extends Tagged>(
  side: ClientSide<M>,
  naps: (session: number) => boolean,
): ClientSide<M> {
  return {
    ...side,
    machine: (context) =>
      naps(context.session)
        ? new NappingClient(side.machine(context), context)
        : side.machine(context),
  };
}

class NappingClient<M> implements ClientMachine<M> {
  readonly #inner: ClientMachine<M>;
  readonly #context: ClientMachineContext;
  #isAsleep = false;

  constructor(inner: ClientMachine<M>, context: ClientMachineContext) {
    this.#inner = inner;
    this.#context = context;
  }

  get nextNumber(): number {
    return this.#inner.nextNumber;
  }

  get isFull(): boolean {
    return this.#isAsleep || this.#inner.isFull;
  }

  get view(): number | null {
    return this.#inner.view;
  }

  step(now: number, input: ClientInput<M>): readonly ClientEffect<M>[] {
    if (input.kind === "submit" && this.nextNumber === 2) return this.#fallAsleep();
    if (input.kind === "timeout" && input.timer === "nap") {
      return [
        { kind: "cancel-timer", timer: "overslept" },
        { kind: "set-timer", timer: "yawn", afterMs: 3 * napMs },
      ];
    }
    if (input.kind === "timeout" && input.timer === "yawn") {
      return [
        { kind: "observe", event: `woke in session of client ${this.#context.client}` },
        { kind: "expired", number: 2 },
      ];
    }
    if (input.kind === "timeout" && input.timer === "overslept") {
      throw new Error("the timer was cancelled");
    }
    return this.#inner.step(now, input);
  }

  #fallAsleep(): readonly ClientEffect<M>[] {
    this.#isAsleep = true;
    return [
      { kind: "set-timer", timer: "overslept", afterMs: 1 },
      { kind: "set-timer", timer: "nap", afterMs: napMs },
      { kind: "set-timer", timer: "overslept", afterMs: 2 * napMs },
    ];
  }
}
