// What the tests of parts share: small limits, bundles, and a service that forgets nothing.

import { digest as sha256 } from "@chainsafe/as-sha256";
import { type Bundle, encodeBundle, type Request } from "../../src/codec/index.js";
import {
  defaultLimits,
  type Hash,
  type Limits,
  type Page,
  type Service,
  toHex,
} from "../../src/core/index.js";
import { wholeState } from "../../src/services/index.js";

export const hash: Hash = sha256;

/** The default limits with some of them made small. */
export const limitsWith = (changes: Partial<Limits>): Limits => ({ ...defaultLimits, ...changes });

export const noBytes = new Uint8Array(0);

export function bundleFor(
  client: number,
  session: number,
  number: number,
  rest: Partial<Bundle> = {},
): Bundle {
  return { client, session, number, acknowledged: 0, operations: [], ...rest };
}

export const requestFor = (bundle: Bundle): Request => ({
  body: encodeBundle(bundle),
  authenticator: noBytes,
});

/** A bundle in one line, for comparing what happened. */
export const nameOf = ({ client, session, number }: Bundle): string =>
  `${client}/${session}/${number}`;

export const digestsOf = (pages: readonly Page[]): string[] =>
  pages.map((page) => toHex(page.digest));

/** Its state and results depend on every operation, its client, and the order of all of them. */
export function historyService(): Service {
  let state = hash(noBytes);
  const service = {
    apply(operation: Uint8Array, { client, session }: { client: number; session: number }) {
      state = hash(Uint8Array.of(...state, client, session, ...operation));
      return state;
    },
    save: () => state,
    load(saved: Uint8Array) {
      state = saved;
    },
  };
  return wholeState(service, hash);
}
