// Adds to package-lock.json the packages for other platforms that npm left out because it did not
// fetch them (npm/cli#4828): `npm ci` refuses a lock without them. Run after a change of
// dependencies.

import { readFileSync, writeFileSync } from "node:fs";

const systems = "aix android darwin freebsd linux openbsd openharmony sunos win32".split(" ");
const processors = "arm64 arm ia32 loong64 mips64el ppc64 riscv64 s390x x64".split(" ");

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const added = [];
for (const [parent, { optionalDependencies, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (parent === "" || place in lock.packages) continue;
    const words = name.split(/[/-]/);
    const os = systems.filter((system) => words.includes(system));
    const cpu = processors.filter((processor) => words.includes(processor));
    if (os.length !== 1 || cpu.length > 1) throw new Error(`${name}: for which platform?`);
    const libc = words.includes("musl") ? { libc: ["musl"] } : {};
    lock.packages[place] = { version, cpu, ...(dev && { dev }), ...libc, optional: true, os };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: added ${added.length} packages for other platforms`);
