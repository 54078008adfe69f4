// What may go wrong in a run, by name; how often a seed draws it, and under which name a run counts
// it.

import { UsageError } from "../../core/index.js";

export type FaultGroup = "network" | "processes" | "disks" | "clocks" | "overload" | "adversaries";

interface FaultKind {
  readonly group: FaultGroup;
  /** The chance that a seed of middling intensity draws it. */
  readonly chance: number;
  /** Counted in `Outcome.reached` each time it happens. */
  readonly mark: string;
}

/** Every fault that a seed may draw. */
export const faultKinds = {
  loss: { group: "network", chance: 0.5, mark: "lost" },
  duplication: { group: "network", chance: 0.4, mark: "duplicated" },
  reordering: { group: "network", chance: 0.6, mark: "overtaken" },
  delays: { group: "network", chance: 0.5, mark: "late" },
  clogs: { group: "network", chance: 0.2, mark: "clogged" },
  partitions: { group: "network", chance: 0.5, mark: "partition: partitions" },
  "one-way-links": { group: "network", chance: 0.4, mark: "partition: one-way-links" },
  "broken-links": { group: "network", chance: 0.25, mark: "partition: broken-links" },
  bridges: { group: "network", chance: 0.15, mark: "partition: bridges" },
  swizzles: { group: "network", chance: 0.15, mark: "partition: swizzles" },
  pauses: { group: "processes", chance: 0.3, mark: "pause" },
  crashes: { group: "processes", chance: 0.7, mark: "crash" },
  "crash-loops": { group: "processes", chance: 0.15, mark: "crash at the start" },
  "power-cuts": { group: "processes", chance: 0.15, mark: "power cut" },
  "lost-writes": { group: "disks", chance: 0.7, mark: "crash that lost writes" },
  "torn-writes": { group: "disks", chance: 0.4, mark: "crash that tore a group" },
  "slow-disks": { group: "disks", chance: 0.15, mark: "slow sync" },
  "refused-writes": { group: "disks", chance: 0.1, mark: "write refused" },
  "damaged-records": { group: "disks", chance: 0.1, mark: "damage found" },
  "lost-disks": { group: "disks", chance: 0.12, mark: "disk lost" },
  "clock-drift": { group: "clocks", chance: 0.25, mark: "drifting clock" },
  "clock-jumps": { group: "clocks", chance: 0.15, mark: "clock jump" },
  bursts: { group: "overload", chance: 0.15, mark: "burst" },
  "slow-replicas": { group: "overload", chance: 0.15, mark: "slow turn" },
  "small-queues": { group: "overload", chance: 0.1, mark: "small queues" },
  lies: { group: "adversaries", chance: 0.6, mark: "liar" },
  intrigue: { group: "adversaries", chance: 0.5, mark: "intercepted" },
  "lying-clients": { group: "adversaries", chance: 0.5, mark: "lie of a client" },
  rollbacks: { group: "adversaries", chance: 0.3, mark: "rolled back" },
} as const satisfies Record<string, FaultKind>;

export type Fault = keyof typeof faultKinds;

/** Their names; a run can be confined to some of them. */
export const faults = Object.keys(faultKinds) as readonly Fault[];

const groups = [...new Set(faults.map((fault) => faultKinds[fault].group))];

/** The faults by group, for people. */
export function describeFaults(): string {
  const lines = groups.map((group) => `${group}: ${membersOf(group).join(", ")}`);
  return lines.join("\n");
}

const membersOf = (group: string): readonly Fault[] =>
  faults.filter((fault) => faultKinds[fault].group === group);

/**
 * The faults of a list such as `crashes,lost-writes,network`: faults and groups of them, or `none`.
 * @throws UsageError `FAULT_UNKNOWN`
 */
export function faultsNamed(text: string): readonly Fault[] {
  if (text.trim() === "none") return [];
  const wanted = new Set(text.split(",").flatMap((name) => namedBy(name.trim())));
  return faults.filter((fault) => wanted.has(fault));
}

function namedBy(name: string): readonly Fault[] {
  const members = Object.hasOwn(faultKinds, name) ? [name as Fault] : membersOf(name);
  if (members.length > 0) return members;
  throw new UsageError(
    "FAULT_UNKNOWN",
    `there is no fault "${name}". Name some of these, or a whole group, separated by commas, ` +
      `or none:\n${describeFaults()}`,
    { name },
  );
}
