// The service that a cluster replicates: one of the catalogue, or a module of one's own.

import { isAbsolute, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Service, UsageError } from "../core/index.js";
import { createService } from "../services/index.js";
import { sha256 } from "./sha256.js";

/** A path, not a name of the catalogue. */
const isModule = (service: string): boolean => /\/|\.[cm]?js$/.test(service);

/**
 * How cluster.json calls a service that a person named: a module's path is seen from the cluster's
 * folder, unless it is absolute.
 */
export function recordedService(service: string, folder: string): string {
  return isModule(service) && !isAbsolute(service) ? relative(folder, service) : service;
}

/**
 * A new service, by what cluster.json in a folder calls it. A module's default export makes it:
 * `(hash: Hash) => Service`.
 * @throws UsageError `SERVICE_UNKNOWN`, or `SERVICE_UNLOADABLE` with what is wrong with the module.
 */
export async function openService(service: string, folder: string): Promise<Service> {
  if (!isModule(service)) return createService(service, sha256);
  const path = resolve(folder, service);
  try {
    const module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
    if (typeof module.default !== "function") throw new Error("it has no function as its default");
    const made: unknown = module.default(sha256);
    if (isService(made)) return made;
    throw new Error("what its default function makes is no service");
  } catch (error) {
    throw new UsageError(
      "SERVICE_UNLOADABLE",
      `cannot load the service ${path}: ${(error as Error).message}. It must be a built module ` +
        "with (hash) => Service as its default export, as in examples/ledger.",
      { path },
    );
  }
}

const methods = [
  "apply",
  "footprint",
  "mark",
  "rewind",
  "settle",
  "pages",
  "readPage",
  "restore",
] as const satisfies readonly (keyof Service)[];

function isService(made: unknown): made is Service {
  const service = made as Partial<Service> | null | undefined;
  const hasOrder = service?.order === "total" || service?.order === "partial";
  return hasOrder && methods.every((method) => typeof service[method] === "function");
}
