// A small notation for tests of file systems: commands separated by `;`, each with what it must give behind `=`.
//
//   mkdir a; write a/f hello; read a/f = hello; unlink a = isdir; ls . = a; open a rw = isdir
//
// Without `=` a command must succeed. Paths are relative to the first root. Used by suite.ts and the journal's tests.

import assert from "node:assert/strict";
import type { Errno, FileSystemSession, NodeHandle, OpenOptions } from "../../session/index.ts";
import type { Attempt } from "../../util/index.ts";

type Command = (shell: Shell, ...args: string[]) => Attempt<unknown, Errno>;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const OK = { ok: true, value: undefined } as const;

const COMMANDS: Readonly<Record<string, Command>> = {
  mkdir: (s, path) => s.files.createDirectory(s.base, path!),
  rmdir: (s, path) => s.files.removeDirectory(s.base, path!),
  unlink: (s, path) => s.files.unlink(s.base, path!),
  rename: (s, from, to) => s.files.rename(s.base, from!, s.base, to!),
  link: (s, from, to) => s.files.link(s.base, from!, false, s.base, to!),
  linkf: (s, from, to) => s.files.link(s.base, from!, true, s.base, to!),
  symlink: (s, target, path) => s.files.symlink(target!, s.base, path!),
  readlink: (s, path) => s.files.readlink(s.base, path!),
  kind: (s, path) => s.about(path!, true, (status) => status.kind),
  lkind: (s, path) => s.about(path!, false, (status) => status.kind),
  size: (s, path) => s.about(path!, true, (status) => status.sizeBytes),
  links: (s, path) => s.about(path!, false, (status) => status.links),
  ls: (s, path) => s.withOpen(path!, "rd", (handle) => s.list(handle)),
  open: (s, path, flags) => s.withOpen(path!, flags!, () => OK),
  create: (s, path) => s.withOpen(path!, "wcx", () => OK),
  write: (s, path, text = "") => s.withOpen(path!, "wctf", (h) => s.files.write(h, bytesOf(text), 0n)),
  append: (s, path, text = "") => s.withOpen(path!, "wcf", (h) => s.files.write(h, bytesOf(text), "end")),
  patch: (s, path, at, text = "") => s.withOpen(path!, "wf", (h) => s.files.write(h, bytesOf(text), BigInt(at!))),
  resize: (s, path, size) => s.withOpen(path!, "wf", (h) => s.files.setSize(h, BigInt(size!))),
  read: (s, path) => s.withOpen(path!, "rf", (handle) => s.readAll(handle)),
  touch: (s, path, ns) => s.files.setTimesAt(s.base, path!, false, undefined, BigInt(ns!)),
  mtime: (s, path) => s.about(path!, false, (status) => status.modifiedNs),
  // Open files by name, for what happens to them after their path changes.
  hold: (s, name, path, flags) => s.hold(name!, path!, flags!),
  drop: (s, name) => s.drop(name!),
  hread: (s, name) => s.readAll(s.held.get(name!) ?? -1),
  hwrite: (s, name, text = "") => s.files.write(s.held.get(name!) ?? -1, bytesOf(text), 0n),
  happend: (s, name, text = "") => s.files.write(s.held.get(name!) ?? -1, bytesOf(text), "end"),
  hlinks: (s, name) => s.aboutHeld(name!, (status) => status.links),
  hls: (s, name) => s.list(s.held.get(name!) ?? -1),
  hcreate: (s, name, path) => s.closing(s.openIn(s.held.get(name!) ?? -1, path!, "wcx"), () => OK),
};

/** Runs the notation on a session. */
export class Shell {
  readonly files: FileSystemSession;
  readonly base: NodeHandle;
  readonly held: Map<string, NodeHandle>;

  constructor(
    files: FileSystemSession,
    base: NodeHandle = files.roots[0]!.handle,
    held = new Map<string, NodeHandle>(),
  ) {
    this.files = files;
    this.base = base;
    this.held = held;
  }

  /** Runs every command of a script and asserts what each must give. */
  run(script: string): void {
    for (const line of script.split(";")) {
      const [command, expected = "ok"] = line.split(" = ").map((part) => part.trim());
      if (command !== "") assert.equal(this.give(command!), expected, line.trim());
    }
  }

  /** What one command gives: its value as text, "ok" without one, the reason of a refusal. */
  give(command: string): string {
    const [name, ...args] = command.split(" ").filter((part) => part !== "");
    const run = COMMANDS[name!];
    assert(run !== undefined, `no command ${name}`);
    const result = run(this, ...args.map((arg) => (arg === "''" ? "" : arg)));
    if (!result.ok) return result.reason;
    const { value } = result;
    return value === undefined || (typeof value === "object" && value !== null) ? "ok" : String(value);
  }

  about<T>(
    path: string,
    follow: boolean,
    pick: (status: { kind: string; sizeBytes: bigint; links: bigint; modifiedNs: bigint }) => T,
  ): Attempt<T, Errno> {
    const status = this.files.statusAt(this.base, path, follow);
    return status.ok ? { ok: true, value: pick(status.value) } : status;
  }

  aboutHeld<T>(name: string, pick: (status: { links: bigint }) => T): Attempt<T, Errno> {
    const status = this.files.status(this.held.get(name) ?? -1);
    return status.ok ? { ok: true, value: pick(status.value) } : status;
  }

  /** Flags: r w a(ppend) c(reate) x(clusive) t(runcate) d(irectory) f(ollow). */
  openIn(base: NodeHandle, path: string, flags: string): Attempt<NodeHandle, Errno> {
    const has = (flag: string): boolean => flags.includes(flag);
    const options: OpenOptions = {
      read: has("r"),
      write: has("w"),
      append: has("a"),
      create: has("c"),
      exclusive: has("x"),
      truncate: has("t"),
      directory: has("d"),
      follow: has("f"),
    };
    return this.files.open(base, path, options);
  }

  withOpen<T>(path: string, flags: string, use: (handle: NodeHandle) => Attempt<T, Errno>): Attempt<T, Errno> {
    return this.closing(this.openIn(this.base, path, flags), use);
  }

  closing<T>(handle: Attempt<NodeHandle, Errno>, use: (handle: NodeHandle) => Attempt<T, Errno>): Attempt<T, Errno> {
    if (!handle.ok) return handle;
    const used = use(handle.value);
    assert(this.files.close(handle.value).ok);
    return used;
  }

  hold(name: string, path: string, flags: string): Attempt<void, Errno> {
    const handle = this.openIn(this.base, path, flags);
    if (!handle.ok) return handle;
    this.held.set(name, handle.value);
    return { ok: true, value: undefined };
  }

  drop(name: string): Attempt<void, Errno> {
    const handle = this.held.get(name);
    this.held.delete(name);
    return this.files.close(handle ?? -1);
  }

  list(handle: NodeHandle): Attempt<string, Errno> {
    const entries = this.files.entries(handle);
    return entries.ok ? { ok: true, value: entries.value.map((entry) => entry.name).join(",") } : entries;
  }

  readAll(handle: NodeHandle): Attempt<string, Errno> {
    const chunk = new Uint8Array(1000);
    let text = "";
    for (;;) {
      const read = this.files.read(handle, chunk, BigInt(text.length));
      if (!read.ok) return read;
      if (read.value === 0) return { ok: true, value: text };
      text += String.fromCharCode(...chunk.subarray(0, read.value)).replaceAll("\0", "~");
    }
  }
}
