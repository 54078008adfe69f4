// Bounds of the host itself, each with its reason; those that replicas must share stand in
// core/limits.ts.

const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * A replica accepts so many connections at once: clients' sessions, and one or two of every peer.
 */
export const connectionsMax = 4096;

/** Messages of one link whose verification is under way; beyond, its socket is not read. */
export const unverifiedMessagesMax = 256;

/** Bytes waiting for the disk; beyond, no socket is read until they are durable. */
export const undurableBytesMax = 16 * MiB;

/**
 * Signatures remembered as genuine, so that one seen in a request is not verified again in a
 * proposal, nor a replica's again in a certificate.
 */
export const knownSignaturesMax = 8192;

/**
 * Signatures handed to one worker thread at a time: about 3 ms of work, so that threads share a
 * large batch.
 */
export const signaturesPerJob = 32;

/**
 * The journal is compacted when it outgrew both this and the last saved image: bounds space and
 * time to restart.
 */
export const compactAfterBytes = 64 * MiB;

/**
 * Bytes of pages written in one transaction of a compaction: records wait behind it, so about a
 * millisecond.
 */
export const compactionSliceBytes = 1 * MiB;

/** Entries deleted in one transaction of a compaction. */
export const compactionSliceEntries = 64;

/** Different reasons of drops that are counted apart; any further one counts as "other". */
export const dropReasonsMax = 64;

/** A stop waits so long for the disk before it closes the links all the same. */
export const stopPatienceMs = 1000;

/**
 * What a client's proof may add to its bundle in a frame: one MAC for each of 64 replicas, and the
 * fields' lengths.
 */
export const authenticatorBytesMax = 4 * KiB;
