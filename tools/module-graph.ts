// The source files of a repository, what each one refers to, and the TypeScript projects they
// belong to.

import { posix } from "node:path";
import type { TreeFile } from "./tidy-rules.js";

/** Something a file imports, re-exports or names by URL. */
export interface Reference {
  readonly specifier: string;
  /** The source file meant; null if there is none, or the specifier names a package. */
  readonly target: string | null;
  /** From 1. */
  readonly line: number;
}

/** A layer, the tests or the tools: a folder with a tsconfig.json. */
export interface Project {
  readonly folder: string;
  /** The folders of the projects it may import. */
  readonly references: readonly string[];
  /** Compiled without any host's types. */
  readonly pure: boolean;
}

// Statements begin a line, so that text about imports, as in tests of this file, is not one.
const statement = /^(?:import|export)\b(?:[^;"']*?\bfrom)?\s*"([^"]+)"/gm;
const dynamic = /\bimport\(\s*"([^"]+)"/g;
/** A module named by its URL, for a worker or a process. */
const located = /\bnew URL\(\s*"(?:\.\/)?((?![a-z]+:)[^"]+\.m?js)"/g;
/** Paths from the root, as package.json and the tools write them. */
const rooted = /(?<![\w-])((?:src|tools)\/[\w./-]+\.(?:ts|mjs|js))\b/g;

/** A repository seen through its files; nothing here touches a disk. */
export class ModuleGraph {
  /** The TypeScript and JavaScript files. */
  readonly sources: readonly TreeFile[];
  /** The Markdown files. */
  readonly pages: readonly TreeFile[];
  readonly projects: readonly Project[];
  readonly #files: ReadonlyMap<string, TreeFile>;
  readonly #folders = new Set<string>();

  constructor(files: readonly TreeFile[]) {
    this.#files = new Map(files.map((file) => [file.path, file]));
    this.sources = files.filter(({ path }) => /\.(?:ts|mjs)$/.test(path));
    this.pages = files.filter(({ path }) => path.endsWith(".md"));
    this.projects = files.filter(({ path }) => path.endsWith("/tsconfig.json")).map(project);
    for (const { path } of files) {
      for (let folder = posix.dirname(path); folder !== "."; folder = posix.dirname(folder)) {
        this.#folders.add(folder);
      }
    }
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** A file's text; empty if there is no such file. */
  text(path: string): string {
    return this.#files.get(path)?.text ?? "";
  }

  /** A JSON file's object; empty if there is no such file. */
  json(path: string): Record<string, object> {
    return JSON.parse(this.text(path) || "{}") as Record<string, object>;
  }

  /** The folders directly inside a folder. */
  foldersIn(folder: string): string[] {
    return [...this.#folders].filter((inner) => posix.dirname(inner) === folder).sort();
  }

  /** Whether a link from a page, or from the root with "/", leads to a file or a folder. */
  leadsTo(page: string, link: string): boolean {
    const path = posix.join(link.startsWith("/") ? "." : posix.dirname(page), link);
    const plain = path.replace(/\/$/, "");
    return plain === "." || this.#files.has(plain) || this.#folders.has(plain);
  }

  /** The innermost project that holds a file. */
  projectOf(path: string): Project | null {
    const holding = this.projects.filter(({ folder }) => path.startsWith(`${folder}/`));
    return holding.sort((a, b) => b.folder.length - a.folder.length)[0] ?? null;
  }

  referencesOf(source: TreeFile): Reference[] {
    const { path, text } = source;
    const imported = [...text.matchAll(statement), ...text.matchAll(dynamic)].map((match) => ({
      specifier: match[1]!,
      index: match.index,
    }));
    const urls = [...text.matchAll(located)].map((match) => ({
      specifier: match[1]!.replace(/^(?!\.)/, "./"),
      index: match.index,
    }));
    return [...imported, ...urls].map(({ specifier, index }) => ({
      specifier,
      target: specifier.startsWith(".")
        ? this.#resolve(posix.join(posix.dirname(path), specifier))
        : null,
      line: text.slice(0, index).split("\n").length,
    }));
  }

  /** Every source file that some entry reaches. */
  reached(): ReadonlySet<string> {
    const reached = new Set<string>();
    const next = this.#entries();
    for (let path = next.pop(); path !== undefined; path = next.pop()) {
      const file = this.#files.get(path);
      if (file === undefined || reached.has(path)) continue;
      reached.add(path);
      for (const { target } of this.referencesOf(file)) if (target !== null) next.push(target);
      if (path.startsWith("tools/")) next.push(...this.#rootedIn(file.text));
    }
    return reached;
  }

  /** What package.json names, the tests, the examples, and what another compiler takes in whole. */
  #entries(): string[] {
    const whole = /\.test\.ts$|\.d\.ts$|^examples\/|\/assembly\//;
    const paths = this.sources.map(({ path }) => path).filter((path) => whole.test(path));
    return [...this.#rootedIn(this.text("package.json")), ...paths];
  }

  #rootedIn(text: string): string[] {
    return [...text.matchAll(rooted)].flatMap(([, path]) => this.#resolve(path!) ?? []);
  }

  /**
   * The source of a built file, or the file itself; AssemblyScript names modules without an ending.
   */
  #resolve(path: string): string | null {
    const plain = path.replace(/^build\//, "");
    const candidates = [plain.replace(/\.js$/, ".ts"), plain, `${plain}.ts`];
    return candidates.find((candidate) => this.#files.has(candidate)) ?? null;
  }
}

function project({ path, text }: TreeFile): Project {
  const folder = posix.dirname(path);
  const settings = JSON.parse(text) as {
    references?: { path: string }[];
    compilerOptions?: { types?: string[] };
  };
  return {
    folder,
    references: (settings.references ?? []).map((to) => posix.join(folder, to.path)),
    pure: settings.compilerOptions?.types?.length === 0,
  };
}
