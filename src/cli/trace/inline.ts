// One script from the modules of the trace page: a page that is a single file cannot import.

import { readFileSync } from "node:fs";

const imported = /^import\b[^;]*?\bfrom "(\.[^"]+)";$/gm;
const exportedAgain = /^export \{[^;]*;$/gm;

/**
 * A module and all it imports, one after the other, in one scope: top-level names of the modules
 * must differ, or the script is no valid one.
 */
export function inlined(entry: URL): string {
  const seen = new Set<string>();
  const parts: string[] = [];
  const take = (module: URL): void => {
    if (seen.has(module.href)) return;
    seen.add(module.href);
    const text = readFileSync(module, "utf8");
    for (const [, path] of text.matchAll(imported)) take(new URL(path!, module));
    parts.push(
      text
        .replaceAll(imported, "")
        .replaceAll(exportedAgain, "")
        .replaceAll(/^export (?=class|const|function)/gm, "")
        .replaceAll(/^\/\/# sourceMappingURL=.*$/gm, "")
        .replaceAll("</script", "<\\/script"),
    );
  };
  take(entry);
  return parts.join("\n");
}
