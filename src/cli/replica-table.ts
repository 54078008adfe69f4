// The replicas of a cluster as a table: one line each, in `troth up` and `troth status` alike.

import type { Configuration } from "../cluster/index.js";
import type { ReplicaReport } from "../runtime/index.js";
import { askReplica } from "./status-page.js";
import { bytes, type Column, quantity, table } from "./text.js";

/** What one look at a cluster found; null for a replica that does not answer. */
export interface Look {
  readonly atMs: number;
  readonly reports: readonly (ReplicaReport | null)[];
}

/** Asks every replica at once. */
export async function look(configuration: Configuration): Promise<Look> {
  const asked = configuration.replicas.map((replica) => askReplica(replica.healthPort));
  return { reports: await Promise.all(asked), atMs: performance.now() };
}

const columns: readonly Column[] = [
  { title: "replica", align: "left" },
  { title: "address", align: "left" },
  { title: "role", align: "left" },
  { title: "view", align: "right" },
  { title: "order", align: "right" },
  { title: "stable", align: "right" },
  { title: "operations/s", align: "right" },
  { title: "memory", align: "right" },
];

/** The table, with the rates since the earlier look. */
export function replicaTable(configuration: Configuration, now: Look, before: Look | null): string {
  const rows = configuration.replicas.map(({ id, host, port }) => {
    const report = now.reports[id] ?? null;
    const address = `${host}:${port}`;
    if (report === null) return [String(id), address, "no answer", "-", "-", "-", "-", "-"];
    return [
      String(id),
      address,
      report.isWaiting ? "waiting" : report.role,
      String(report.view),
      String(report.executed),
      String(report.stable),
      rateText(report, before?.reports[id] ?? null, now.atMs - (before?.atMs ?? now.atMs)),
      bytes(report.rssBytes),
    ];
  });
  return table(columns, rows);
}

/**
 * What there is to say of a cluster with leases after restarts: who does not vote yet, and whether
 * that can end. Null if all vote.
 */
export function describeWaiting(configuration: Configuration, { reports }: Look): string | null {
  const { f, freshness } = configuration;
  if (freshness !== "leases") return null;
  const named = (isSo: (report: ReplicaReport) => boolean) =>
    reports.flatMap((report, id) => (report !== null && isSo(report) ? [id] : []));
  const waiting = named(({ isWaiting }) => isWaiting);
  const mute = named(({ isWaiting, role }) => !isWaiting && role === "mute");
  if (waiting.length === 0 && mute.length === 0) return null;
  const who = (ids: readonly number[]) =>
    `${ids.length === 1 ? "Replica" : "Replicas"} ${ids.join(", ")}`;
  const isOver = 'the cluster cannot go on. Make a new one with "troth init".';
  if (reports.length - waiting.length <= f) {
    return (
      `${who(waiting)} can never vote again: that takes ${f + 1} others that were not stopped, ` +
      `and more than ${f} were down at a time. So ${isOver}`
    );
  }
  if (waiting.length > 0) {
    return `${who(waiting)} will vote again when ${f + 1} others have told what they recorded.`;
  }
  if (reports.length - mute.length > f) {
    return `${who(mute)} will vote again after some hundred orders more. Stop no other before.`;
  }
  return (
    `${who(mute)} will vote again only some hundred orders on, and the others are too few to get ` +
    `there: the second was stopped before the first was back. So ${isOver}`
  );
}

/** How many replicas answer and vote. */
export function votersOf({ reports }: Look): number {
  return reports.filter((report) => report !== null && report.role !== "mute").length;
}

/**
 * Operations a second since the earlier report; "-" where there is none, or the replica restarted.
 */
function rateText(report: ReplicaReport, before: ReplicaReport | null, elapsedMs: number): string {
  if (before === null || elapsedMs <= 0 || report.operations < before.operations) return "-";
  return quantity(Math.round(((report.operations - before.operations) / elapsedMs) * 1000));
}
