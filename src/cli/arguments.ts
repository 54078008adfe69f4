// How command-line arguments are read: small parsers with one clear message each.

import { type Command, InvalidArgumentError, Option } from "commander";
import { freshnesses, replicaAuthentications } from "../core/index.js";

/** A parser for whole numbers of a range. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** Seconds above zero; a fraction is fine. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value <= 86_400) return value;
  throw new InvalidArgumentError("Expected seconds above 0 and up to 86400.");
}

/** `A..B`, or one number. */
export function range(text: string): { readonly first: number; readonly last: number } {
  const parts = /^(\d+)(?:\.\.(\d+))?$/.exec(text);
  const first = Number(parts?.[1]);
  const last = Number(parts?.[2] ?? parts?.[1]);
  if (parts !== null && Number.isSafeInteger(last) && first <= last) return { first, last };
  throw new InvalidArgumentError("Expected a range such as 1..1000.");
}

/** Host names or addresses, separated by commas. */
export function hostList(text: string): string[] {
  const hosts = text.split(",").map((host) => host.trim());
  if (hosts.every((host) => host !== "")) return hosts;
  throw new InvalidArgumentError(
    "Expected hosts separated by commas, such as a.example,b.example.",
  );
}

/** Names separated by commas. */
export function nameList(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => name !== "")) return names;
  throw new InvalidArgumentError("Expected names separated by commas, without an empty one.");
}

/** `--dir`, which nearly every command has. */
export const protocolOption = () =>
  new Option("--protocol <name>", "one of `troth protocols`").default("hybster");

export const replicasOption = (most = 100) =>
  new Option(
    "--replicas <n>",
    "number of replicas (default: as many as it takes to withstand one fault)",
  ).argParser(wholeNumber(1, most));

export const folderOption = () =>
  new Option("--dir <folder>", "the cluster's folder").default("./data");

/** `--client-auth`, and whom each choice is for. */
export const clientAuthenticationOption = () =>
  new Option(
    "--client-auth <how>",
    "how clients prove who they are: trusted-mac (fast; checked inside the trusted module, no " +
      "replica's host can forge it), signature (Ed25519; for clients who trust no module), " +
      "mac (one MAC a replica; only for clients run by the operator)",
  ).choices(["trusted-mac", "signature", "mac"]);

/** `--replica-auth`, and what each choice costs. */
export const replicaAuthenticationOption = () =>
  new Option(
    "--replica-auth <how>",
    "how replicas prove to each other what they say, in protocols that leave a choice: mac (one " +
      "MAC a receiver, signatures only where a proof is passed on; fast), signature (Ed25519 " +
      "throughout), trusted-mac (the trusted module's)",
  ).choices(replicaAuthentications);

/** `--freshness`, and whom each choice is for. */
export const freshnessOption = () =>
  new Option(
    "--freshness <how>",
    "what a restarted trusted module goes by: storage (its journal, which is never an old " +
      "copy), fail-stop (nothing: it never votes again), leases (what other modules recorded; " +
      "an old copy does no harm, but no more than f replicas may be down at a time)",
  )
    .choices(freshnesses)
    .default("storage");

/** An example below a command's help. */
export function example(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText(
    "after",
    `\nExample:\n${lines.map((line) => `  $ ${line}`).join("\n")}`,
  );
}
