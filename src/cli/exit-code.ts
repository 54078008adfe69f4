// What the `troth` command tells scripts when it ends, and how errors become one line and an exit
// code.

import { TrothError } from "../client/index.js";
import { InvariantError, UsageError } from "../core/index.js";

/** The exit codes of every command. */
export const exitCode = {
  /** Done. */
  ok: 0,
  /**
   * Understood and carried out, with a negative outcome: no such key, a comparison failed, a
   * violation found.
   */
  failed: 1,
  /** A wrong argument, a missing or damaged file, a busy port: nothing was done. */
  usage: 2,
  /**
   * Too few replicas answered in time; the message says whether the operation may have taken
   * effect.
   */
  unavailable: 3,
  /** A defect in Troth. */
  defect: 4,
} as const;

const remedies: Readonly<Record<string, string>> = {
  EACCES: "permission denied; check the owner and mode of the file",
  EADDRINUSE: "the port is in use; stop the program that uses it, or choose another --base-port",
  EADDRNOTAVAIL: "this machine does not have that address; check `host` in cluster.json",
  ENOENT: "no such file or folder",
  ENOSPC: "the disk is full; free some space and start again: nothing promised was lost",
  EROFS: "the disk is read-only; mount it writable or use another folder",
};

/**
 * The line a person sees and the code a script sees for an error; a stack trace only for a defect.
 */
export function explain(error: unknown): { readonly line: string; readonly code: number } {
  if (error instanceof UsageError) return { line: error.message, code: exitCode.usage };
  if (error instanceof TrothError) {
    const tooLarge = error.code === "OPERATION_TOO_LARGE" || error.code === "BUNDLE_TOO_LARGE";
    const also = error.code === "UNREACHABLE" ? ' Nothing was sent. Ask "troth status".' : "";
    return { line: error.message + also, code: tooLarge ? exitCode.usage : exitCode.unavailable };
  }
  const system = systemCode(error);
  if (system !== null) {
    const remedy = remedies[system] ?? "the operating system refused";
    return { line: `${(error as Error).message}: ${remedy}`, code: exitCode.usage };
  }
  const kind = error instanceof InvariantError ? "a broken invariant" : "an unexpected error";
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { line: `${kind}, please report it: ${text}`, code: exitCode.defect };
}

/** `EADDRINUSE` and the like, or null if the error is not from the operating system. */
function systemCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return typeof code === "string" && typeof syscall === "string" ? code : null;
}
