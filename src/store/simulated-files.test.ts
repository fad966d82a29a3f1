// File operations in memory that tell what is safe from what is only written, and can be killed or fail at any
// operation. Holds no test of its own.
//
//   file        bytes as programs see them, and as the last fsync left them
//   directory   names as programs see them, and as the last fsync of the directory left them
//
// A power failure may keep or lose each thing that was not synced, one by one: names without bytes are the worst of it.

import type { FileOperations, NewFile, OpenFile } from "./files.ts";

interface FileNode {
  seen: Uint8Array;
  safe: Uint8Array;
  modifiedMs: number;
}

interface DirectoryNode {
  seen: Map<string, Node>;
  safe: Map<string, Node>;
}

type Node = FileNode | DirectoryNode;

/** What a power failure does to what was not synced. "kept": only the process was killed. */
export type Aftermath = "kept" | "lost" | "names-only" | ((bound: number) => number);

export class SimulatedError extends Error {
  readonly code: string;

  constructor(code: string, path: string) {
    super(`${code}: simulated, ${path}`);
    this.code = code;
  }
}

export class SimulatedFiles implements FileOperations {
  readonly #root: DirectoryNode;
  nowMs = 1_000_000;

  constructor(root: DirectoryNode = directory()) {
    this.#root = root;
  }

  /** The file system as it is found after a crash; this one is left as it was. */
  after(aftermath: Aftermath): SimulatedFiles {
    return new SimulatedFiles(survive(this.#root, aftermath, new Map()) as DirectoryNode);
  }

  /** All names below a directory. */
  tree(path: string): string[] {
    const node = this.#find(path) as DirectoryNode;
    return [...node.seen].flatMap(([name, inner]) =>
      "modifiedMs" in inner ? [`${path}/${name}`] : this.tree(`${path}/${name}`),
    );
  }

  async makeDirectory(path: string): Promise<void> {
    let node = this.#root;
    for (const name of path.split("/")) {
      if (!node.seen.has(name)) node.seen.set(name, directory());
      node = node.seen.get(name) as DirectoryNode;
    }
  }

  async create(path: string): Promise<NewFile> {
    const [parent, name] = this.#parent(path);
    if (parent.seen.has(name)) throw new SimulatedError("EEXIST", path);
    const node: FileNode = { seen: new Uint8Array(0), safe: new Uint8Array(0), modifiedMs: this.nowMs };
    parent.seen.set(name, node);
    return {
      write: async (chunks) => {
        for (const chunk of chunks) {
          const grown = new Uint8Array(node.seen.length + chunk.length);
          grown.set(node.seen);
          grown.set(chunk, node.seen.length);
          node.seen = grown;
        }
      },
      sync: async () => {
        node.safe = node.seen;
      },
      close: async () => {},
    };
  }

  async open(path: string): Promise<OpenFile> {
    const node = this.#file(path);
    return {
      sizeBytes: async () => node.seen.length,
      read: async (position, length) => node.seen.slice(position, position + length),
      close: async () => {},
    };
  }

  async list(path: string): Promise<string[]> {
    return [...(this.#find(path) as DirectoryNode).seen.keys()];
  }

  async rename(from: string, to: string): Promise<void> {
    const node = this.#file(from);
    const [oldParent, oldName] = this.#parent(from);
    const [newParent, newName] = this.#parent(to);
    oldParent.seen.delete(oldName);
    newParent.seen.set(newName, node);
  }

  async remove(path: string): Promise<void> {
    this.#file(path);
    const [parent, name] = this.#parent(path);
    parent.seen.delete(name);
  }

  async syncDirectory(path: string): Promise<void> {
    const node = this.#find(path) as DirectoryNode;
    node.safe = new Map(node.seen);
  }

  async touch(path: string): Promise<void> {
    this.#file(path).modifiedMs = this.nowMs;
  }

  async modifiedMs(path: string): Promise<number> {
    return this.#file(path).modifiedMs;
  }

  #find(path: string): Node {
    let node: Node = this.#root;
    for (const name of path.split("/")) {
      const inner: Node | undefined = (node as DirectoryNode).seen.get(name);
      if (!inner) throw new SimulatedError("ENOENT", path);
      node = inner;
    }
    return node;
  }

  #file(path: string): FileNode {
    return this.#find(path) as FileNode;
  }

  #parent(path: string): [DirectoryNode, string] {
    const at = path.lastIndexOf("/");
    return [this.#find(path.slice(0, at)) as DirectoryNode, path.slice(at + 1)];
  }
}

function directory(): DirectoryNode {
  return { seen: new Map(), safe: new Map() };
}

/** A copy of what a crash leaves. A file with two names (a rename half done) stays one file. */
function survive(node: Node, aftermath: Aftermath, done: Map<Node, Node>): Node {
  const known = done.get(node);
  if (known) return known;
  if ("modifiedMs" in node) {
    const bytes = survivingBytes(node, aftermath);
    const copy: FileNode = { seen: bytes, safe: bytes, modifiedMs: node.modifiedMs };
    done.set(node, copy);
    return copy;
  }
  const names = new Map<string, Node>();
  for (const name of new Set([...node.seen.keys(), ...node.safe.keys()])) {
    const [seen, safe] = [node.seen.get(name), node.safe.get(name)];
    const keep = typeof aftermath === "function" ? aftermath(2) === 0 : aftermath !== "lost";
    const kept = keep ? seen : safe;
    if (kept) names.set(name, survive(kept, aftermath, done));
  }
  return { seen: names, safe: new Map(names) };
}

function survivingBytes({ seen, safe }: FileNode, aftermath: Aftermath): Uint8Array {
  if (aftermath === "kept" || seen === safe) return seen;
  if (typeof aftermath !== "function") return safe;
  return seen.slice(0, safe.length + aftermath(seen.length - safe.length + 1));
}

/** What happens at one operation, counted from 1 over everything that changes something. */
export interface Trouble {
  readonly at: number;
  /** "kill" ends the process there (before, or after the operation took effect, half of a write); else an errno. */
  readonly what: "kill-before" | "kill-after" | "ENOSPC" | "EIO";
  /** An errno happens once, or at every operation that takes space from there on. */
  readonly lasting?: boolean;
}

/** A process that was killed does nothing any more. */
export class Killed extends Error {}

/** Passes operations on until the trouble comes. */
export class TroubledFiles implements FileOperations {
  readonly #files: FileOperations;
  readonly #trouble: Trouble | undefined;
  count = 0;
  #killed = false;

  constructor(files: FileOperations, trouble?: Trouble) {
    this.#files = files;
    this.#trouble = trouble;
  }

  makeDirectory = (path: string): Promise<void> => this.#change(() => this.#files.makeDirectory(path));
  rename = (from: string, to: string): Promise<void> => this.#change(() => this.#files.rename(from, to));
  syncDirectory = (path: string): Promise<void> => this.#change(() => this.#files.syncDirectory(path));
  remove = (path: string): Promise<void> => this.#change(() => this.#files.remove(path), undefined, false);
  touch = (path: string): Promise<void> => this.#change(() => this.#files.touch(path), undefined, false);
  open = (path: string): Promise<OpenFile> => this.#look(() => this.#files.open(path));
  list = (path: string): Promise<string[]> => this.#look(() => this.#files.list(path));
  modifiedMs = (path: string): Promise<number> => this.#look(() => this.#files.modifiedMs(path));

  create = (path: string): Promise<NewFile> =>
    this.#change(async () => {
      const file = await this.#files.create(path);
      return {
        write: (chunks) =>
          this.#change(
            () => file.write(chunks),
            () => file.write(half(chunks)),
          ),
        sync: () => this.#change(() => file.sync()),
        close: () => file.close(),
      };
    });

  async #look<T>(work: () => Promise<T>): Promise<T> {
    if (this.#killed) throw new Killed();
    return work();
  }

  async #change<T>(work: () => Promise<T>, partly?: () => Promise<T>, takesSpace = true): Promise<T> {
    if (this.#killed) throw new Killed();
    const count = ++this.count;
    const trouble = this.#trouble;
    const now = trouble && (trouble.at === count || (trouble.lasting && count > trouble.at && takesSpace));
    if (!now) return work();
    if (!trouble.what.startsWith("kill")) {
      await partly?.();
      throw new SimulatedError(trouble.what, "disk");
    }
    this.#killed = true;
    if (trouble.what === "kill-after") await (partly ?? work)();
    throw new Killed();
  }
}

function half(chunks: readonly Uint8Array[]): Uint8Array[] {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let left = Math.floor(total / 2);
  return chunks.map((chunk) => {
    const part = chunk.subarray(0, left);
    left -= part.length;
    return part;
  });
}
