// Plants bugs: a copy of the built pure layers in which one piece of text is replaced. The product
// holds no switch for being wrong; what a rule is worth is shown by taking it out of a copy.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Protocol } from "../../src/core/index.js";

/** A bug: in a file of build/src, text that occurs once, and what stands there instead. */
export interface Bug {
  readonly name: string;
  /** Relative to build/src, for instance "protocols/hybster/claims.js". */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const build = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const layers = ["core", "codec", "parts", "protocols"];

/**
 * The protocol with the bug. Throws if the bug's text does not occur exactly once: the bug is out
 * of date.
 */
export async function planted(protocolName: string, bug: Bug): Promise<Protocol> {
  const folder = join(build, "planted", `${bug.name}-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const layer of layers) {
    cpSync(join(build, "src", layer), join(folder, layer), { recursive: true });
  }
  const path = join(folder, bug.file);
  const text = readFileSync(path, "utf8");
  const occurrences = text.split(bug.find).length - 1;
  if (occurrences !== 1) {
    throw new Error(`bug ${bug.name}: its text occurs ${occurrences} times in ${bug.file}`);
  }
  writeFileSync(
    path,
    text.replace(bug.find, () => bug.replace),
  );
  const url = pathToFileURL(join(folder, "protocols", "catalogue.js")).href;
  const { protocolNamed } = await import(url);
  rmSync(folder, { recursive: true, force: true });
  return protocolNamed(protocolName);
}
