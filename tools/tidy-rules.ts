// The rules of tidy as pure functions over the files of a repository; tidy.ts reads them and prints
// the findings.

import { ModuleGraph, type Reference } from "./module-graph.js";

/**
 * A file of the repository; `path` is relative to its root, with "/". `text` is empty for binary
 * files.
 */
export interface TreeFile {
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

type Rule = (graph: ModuleGraph) => Iterable<Finding>;

const columnsMax = 100;

/** What every rule finds, ordered by file and line. */
export function checkTree(files: readonly TreeFile[]): Finding[] {
  const graph = new ModuleGraph(files);
  const rules: Rule[] = [
    imports,
    pureReferences,
    deadFiles,
    packages,
    columns,
    firstLines,
    leftovers,
    papers,
    links,
  ];
  return rules
    .flatMap((rule) => [...rule(graph)])
    .sort((a, b) => compareText(a.path, b.path) || a.line - b.line);
}

/** Layers stay layers: the compiler resolves any path that exists, whatever the references say. */
export function* imports(graph: ModuleGraph): Generator<Finding> {
  for (const source of graph.sources) {
    for (const reference of graph.referencesOf(source)) {
      const message = faultOf(graph, source, reference);
      if (message !== null) yield { path: source.path, line: reference.line, message };
    }
  }
}

function faultOf(graph: ModuleGraph, source: TreeFile, reference: Reference): string | null {
  const { specifier, target } = reference;
  if (!specifier.startsWith(".")) return null;
  if (target === null) return `"${specifier}" leads nowhere`;
  const from = graph.projectOf(source.path);
  const to = graph.projectOf(target);
  if (from === null || to === null || from === to || !from.folder.startsWith("src/")) return null;
  if (!from.references.includes(to.folder)) {
    return `${from.folder} may not import ${to.folder}: its tsconfig.json does not reference it`;
  }
  if (target === `${to.folder}/index.ts`) return null;
  return `import ${to.folder} through its index.js, which does not mean ${specifier}`;
}

/** A layer without a host's types cannot stand on one with them. */
export function* pureReferences(graph: ModuleGraph): Generator<Finding> {
  for (const project of graph.projects) {
    if (!project.pure) continue;
    for (const reference of project.references) {
      if (graph.projects.find(({ folder }) => folder === reference)?.pure !== false) continue;
      const message = `a pure layer may not reference ${reference}, which is not`;
      yield { path: `${project.folder}/tsconfig.json`, line: 1, message };
    }
  }
}

/** What nothing reaches is deleted, not kept. */
export function* deadFiles(graph: ModuleGraph): Generator<Finding> {
  const reached = graph.reached();
  for (const { path } of graph.sources) {
    if (reached.has(path)) continue;
    yield { path, line: 1, message: "dead: reached from no command, entry, example or test" };
  }
}

/** A package that is used is declared; one that is declared is used and explained. */
export function* packages(graph: ModuleGraph): Generator<Finding> {
  const manifest = graph.json("package.json");
  const dependencies = Object.keys(manifest["dependencies"] ?? {});
  const explained = graph.text("docs/dependencies.md");
  const used = new Set<string>();
  for (const source of graph.sources) {
    for (const { specifier, line } of graph.referencesOf(source)) {
      if (/^(?:\.|node:)/.test(specifier)) continue;
      const name = packageOf(specifier);
      used.add(name);
      if (!source.path.startsWith("src/") || dependencies.includes(name)) continue;
      yield { path: source.path, line, message: `${name} is no dependency in package.json` };
    }
  }
  for (const name of dependencies) {
    if (!used.has(name)) yield { path: "package.json", line: 1, message: `nothing uses ${name}` };
    if (explained.includes(`\`${name}\``)) continue;
    yield { path: "docs/dependencies.md", line: 1, message: `says nothing about \`${name}\`` };
  }
}

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** The formatter breaks code, but neither comments nor strings. */
export function* columns(graph: ModuleGraph): Generator<Finding> {
  for (const { path, text } of graph.sources) {
    for (const [index, line] of text.split("\n").entries()) {
      if (line.length <= columnsMax) continue;
      yield { path, line: index + 1, message: `${line.length} columns; at most ${columnsMax}` };
    }
  }
}

/** Whoever opens a file learns first what it is. */
export function* firstLines(graph: ModuleGraph): Generator<Finding> {
  for (const { path, text } of graph.sources) {
    if (/^(?:#![^\n]*\n)?(?:\/\/ \S|\/\*\*? ?\S|\/\*\*\n)/.test(text)) continue;
    yield { path, line: 1, message: "the first line is a comment that says what the file is" };
  }
}

const leftoverPatterns: readonly { readonly pattern: RegExp; readonly message: string }[] = [
  { pattern: /\b(?:test|it|describe|suite)\.(?:only|todo)\b/, message: "a narrowed or empty test" },
  { pattern: /\b(?:only|todo): true\b/, message: "a narrowed or empty test" },
  {
    pattern: /\b(?:test|it|describe|suite)\.skip\b|\bskip: true\b|\bskip\(\)/,
    message: 'a test is skipped with its reason: { skip: condition && "why" }',
  },
  {
    pattern: /(?:oxlint|eslint)-disable|biome-ignore/,
    message:
      "no linter or formatter is switched off in a file; change its configuration with a reason",
  },
];

/** What was meant for a moment does not stay. */
export function* leftovers(graph: ModuleGraph): Generator<Finding> {
  for (const { path, text } of graph.sources) {
    if (path === "tools/tidy-rules.ts") continue;
    for (const [index, line] of text.split("\n").entries()) {
      for (const { pattern, message } of leftoverPatterns) {
        if (pattern.test(line)) yield { path, line: index + 1, message };
      }
    }
  }
}

/** A protocol's README maps the paper to functions, its own or of parts; the map must be true. */
export function* papers(graph: ModuleGraph): Generator<Finding> {
  for (const folder of graph.foldersIn("src/protocols")) {
    const path = `${folder}/README.md`;
    const rows = functionColumn(graph.text(path));
    if (rows.length === 0) {
      yield { path, line: 1, message: "needs a table with the columns paper section and function" };
    }
    const code = graph.sources
      .filter(({ path: at }) => at.startsWith(`${folder}/`) || at.startsWith("src/parts/"))
      .map(({ text }) => text)
      .join("\n");
    for (const { name, line } of rows) {
      const known =
        name.includes("/") || name.endsWith(".ts")
          ? graph.has(`${folder}/${name}`)
          : hasWord(code, name);
      if (!known)
        yield { path, line, message: `\`${name}\` does not exist in ${folder} or src/parts` };
    }
  }
}

/** The names in backticks, in the columns whose heading speaks of functions. */
function functionColumn(page: string): { name: string; line: number }[] {
  const names: { name: string; line: number }[] = [];
  let column = -1;
  for (const [index, line] of page.split("\n").entries()) {
    const cells = line.startsWith("|") ? line.split("|").slice(1, -1) : [];
    if (cells.length === 0) column = -1;
    else if (column === -1) column = cells.findIndex((cell) => /\bfunctions?\b/i.test(cell));
    for (const [, name] of (cells[column] ?? "").matchAll(/`([^`]+)`/g)) {
      names.push({ name: name!.replace(/\(.*$/, ""), line: index + 1 });
    }
  }
  return names;
}

/** Whether the last part of a name such as `Replica.onPrepare` is a word of the code. */
function hasWord(code: string, name: string): boolean {
  const word = name.split(/[.#]/).at(-1) ?? name;
  return new RegExp(`(?<![\\w$])${word.replaceAll("$", "\\$")}(?![\\w$])`).test(code);
}

/** A page that sends its reader nowhere is worse than none. */
export function* links(graph: ModuleGraph): Generator<Finding> {
  for (const page of graph.pages) {
    for (const [index, line] of page.text.split("\n").entries()) {
      for (const [, link] of line.matchAll(/(?:\]\(|src="|srcset="|href=")([^)\s"#]+)/g)) {
        if (/^[a-z]+:/.test(link!) || graph.leadsTo(page.path, link!)) continue;
        yield { path: page.path, line: index + 1, message: `the link ${link} leads nowhere` };
      }
    }
  }
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
