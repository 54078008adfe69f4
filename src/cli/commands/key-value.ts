// `troth put|get|delete|cas|incr|append|list`: the key-value service from the command line.

import type { Command } from "commander";
import { keyValue } from "../../services/index.js";
import { example, folderOption, wholeNumber } from "../arguments.js";
import { call, type CallOptions, list } from "../key-value/call.js";
import { readAmount, readKey, readPrefix, readValue } from "../key-value/input.js";

const stdinNote = 'a value, or "-" for the standard input';

export function addKeyValue(program: Command): void {
  addPut(program);
  addGet(program);
  addDelete(program);
  addCompareAndSwap(program);
  addIncrement(program);
  addAppend(program);
  addList(program);
}

function addPut(program: Command): void {
  const command = subcommand(program, "put <key> <value>", "set a key's value", [stdinNote])
    .option("--if-absent", "only if the key has no value; exit code 1 if it has one", false)
    .action(async (key: string, value: string, options: CallOptions & { ifAbsent: boolean }) => {
      const [name, content] = [readKey(key), await readValue(value)];
      const operation = options.ifAbsent
        ? keyValue.compareAndSwap(name, null, content)
        : keyValue.put(name, content);
      process.exitCode = await call(options, [operation], "write");
    });
  example(command, "troth put greeting hello", "troth put picture - < picture.png");
}

function addGet(program: Command): void {
  const command = subcommand(
    program,
    "get <key>",
    "print a key's value; exit code 1 if it has none",
  ).action(async (key: string, options: CallOptions) => {
    process.exitCode = await call(options, [keyValue.get(readKey(key))], "read");
  });
  example(command, "troth get greeting");
}

function addDelete(program: Command): void {
  const command = subcommand(
    program,
    "delete <key>",
    "remove a key; exit code 1 if it has no value",
  ).action(async (key: string, options: CallOptions) => {
    process.exitCode = await call(options, [keyValue.delete(readKey(key))], "write");
  });
  example(command, "troth delete greeting");
}

function addCompareAndSwap(program: Command): void {
  const text = "set a key's value if it equals another; exit code 1 if it does not";
  const command = subcommand(program, "cas <key> <expected> <value>", text, [stdinNote]).action(
    async (key: string, expected: string, value: string, options: CallOptions) => {
      const [name, content] = [readKey(key), await readValue(value)];
      const operation = keyValue.compareAndSwap(name, await readValue(expected), content);
      process.exitCode = await call(options, [operation], "write");
    },
  );
  example(command, "troth cas greeting hello goodbye");
}

function addIncrement(program: Command): void {
  const text = "add to a counter, by 1 unless given, and print it";
  const command = subcommand(program, "incr <key> [amount]", text).action(
    async (key: string, amount: string | undefined, options: CallOptions) => {
      const name = readKey(key);
      // One bundle: nothing comes between the addition and the read.
      const operations = [keyValue.add(name, readAmount(amount ?? "1")), keyValue.get(name)];
      process.exitCode = await call(options, operations, "read");
    },
  );
  example(command, "troth incr visits", "troth incr visits -- -5");
}

function addAppend(program: Command): void {
  const command = subcommand(program, "append <key> <value>", "append to a key's value", [
    stdinNote,
  ]).action(async (key: string, value: string, options: CallOptions) => {
    const operation = keyValue.append(readKey(key), await readValue(value));
    process.exitCode = await call(options, [operation], "write");
  });
  example(command, "troth append log 'one more line'");
}

function addList(program: Command): void {
  const text = "print the keys that begin with a prefix, and their values, in order";
  const command = subcommand(program, "list [prefix]", text)
    .option("--limit <entries>", "at most so many", wholeNumber(1, 1_000_000_000))
    .action(async (prefix: string | undefined, options: CallOptions & { limit?: number }) => {
      process.exitCode = await list(options, readPrefix(prefix ?? ""), options.limit ?? Infinity);
    });
  example(command, "troth list user/ --limit 10");
}

/** A command with the options that every call has. */
function subcommand(
  program: Command,
  usage: string,
  text: string,
  notes: readonly string[] = [],
): Command {
  return program
    .command(usage)
    .description([text, ...notes].join("; "))
    .addOption(folderOption())
    .option("--client <c>", "which client's credential to use", wholeNumber(0, 2 ** 32 - 1), 0)
    .option("--deadline <ms>", "give up after so long", wholeNumber(1, 86_400_000), 10_000)
    .option("--json", "one JSON object", false);
}
