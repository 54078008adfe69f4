// Requests on their way in: from clients to the pending requests, and on to the leader if need be;
// and their answers. The same in every protocol with a leader.

import { bundleOf, type Request } from "../codec/index.js";
import type { ReplicaContext, ReplicaId } from "../core/index.js";
import { type MessageOf } from "../codec/index.js";
import { type clientMessages, toReplyMessage } from "./client-messages.js";
import type { Answer, Execution, Executor } from "./executor.js";
import { PendingRequests } from "./pending-requests.js";
import type { Speech } from "./speech.js";

/** What the intake needs of the replica it belongs to. */
export interface IntakeHost {
  readonly context: ReplicaContext;
  readonly outbox: Speech<MessageOf<typeof clientMessages>, never>;
  readonly executor: Executor;
  readonly now: number;
  /** The view that answers name, as a hint where the leader is. */
  readonly view: number;
  /** To whom a request is passed on that waits for long; null if to nobody. */
  readonly addressee: ReplicaId | null;
  readonly isLeading: boolean;
  /** Proposes what is pending, at the end of the turn. */
  batchSoon(): void;
  /** Something waits: be patient for so long. */
  watch(): void;
  /**
   * Answers a client in the protocol's own way: because it asked for what it was answered before,
   * or because its bundle was executed.
   */
  answer?(answer: Answer, isAsked: boolean): void;
}

/** What a replica does with requests before they are ordered, and after. */
export class Intake {
  readonly pending: PendingRequests;
  private readonly host: IntakeHost;

  constructor(host: IntakeHost) {
    this.host = host;
    this.pending = new PendingRequests(host.context.limits);
  }

  /** True if a request is worth ordering; one that was answered before is answered again. */
  isNews(request: Request): boolean {
    const { executor, outbox } = this.host;
    const bundle = bundleOf(request)!;
    const answer = executor.answer(bundle);
    if (answer !== null) {
      this.answer(answer, true);
      return false;
    }
    if (bundle.number > executor.settled(bundle)) return true;
    outbox.drop("an answered request, its reply forgotten");
    return false;
  }

  /** Whether a request has had no effect yet, nor will have none. */
  isUnanswered(request: Request): boolean {
    const bundle = bundleOf(request)!;
    return bundle.number > this.host.executor.settled(bundle);
  }

  /** Takes a request that every replica can verify. */
  admit(request: Request): void {
    const { executor, outbox, now } = this.host;
    const outcome = this.pending.add(request, executor.settled(bundleOf(request)!), now);
    if (outcome === "full") return outbox.drop("too many requests pending");
    if (outcome === "early") return outbox.drop("a request whose predecessors are missing");
    if (this.host.isLeading) this.host.batchSoon();
    this.host.watch();
  }

  private answer(answer: Answer, isAsked: boolean): void {
    if (this.host.answer === undefined) this.reply(answer);
    else this.host.answer(answer, isAsked);
  }

  /** Tells a client what became of its bundle. */
  reply(answer: Answer): void {
    const { outbox, view } = this.host;
    outbox.reply(answer.client, answer.session, toReplyMessage(answer, view));
  }

  /** Passes on to the leader what has waited for a while: its client may not reach the leader. */
  forward(): void {
    const { addressee, context, outbox, now } = this.host;
    if (addressee === null || addressee === context.replica) return;
    const until = now - context.timing.statusMs;
    for (const { body, authenticator } of this.pending.takeUnforwarded(until)) {
      outbox.send(addressee, { body, authenticator, kind: "request" });
    }
  }

  /** A batch was executed: its clients are answered, and wait no longer. */
  settle(executions: readonly Execution[]): void {
    this.forget(executions);
    for (const { answer } of executions) if (answer !== null) this.answer(answer, false);
  }

  /** A batch was executed: it is not waited for any longer. */
  forget(executions: readonly Execution[]): void {
    const { executor } = this.host;
    for (const { bundle } of executions) {
      this.pending.settle(bundle.client, bundle.session, executor.settled(bundle));
    }
  }

  /** A new view, or a new state: what still waits is to be proposed again. */
  restart(): void {
    const { executor } = this.host;
    this.pending.restart((bundle) => executor.settled(bundle));
  }
}
