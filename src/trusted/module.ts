// The trusted counter that replicas run: TrInX (hybster.txt §5.1) in WebAssembly, as core's port.

import {
  type Attestation,
  type AttestationKind,
  assert,
  type ClientId,
  comparePositions,
  type Digest,
  type LeaseKeeper,
  type MultiAttestation,
  origin,
  type Position,
  retired,
  slotsMax,
  spacesMax,
  type TrustedCounter,
  type TrustedDependencies,
  UsageError,
} from "../core/index.js";
import { instantiate, measurement, type TrustedExports } from "./binary.js";
import { ModuleDependencies } from "./dependencies.js";
import { freshnessNumber, kindNumbers, type TrustedGroup } from "./encoding.js";
import { ModuleLeases } from "./leases.js";
import { isUint32, word, writeWord } from "./words.js";

/** Counters of one instance. */
const counterCount = 8;

/** What a trusted instance is opened with. */
export interface TrustedModuleOptions {
  /** 32 bytes, the same for the whole group. The module copies it; the caller should forget it. */
  readonly groupSecret: Uint8Array;
  /** Below 2^16, unique in the group; with leases below n. */
  readonly instance: number;
  readonly group: TrustedGroup;
  /** What the configuration pins; null pins nothing (tests, benchmarks). */
  readonly measurement: string | null;
  /**
   * The administrator's token for this instance, 32 bytes. Without it counters start retired or,
   * with leases, wait for what the others recorded. Only with `storage` may it be shown again.
   */
  readonly firstBoot: Uint8Array | null;
}

/**
 * A fresh instance of the trusted module, its counters at the origin; where the first-boot token is
 * missing or another instance's they are retired or, with leases, certify nothing until its
 * {@link TrustedCounter.leases} have become active. When a replica restarts with `storage`,
 * {@link TrustedCounter.resume} must follow before anything else; docs/threat-model.md says what a
 * restart may do. Throws UsageError TRUSTED_MEASUREMENT, TRUSTED_KEY, TRUSTED_INSTANCE,
 * TRUSTED_GROUP or TRUSTED_MODULE_MISSING.
 */
export function openTrustedModule(options: TrustedModuleOptions): TrustedCounter {
  return counterOf(setUp(options), options);
}

/** Both faces of one trusted instance. */
export interface TrustedFaces {
  readonly counter: TrustedCounter;
  readonly dependencies: TrustedDependencies;
}

/**
 * As {@link openTrustedModule}, with the spaces of TruDep beside the counters, of `slots` slots
 * each. They certify in the life that was started with the first-boot token, and never after.
 * Throws UsageError TRUSTED_SPACES too: there must be 2f+1 spaces, and a freshness other than
 * `storage`, with which the token may be shown again.
 */
export function openTrustedFaces(options: TrustedModuleOptions, slots: number): TrustedFaces {
  const { instance, group } = options;
  const { n, f, freshness } = group;
  const isGroup = f >= 1 && n === 2 * f + 1 && n <= spacesMax && instance < n;
  if (!isGroup || !(slots >= 1 && slots <= slotsMax) || freshness === "storage") {
    const message =
      `Instance ${instance} of ${n}, of which ${f} may lie, with freshness ${freshness} and ` +
      `${slots} slots a space, cannot keep dependencies: it takes 2f+1 instances (at most ` +
      `${spacesMax}), freshness fail-stop or leases, and 1 to ${slotsMax} slots.`;
    throw new UsageError("TRUSTED_SPACES", message, { instance, n, f, freshness, slots });
  }
  const module = setUp(options);
  const isOpen = module.openSpaces(slots) !== 0;
  assert(isOpen, "the trusted module has no memory left for its spaces");
  const isActive = module.certifies() !== 0;
  return {
    counter: counterOf(module, options),
    dependencies: new ModuleDependencies(module, { instance, n, f, slots, isActive }),
  };
}

const counterOf = (module: TrustedExports, { instance, group }: TrustedModuleOptions) =>
  new TrustedModule(module, instance, group.freshness === "leases");

/** A fresh instance of the binary, set up as the options say. */
function setUp(options: TrustedModuleOptions): TrustedExports {
  const { groupSecret, instance, group, firstBoot } = options;
  if (options.measurement !== null && options.measurement !== measurement()) {
    throw new UsageError(
      "TRUSTED_MEASUREMENT",
      `The configuration pins trusted module ${options.measurement}, but this installation has ` +
        `${measurement()}: install the version of Troth that the cluster runs.`,
      { pinned: options.measurement, measured: measurement() },
    );
  }
  if (groupSecret.length !== 32 || (firstBoot !== null && firstBoot.length !== 32)) {
    const message = "The group secret and the first-boot token must be 32 bytes each.";
    throw new UsageError("TRUSTED_KEY", message);
  }
  if (!Number.isInteger(instance) || instance < 0 || instance > 0xffff) {
    const message = `A trusted instance is a whole number from 0 to 65535, not ${instance}.`;
    throw new UsageError("TRUSTED_INSTANCE", message, { instance });
  }
  const exports = instantiate();
  put(exports, secretSlot, groupSecret);
  put(exports, macSlot, firstBoot ?? new Uint8Array(32));
  const { n, f, freshness } = group;
  if (exports.setup(instance, freshnessNumber(freshness), n, f) === 0) {
    const message = `An instance ${instance} of ${n}, of which ${f} may lie, cannot have leases.`;
    throw new UsageError("TRUSTED_GROUP", message, { instance, n, f });
  }
  return exports;
}

class TrustedModule implements TrustedCounter {
  readonly instance: number;
  readonly leases: LeaseKeeper | null;
  readonly #module: TrustedExports;

  constructor(module: TrustedExports, instance: number, hasLeases: boolean) {
    this.#module = module;
    this.leases = hasLeases ? new ModuleLeases(module) : null;
    this.instance = instance;
  }

  current(counter: number): Position {
    assert(isCounter(counter), `no counter ${counter}: an instance has ${counterCount}`);
    return {
      view: this.#module.current(2 * counter),
      order: this.#module.current(2 * counter + 1),
    };
  }

  limit(counter: number): Position {
    assert(isCounter(counter), `no counter ${counter}: an instance has ${counterCount}`);
    return { view: this.#module.limit(2 * counter), order: this.#module.limit(2 * counter + 1) };
  }

  independent(counter: number, next: Position, digest: Digest): Attestation | null {
    return this.#issue("independent", counter, next, origin, digest);
  }

  continuing(counter: number, next: Position, digest: Digest): Attestation | null {
    return this.#issue("continuing", counter, next, this.current(counter), digest);
  }

  trustedMac(counter: number, digest: Digest): Attestation | null {
    const current = this.current(counter);
    return this.#issue("trusted-mac", counter, current, current, digest);
  }

  #issue(
    kind: AttestationKind,
    counter: number,
    next: Position,
    previous: Position,
    digest: Digest,
  ): Attestation | null {
    if (digest.length !== 32 || !this.#part(0, counter, next, origin)) return null;
    put(this.#module, digestSlot, digest);
    if (this.#module.issue(kindNumbers[kind], 1) === 0) return null;
    return { kind, instance: this.instance, counter, next, previous, mac: this.#issuedMac() };
  }

  multi(
    kind: MultiAttestation["kind"],
    parts: readonly { readonly counter: number; readonly next: Position }[],
    digest: Digest,
  ): MultiAttestation | null {
    if (digest.length !== 32) return null;
    const isContinuing = kind === "multi-continuing";
    const certified: MultiAttestation["parts"][number][] = [];
    for (const [index, { counter, next }] of parts.entries()) {
      if (!this.#part(index, counter, next, origin)) return null;
      const previous = isContinuing ? this.current(counter) : origin;
      certified.push({ counter, next, previous });
    }
    put(this.#module, digestSlot, digest);
    if (this.#module.issue(kindNumbers[kind], parts.length) === 0) return null;
    return { kind, instance: this.instance, parts: certified, mac: this.#issuedMac() };
  }

  verify(attestation: Attestation, digest: Digest): boolean {
    if (!this.#present(attestation, digest)) return false;
    const { kind, instance } = attestation;
    return this.#module.verify(kindNumbers[kind], instance, 1) !== 0;
  }

  verifyMulti(attestation: MultiAttestation, digest: Digest): boolean {
    const { kind, instance, parts, mac } = attestation;
    if (digest.length !== 32 || mac.length !== 32 || !isUint32(instance)) return false;
    const isContinuing = kind === "multi-continuing";
    for (const [index, { counter, next, previous }] of parts.entries()) {
      if (!isContinuing && comparePositions(previous, origin) !== 0) return false;
      if (!this.#part(index, counter, next, previous)) return false;
    }
    put(this.#module, digestSlot, digest);
    put(this.#module, macSlot, mac);
    return this.#module.verify(kindNumbers[kind], instance, parts.length) !== 0;
  }

  verifyClient(client: ClientId, digest: Digest, mac: Uint8Array): boolean {
    if (digest.length !== 32 || mac.length !== 32 || !isUint32(client)) return false;
    put(this.#module, digestSlot, digest);
    put(this.#module, macSlot, mac);
    return this.#module.verifyClient(client) !== 0;
  }

  resume(attestation: Attestation, digest: Digest): boolean {
    if (attestation.instance !== this.instance || !this.#present(attestation, digest)) return false;
    if (comparePositions(this.current(attestation.counter), retired) === 0) return false;
    return this.#module.resume(kindNumbers[attestation.kind]) !== 0;
  }

  /** Hands an attestation to the module, unless its form alone condemns it. */
  #present(attestation: Attestation, digest: Digest): boolean {
    const { kind, instance, counter, next, previous, mac } = attestation;
    if (digest.length !== 32 || mac.length !== 32 || !isUint32(instance)) return false;
    // An independent certificate does not bind the value before: one way to write it is enough.
    if (kind === "independent" && comparePositions(previous, origin) !== 0) return false;
    if (!this.#part(0, counter, next, previous)) return false;
    put(this.#module, digestSlot, digest);
    put(this.#module, macSlot, mac);
    return true;
  }

  #part(index: number, counter: number, next: Position, previous: Position): boolean {
    if (!isCounter(counter)) return false;
    const { view, order } = next;
    return this.#module.part(index, counter, view, order, previous.view, previous.order) !== 0;
  }

  #issuedMac(): Uint8Array {
    const mac = new Uint8Array(32);
    for (let index = 0; index < 8; index++) writeWord(mac, 4 * index, this.#module.issued(index));
    return mac;
  }
}

const digestSlot = 0;
const macSlot = 1;
const secretSlot = 2;

const isCounter = (value: number) => isUint32(value) && value < counterCount;

/** With every certificate: through `giveBlock`, which other calls share, that is a tenth slower. */
function put(module: TrustedExports, slot: number, bytes: Uint8Array): void {
  module.put(
    slot,
    word(bytes, 0),
    word(bytes, 4),
    word(bytes, 8),
    word(bytes, 12),
    word(bytes, 16),
    word(bytes, 20),
    word(bytes, 24),
    word(bytes, 28),
  );
}
