// Exactly-once: what every client session was last answered. Part of the replicated state
// (protocols.md §0).

import {
  type Bundle,
  byteList,
  container,
  decodeWith,
  encodeWith,
  list,
  uint32,
  uint53,
} from "../codec/index.js";
import type { ClientId, Hash, Limits, Page, SessionId } from "../core/index.js";

/** Which bundle: a client's, in one of its sessions, by its number there. */
export type BundleName = Pick<Bundle, "client" | "session" | "number">;

/** What a bundle is to the table. */
export type Standing =
  /** The next of its session: it takes effect. */
  | "next"
  /** Answered already; the reply may still be kept. */
  | "duplicate"
  /** Its predecessors have not taken effect: it has no effect now. */
  | "early"
  /** Its session was forgotten: it never has an effect. */
  | "expired";

interface Session {
  /** The last bundle that took effect. */
  last: number;
  /** Results by bundle number, oldest first; only what the client has not acknowledged. */
  readonly replies: Map<number, readonly Uint8Array[]>;
  replyBytes: number;
}

interface Client {
  /** Sessions up to this one are forgotten, except those below. */
  expired: SessionId;
  /** The one used last is last. */
  readonly sessions: Map<SessionId, Session>;
}

const replySchema = container({ number: uint53, results: list(byteList(1 << 20), 1024) });
const sessionSchema = container({
  session: uint53,
  last: uint53,
  replies: list(replySchema, 4096),
});
const clientSchema = container({
  client: uint32,
  expired: uint53,
  sessions: list(sessionSchema, 1024),
});
const pageSchema = list(clientSchema, 1 << 24);

const bytesOf = (results: readonly Uint8Array[]): number =>
  results.reduce((sum, result) => sum + result.length + 8, 8);

/** The client table. Its pages divide the clients by their number. */
export class ClientTable {
  static readonly pageCount = 64;

  private readonly clients = new Map<ClientId, Client>();
  private readonly pageList: (Page | null)[] = new Array(ClientTable.pageCount).fill(null);
  private readonly limits: Limits;
  private readonly hash: Hash;

  constructor(limits: Limits, hash: Hash) {
    this.limits = limits;
    this.hash = hash;
  }

  standing(bundle: BundleName): Standing {
    const client = this.clients.get(bundle.client);
    const session = client?.sessions.get(bundle.session);
    if (session === undefined) {
      if (client !== undefined && bundle.session <= client.expired) return "expired";
      return bundle.number === 1 ? "next" : "early";
    }
    if (bundle.number <= session.last) return "duplicate";
    return bundle.number === session.last + 1 ? "next" : "early";
  }

  /**
   * No bundle of the session up to this one will have an effect from now on: all of them, if it is
   * forgotten.
   */
  settled(bundle: Bundle): number {
    if (this.standing(bundle) === "expired") return Number.MAX_SAFE_INTEGER;
    return this.clients.get(bundle.client)?.sessions.get(bundle.session)?.last ?? 0;
  }

  /** The results of a bundle answered before; null if they are forgotten. */
  results(bundle: BundleName): readonly Uint8Array[] | null {
    const session = this.clients.get(bundle.client)?.sessions.get(bundle.session);
    return session?.replies.get(bundle.number) ?? null;
  }

  /** Records the results of a bundle whose standing is `next`. */
  record(bundle: Bundle, results: readonly Uint8Array[]): void {
    const session = this.sessionOf(bundle);
    session.last = bundle.number;
    session.replies.set(bundle.number, results);
    session.replyBytes += bytesOf(results);
    this.forgetReplies(session, bundle.acknowledged);
    this.pageList[bundle.client % ClientTable.pageCount] = null;
  }

  private sessionOf(bundle: Bundle): Session {
    let client = this.clients.get(bundle.client);
    if (client === undefined) {
      client = { expired: 0, sessions: new Map() };
      this.clients.set(bundle.client, client);
    }
    const { sessions } = client;
    const session = sessions.get(bundle.session) ?? { last: 0, replies: new Map(), replyBytes: 0 };
    if (sessions.size > 1) sessions.delete(bundle.session); // to the end: the order is that of use
    sessions.set(bundle.session, session);
    if (sessions.size > this.limits.sessionsPerClient) this.expireIdlest(client);
    return session;
  }

  private expireIdlest(client: Client): void {
    for (const session of client.sessions.keys()) {
      client.sessions.delete(session);
      client.expired = Math.max(client.expired, session);
      return;
    }
  }

  private forgetReplies(session: Session, acknowledged: number): void {
    const { sessionWindow, sessionReplyBytesMax } = this.limits;
    for (const [number, results] of session.replies) {
      const excess =
        session.replies.size > sessionWindow || session.replyBytes > sessionReplyBytesMax;
      if (number === session.last || !(number <= acknowledged || excess)) return;
      session.replies.delete(number);
      session.replyBytes -= bytesOf(results);
    }
  }

  /** The table as pages; those that did not change are the same objects as before. */
  pages(): Page[] {
    const changed = new Map<number, ClientId[]>();
    this.pageList.forEach((page, index) => {
      if (page === null) changed.set(index, []);
    });
    if (changed.size > 0) {
      for (const client of this.clients.keys()) {
        changed.get(client % ClientTable.pageCount)?.push(client);
      }
    }
    for (const [index, clients] of changed) this.pageList[index] = this.encodePage(clients);
    return [...(this.pageList as Page[])];
  }

  private encodePage(ids: ClientId[]): Page {
    const clients = ids
      .sort((a, b) => a - b)
      .map((id) => {
        const { expired, sessions } = this.clients.get(id)!;
        return {
          client: id,
          expired,
          sessions: [...sessions].map(([session, { last, replies }]) => ({
            session,
            last,
            replies: [...replies].map(([number, results]) => ({ number, results: [...results] })),
          })),
        };
      });
    return this.pageOf(encodeWith(pageSchema, clients));
  }

  private pageOf(bytes: Uint8Array): Page {
    return { digest: this.hash(bytes), bytes: () => bytes };
  }

  /** A page from bytes that may be a liar's: its digest is computed. Null if it is malformed. */
  readPage(bytes: Uint8Array): Page | null {
    return decodeWith(pageSchema, bytes) === null ? null : this.pageOf(bytes.slice());
  }

  /** Replaces the table by pages that `readPage` or `pages` gave. */
  restore(pages: readonly Page[]): void {
    this.clients.clear();
    pages.forEach((page, index) => {
      this.pageList[index] = page;
      for (const { client, expired, sessions } of decodeWith(pageSchema, page.bytes()) ?? []) {
        const restored = new Map<SessionId, Session>();
        for (const { session, last, replies } of sessions) {
          const kept = new Map(replies.map(({ number, results }) => [number, results] as const));
          const replyBytes = replies.reduce((sum, reply) => sum + bytesOf(reply.results), 0);
          restored.set(session, { last, replies: kept, replyBytes });
        }
        this.clients.set(client, { expired, sessions: restored });
      }
    });
  }
}
