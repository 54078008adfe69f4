// Plants a mutant: a copy of the built pure layers in which one piece of text is replaced.

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { type Protocol, UsageError } from "../src/core/index.js";
import type { Mutant } from "./mutant.js";

/** The folder of the built layers, seen from build/mutants. */
const source = join(dirname(fileURLToPath(import.meta.url)), "..", "src");
const layers = ["core", "codec", "parts", "protocols"];

/** A copy of the layers that a protocol is made of, with the mistake. */
export interface Planted {
  /** Holds `protocols/index.js` and what it stands on. */
  readonly folder: string;
  readonly remove: () => void;
}

/**
 * Makes the copy, in the system's folder for temporary files.
 * @throws UsageError `MUTANT_OUT_OF_DATE` if the mutant's text does not occur exactly once, or the
 * file is no program with it.
 */
export function plant(mutant: Mutant): Planted {
  const text = mutated(mutant);
  const folder = mkdtempSync(join(tmpdir(), `troth-mutant-${mutant.name}-`));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const layer of layers) {
      const isCode = (path: string) => extname(path) === "" || extname(path) === ".js";
      cpSync(join(source, layer), join(folder, layer), { recursive: true, filter: isCode });
    }
    writeFileSync(join(folder, mutant.file), text);
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    symlinkSync(packages(), join(folder, "node_modules"), "junction");
    return { folder, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The text of the mutant's file with the mistake. @throws UsageError as `plant` does. */
export function mutated(mutant: Mutant): string {
  const { file, find, replace } = mutant;
  const text = readFileSync(join(source, file), "utf8");
  const occurrences = [...text.matchAll(pattern(find))];
  const [match] = occurrences;
  if (match === undefined || occurrences.length > 1) {
    throw outOfDate(mutant, `its text occurs ${occurrences.length} times in build/src/${file}`);
  }
  const end = match.index + match[0].length;
  const changed = text.slice(0, match.index) + replace + text.slice(end);
  const body = changed
    .replace(/^import[^;]*;$/gm, "")
    .replace(/^export (?:\*|\{)[^;]*;$/gm, "")
    .replace(/^export /gm, "");
  try {
    new Script(body); // compiled, not run
  } catch (error) {
    throw outOfDate(mutant, `build/src/${file} is no program with it: ${String(error)}`);
  }
  return changed;
}

const outOfDate = ({ name, file }: Mutant, why: string) =>
  new UsageError(
    "MUTANT_OUT_OF_DATE",
    `the mutant ${name} is out of date: ${why}. Put its definition in mutants/ right.`,
    { name, file },
  );

/** The text with any white space where it has some: how code is broken into lines is no matter. */
function pattern(text: string): RegExp {
  const words = text.trim().split(/\s+/);
  return new RegExp(
    words.map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("\\s+"),
    "g",
  );
}

/** Where Node would look for the packages that the layers use. */
function packages(): string {
  for (let folder = source; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules");
    if (existsSync(join(candidate, "@chainsafe", "ssz"))) return candidate;
    if (folder === dirname(folder)) throw new Error(`no packages are installed above ${source}`);
  }
}

/** The protocol with the mistake, in this process. */
export async function protocolWith(mutant: Mutant, protocolName: string): Promise<Protocol> {
  const { folder, remove } = plant(mutant);
  try {
    const url = pathToFileURL(join(folder, "protocols", "index.js")).href;
    const { protocolNamed } = (await import(url)) as {
      protocolNamed: (name: string) => Protocol;
    };
    return protocolNamed(protocolName);
  } finally {
    remove();
  }
}
