// The demo, step by step: what happens to the cluster while clients keep working, told as it
// happens.

import { fileURLToPath } from "node:url";
import { protocolNamed } from "../../protocols/index.js";
import { exitCode } from "../exit-code.js";
import { type Look, look } from "../replica-table.js";
import { TemporaryCluster } from "../temporary-cluster.js";
import { duration, quantity } from "../text.js";
import { judgeKeyValue } from "../simulate/judge.js";
import { Workload } from "./workload.js";

/** Where the story is told. */
type Tell = (line: string) => void;

const clients = 8;
const calmMs = 4000;
const lyingMs = 8000;
/** Longer than this the demo does not wait for anything. */
const patienceMs = 15_000;
const pollMs = 50;
const liarScript = fileURLToPath(new URL("lying-replica.js", import.meta.url));

/** Plays the demo, prints it as it goes, and gives the exit code. */
export async function demo(protocol: string): Promise<number> {
  const startedAtMs = performance.now();
  const tell = (line: string) => {
    const second = ((performance.now() - startedAtMs) / 1000).toFixed(1).padStart(5);
    console.log(`${second} s  ${line}`);
  };
  try {
    const kept = await playDemo(protocol, tell);
    const took = duration(performance.now() - startedAtMs);
    console.log(kept ? `\nTroth kept its word. (${took})` : `\nTroth broke its word. (${took})`);
    return kept ? exitCode.ok : exitCode.failed;
  } catch (error) {
    if (!(error instanceof DemoFailure)) throw error;
    console.error(`troth: the demo failed: ${error.message}`);
    return exitCode.failed;
  }
}

/** Plays the whole demo. True when every answer was right and nothing acknowledged was lost. */
async function playDemo(protocol: string, tell: Tell): Promise<boolean> {
  const cluster = await TemporaryCluster.start({
    protocol,
    service: "kv",
    clients,
    freshness: "storage",
    memory: false,
  });
  try {
    const { n, f, faultModel } = cluster.configuration;
    tell(
      `${n} replica processes run a key-value service by ${protocol} (${faultModel} faults, ` +
        `f = ${f}), with journals on disk.`,
    );
    const workload = await Workload.start(cluster.folder, clients);
    try {
      const story = new Story(cluster, workload, tell);
      await story.calm();
      const killed = await story.killLeader();
      await story.restart(killed);
      await story.replaceByLiar(killed);
      return await story.reckoning();
    } finally {
      workload.close();
    }
  } finally {
    await cluster.stop();
  }
}

class Story {
  readonly #cluster: TemporaryCluster;
  readonly #workload: Workload;
  readonly #tell: Tell;
  /** Where there is none, all replicas lead. */
  readonly #hasLeader: boolean;

  constructor(cluster: TemporaryCluster, workload: Workload, tell: Tell) {
    this.#hasLeader = protocolNamed(cluster.configuration.protocol).order === "total";
    this.#cluster = cluster;
    this.#workload = workload;
    this.#tell = tell;
  }

  /** Nothing goes wrong for a while. */
  async calm(): Promise<void> {
    const before = this.#workload.answered;
    await pause(calmMs);
    const rate = ((this.#workload.answered - before) / calmMs) * 1000;
    this.#tell(`${clients} clients put, get, add and compare-and-swap all the time:`);
    this.#tell(
      `  ${quantity(Math.round(rate))} operations/s, every answer given by two replicas alike.`,
    );
  }

  /**
   * `kill -9` of the leader; waits until service is back, and until a checkpoint without it is
   * stable.
   */
  async killLeader(): Promise<number> {
    const { reports } = await this.#look();
    const leader = reports.findIndex((report) => report?.role === "leader");
    if (leader < 0) throw new Error("no replica says that it leads");
    const executed = reports[leader]?.executed ?? 0;
    const { pid } = this.#cluster.process(leader);
    await this.#cluster.process(leader).kill();
    const killedAtMs = performance.now();
    this.#workload.watch();
    const what = this.#hasLeader ? "the leader" : "which ordered for its clients as all do";
    this.#tell(`Replica ${leader}, ${what}, was killed with kill -9 (process ${pid}).`);
    await this.#until(() => this.#workload.backAtMs !== null, "service to come back");
    const backMs = (this.#workload.backAtMs ?? killedAtMs) - killedAtMs;
    const view = (await this.#look()).reports.map((report) => report?.view ?? 0);
    const change = `The others changed to view ${Math.max(...view)}, and service`;
    const back = `was back ${duration(backMs)} after the kill.`;
    this.#tell(`  ${this.#hasLeader ? change : "Service"} ${back}`);
    const movedOn = ({ reports: others }: Look) =>
      others.some((report) => report !== null && report.stable > executed);
    await this.#until(async () => movedOn(await this.#look()), "a checkpoint without it");
    this.#tell("  They have passed a checkpoint since, and forgot the messages before it.");
    return leader;
  }

  /** The dead replica comes back and needs the others' state. */
  async restart(replica: number): Promise<void> {
    const { reports } = await this.#look();
    const goal = Math.max(...reports.map((report) => report?.executed ?? 0));
    const startedAtMs = performance.now();
    await this.#cluster.launch(replica);
    let first = 0;
    const caughtUp = async (): Promise<boolean> => {
      const report = (await this.#look()).reports[replica];
      first ||= report?.executed ?? 0;
      return (report?.executed ?? 0) >= goal;
    };
    await this.#until(caughtUp, `replica ${replica} to catch up`);
    const tookMs = performance.now() - startedAtMs;
    this.#tell(`Replica ${replica} was started again with its journal.`);
    this.#tell(
      `  It fetched the state it had missed from the others, page by page, checked against their ` +
        `checkpoint certificate, and passed order ${goal} after ${duration(tookMs)}.`,
    );
  }

  /** The same keys, and a program that lies. */
  async replaceByLiar(replica: number): Promise<void> {
    await this.#cluster.process(replica).stop();
    await this.#cluster.launch(replica, liarScript);
    this.#tell(`Replica ${replica} was replaced by a liar that holds the same keys.`);
    this.#tell(
      "  It forges every result, and withholds, alters and replays what it tells the others.",
    );
    const before = this.#workload.answered;
    const lies = this.#workload.blamed(replica);
    const dropped = await this.#droppedByOthers(replica);
    await pause(lyingMs);
    const rate = ((this.#workload.answered - before) / lyingMs) * 1000;
    const caught = this.#workload.blamed(replica) - lies;
    const refused = (await this.#droppedByOthers(replica)) - dropped;
    this.#tell(
      `  Service went on at ${quantity(Math.round(rate))} operations/s. Clients outvoted ` +
        `${quantity(caught)} forged answers, and replicas refused ${quantity(refused)} messages.`,
    );
  }

  /** Messages that all but one replica dropped so far. */
  async #droppedByOthers(replica: number): Promise<number> {
    const { reports } = await this.#look();
    const counts = reports
      .filter((_, id) => id !== replica)
      .flatMap((report) => Object.values(report?.dropped ?? {}));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Ends the load, reads everything back, and checks the history. */
  async reckoning(): Promise<boolean> {
    await this.#workload.stop();
    const lost = await this.#workload.readBack();
    const { acknowledged } = this.#workload;
    this.#tell(
      lost.length === 0
        ? `All ${acknowledged} acknowledged writes were read back.`
        : `Of ${acknowledged} acknowledged writes ${lost.length} are lost, ${lost[0]} among them.`,
    );
    const { history } = this.#workload;
    const judged = judgeKeyValue(history);
    this.#tell(
      judged.verdict === "ok"
        ? `All ${history.length} calls on shared keys are linearizable: one order explains them.`
        : `The history of ${history.length} calls on shared keys is ${judged.verdict}: ` +
            judged.explanation,
    );
    if (this.#workload.unknown > 0) {
      this.#tell(
        `(${this.#workload.unknown} operations ended without an answer, and count as either.)`,
      );
    }
    return lost.length === 0 && judged.verdict !== "wrong";
  }

  #look(): Promise<Look> {
    return look(this.#cluster.configuration);
  }

  async #until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const giveUpAtMs = performance.now() + patienceMs;
    while (!(await holds())) {
      if (performance.now() > giveUpAtMs) {
        throw new DemoFailure(`waited ${duration(patienceMs)} in vain for ${what}`);
      }
      await pause(pollMs);
    }
  }
}

/** The story did not go as it should. */
class DemoFailure extends Error {
  override readonly name = "DemoFailure";
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
