// `troth protocols`: the catalogue.

import type { Command } from "commander";
import type { Protocol } from "../../core/index.js";
import { catalogue } from "../../protocols/index.js";
import { example } from "../arguments.js";
import { freshnessesOf } from "../plan.js";
import { type Column, table } from "../text.js";

const columns: readonly Column[] = [
  { title: "name", align: "left" },
  { title: "fault model", align: "left" },
  { title: "replicas", align: "left" },
  { title: "quorums", align: "left" },
  { title: "delays", align: "right" },
  { title: "order", align: "left" },
  { title: "client authentication", align: "left" },
  { title: "replica authentication", align: "left" },
  { title: "freshness", align: "left" },
  { title: "paper", align: "left" },
];

export function addProtocols(program: Command): void {
  const command = program
    .command("protocols")
    .description(
      "list the protocols: fault model, replicas for f faults, quorums, message delays, source",
    )
    .option("--json", "one JSON array", false)
    .action((options: { json: boolean }) => {
      console.log(options.json ? JSON.stringify(catalogue.map(entry)) : asTable());
    });
  example(command, "troth protocols");
}

const entry = (protocol: Protocol) => ({
  name: protocol.name,
  faultModel: protocol.faultModel,
  replicas: protocol.replicasText,
  quorums: protocol.quorums,
  delays: protocol.delays,
  order: protocol.order,
  clientAuthentications: protocol.clientAuthentications,
  replicaAuthentications: protocol.replicaAuthentications,
  freshnesses: freshnessesOf(protocol),
  paper: protocol.paper,
});

function asTable(): string {
  const rows = catalogue
    .map(entry)
    .map((protocol) => [
      protocol.name,
      protocol.faultModel,
      protocol.replicas,
      protocol.quorums,
      String(protocol.delays),
      protocol.order,
      protocol.clientAuthentications.join(", "),
      protocol.replicaAuthentications.join(", ") || "trusted counter",
      protocol.freshnesses.join(", "),
      protocol.paper,
    ]);
  return table(columns, rows);
}
