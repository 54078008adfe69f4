// The trusted module's spaces as core's port, TruDep: certificates cross as words.

import {
  type DependencyStatement,
  decodeDependencyStatement,
  dependencyStatementBytes,
  encodeDependencyStatement,
  namesOf,
} from "../codec/index.js";
import {
  assert,
  type CertificateOf,
  type CheckpointCertificate,
  type ClientId,
  type DependencyCertificate,
  type Digest,
  type LeaveCertificate,
  type NewViewCertificate,
  type Proposal,
  type ProposeCertificate,
  type RecordCertificate,
  type ReplicaId,
  type SpaceStanding,
  type SpaceTerms,
  type Touches,
  type TrustedDependencies,
  type VoteCertificate,
} from "../core/index.js";
import type { TrustedExports } from "./binary.js";
import { giveBlock, giveBlocks, isUint32, takeBytes, word } from "./words.js";

/** The block that a statement's MAC stands in, after those for the statement. */
const macBlock = 12;
/** What `recover` returns for a slot that may be proposed once more. */
const freed = 2;
const noMac = new Uint8Array(32);
const noDigest = new Uint8Array(32);

export class ModuleDependencies implements TrustedDependencies {
  readonly instance: ReplicaId;
  readonly n: number;
  readonly f: number;
  readonly slots: number;
  readonly isActive: boolean;
  readonly #module: TrustedExports;

  constructor(module: TrustedExports, terms: SpaceTerms) {
    this.#module = module;
    this.instance = terms.instance;
    this.n = terms.n;
    this.f = terms.f;
    this.slots = terms.slots;
    this.isActive = terms.isActive;
  }

  standing(space: ReplicaId): SpaceStanding {
    assert(isUint32(space) && space < this.n, `no space ${space}: a group has ${this.n}`);
    const [view, base, next] = [0, 1, 2].map((what) => this.#module.standing(space, what));
    return { view: view!, base: base!, next: next! };
  }

  propose({ space, slot, digest, touches, partner }: Proposal): ProposeCertificate | null {
    const draft = {
      kind: "propose" as const,
      issuer: this.instance,
      space,
      view: 0,
      slot,
      digest,
      dependencies: new Array<number>(this.n).fill(0),
      sequence: 0,
      names: noDigest,
      partner,
    };
    if (!this.#show(draft, noMac)) return null;
    this.#touch(touches);
    return this.#made<"propose">(this.#module.propose());
  }

  ack(proposal: ProposeCertificate, touches: Touches): VoteCertificate<"commit"> | null {
    if (!this.#show(proposal, proposal.mac)) return null;
    this.#touch(touches);
    return this.#made<"commit">(this.#module.ack());
  }

  decide(commits: readonly VoteCertificate<"commit">[]): VoteCertificate<"decide"> | null {
    if (!this.#gather("commit", commits)) return null;
    return this.#made<"decide">(this.#module.decide());
  }

  accept(commits: readonly VoteCertificate<"commit">[]): VoteCertificate<"accept"> | null {
    if (!this.#gather("commit", commits)) return null;
    return this.#made<"accept">(this.#module.accept());
  }

  finalize(accepted: VoteCertificate<"accept">): VoteCertificate<"finalize"> | null {
    if (!this.#show(accepted, accepted.mac)) return null;
    return this.#made<"finalize">(this.#module.finalize());
  }

  leave(space: ReplicaId, view: number): LeaveCertificate | null {
    if (!isUint32(space)) return null;
    return this.#made<"leave">(this.#module.leave(space, view));
  }

  record(space: ReplicaId, slot: number): RecordCertificate | null {
    if (!isUint32(space)) return null;
    return this.#made<"record">(this.#module.record(space, slot));
  }

  newView(left: readonly LeaveCertificate[]): NewViewCertificate | null {
    if (!this.#gather("leave", left)) return null;
    return this.#made<"new-view">(this.#module.newView());
  }

  recover(records: readonly RecordCertificate[]): VoteCertificate<"accept"> | "free" | null {
    if (!this.#gather("record", records)) return null;
    const outcome = this.#module.recover();
    if (outcome === freed) return "free";
    return this.#made<"accept">(outcome);
  }

  checkpoint(digest: Digest, frontier: readonly number[]): CheckpointCertificate | null {
    if (!this.#show({ kind: "checkpoint", issuer: this.instance, digest, frontier }, noMac)) {
      return null;
    }
    return this.#made<"checkpoint">(this.#module.checkpoint());
  }

  truncate(checkpoints: readonly CheckpointCertificate[]): boolean {
    return this.#gather("checkpoint", checkpoints) && this.#module.truncate() !== 0;
  }

  verify(certificate: DependencyCertificate): boolean {
    return this.#show(certificate, certificate.mac) && this.#module.isGenuine() !== 0;
  }

  vouch(decision: VoteCertificate<"decide">, client: ClientId): Uint8Array | null {
    if (!isUint32(client) || !this.#show(decision, decision.mac)) return null;
    return this.#module.vouch(client) === 0 ? null : this.#mac();
  }

  #touch(touches: Touches): void {
    const names = namesOf(touches);
    for (let at = 0; at < names.length; at += 8) {
      this.#module.touch(word(names, at), word(names, at + 4));
    }
  }

  /** Hands in a statement, unless its form alone condemns it. */
  #show(statement: DependencyStatement, mac: Uint8Array): boolean {
    const bytes = encodeDependencyStatement(statement, this.n);
    if (bytes === null || mac.length !== 32) return false;
    giveBlocks(this.#module.show, bytes);
    giveBlock(this.#module.show, macBlock, mac);
    return true;
  }

  /** Hands in certificates: of one kind, about one thing, and by different instances. */
  #gather(
    kind: DependencyCertificate["kind"],
    certificates: readonly DependencyCertificate[],
  ): boolean {
    for (const [index, certificate] of certificates.entries()) {
      if (certificate.kind !== kind || !this.#show(certificate, certificate.mac)) return false;
      if (this.#module.gather(index === 0 ? 1 : 0) === 0) return false;
    }
    return certificates.length > 0;
  }

  /** What the module has certified, unless it refused. */
  #made<Kind extends DependencyCertificate["kind"]>(outcome: number): CertificateOf<Kind> | null {
    if (outcome === 0) return null;
    const bytes = takeBytes(this.#module.tell, dependencyStatementBytes(this.n));
    const statement = decodeDependencyStatement(bytes, this.n);
    return { ...statement, mac: this.#mac() } as CertificateOf<Kind>;
  }

  #mac(): Uint8Array {
    return takeBytes(this.#module.tell, 32, 8 * macBlock);
  }
}
