// Path resolution, one component at a time, over directories that are held open. Links are read and expanded here;
// no host ever follows one for us, so a link swapped by somebody else while we walk is at worst read as it is now.
//
// I1  `#stack[0]` is the directory the path is relative to, every other entry was opened as a child of the one below
//     it: so the top lies inside the base, whatever the path says.
// I2  `..` pops the stack, it is never handed to the host. Above the base it is refused ("perm", as wasmtime does).
// I3  Absolute paths and absolute link targets are refused ("perm").
// I4  At most LINKS_MAX links are expanded ("loop"); a path has at most PATH_BYTES_MAX characters ("nametoolong").
// Tested by: files/suite.ts on every kind of volume, host-files/race.test.ts.

import type { Errno } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { DirectoryNode } from "./node.ts";

/** As many links as Linux expands in one path. */
export const LINKS_MAX = 40;
/** As long as Linux allows a path, and an expanded link, to be. */
export const PATH_LENGTH_MAX = 4096;

/** A path on its way to its last component. Call `close` when done; `take` first to keep the directory reached. */
export class Walk {
  readonly #stack: DirectoryNode[];
  /** What is still to come, last component first. */
  readonly #pending: string[] = [];
  #links = 0;
  /** The last component, in `directory`; undefined: the path names `directory` itself. */
  name: string | undefined;
  /** The path ends in a slash: what it names must be a directory. */
  slash = false;

  private constructor(base: DirectoryNode) {
    this.#stack = [base];
  }

  /** Walks to the last component of `path`, which is not looked at. On a refusal nothing stays open. */
  static start(base: DirectoryNode, path: string): Attempt<Walk, Errno> {
    const walk = new Walk(base);
    const pushed = walk.#push(path);
    const reached = pushed.ok ? walk.#advance() : pushed;
    if (reached.ok) return success(walk);
    walk.close();
    return reached;
  }

  /** The directory that `name` is looked up in. It belongs to the walk. */
  get directory(): DirectoryNode {
    return this.#stack.at(-1)!;
  }

  /** Expands the link that the last component is, and walks on. "inval" when it is not a link; the walk stays usable. */
  follow(): Attempt<void, Errno> {
    if (this.name === undefined) return refusal("inval");
    const target = this.directory.readLink(this.name);
    if (!target.ok) return target;
    if (++this.#links > LINKS_MAX) return refusal("loop");
    const pushed = this.#push(target.value);
    return pushed.ok ? this.#advance() : pushed;
  }

  /** The directory reached, which then belongs to the caller; the base is opened once more. */
  take(): Attempt<DirectoryNode, Errno> {
    if (this.#stack.length === 1) return this.#stack[0]!.again();
    return success(this.#stack.pop()!);
  }

  /** Closes every directory that the walk has opened. */
  close(): void {
    while (this.#stack.length > 1) this.#stack.pop()!.close();
  }

  /** Puts the components of a path, or of a link's target, before what is still to come. */
  #push(path: string): Attempt<void, Errno> {
    if (path === "") return refusal("noent");
    if (path.includes("\0")) return refusal("inval");
    if (path.startsWith("/")) return refusal("perm");
    if (path.length > PATH_LENGTH_MAX) return refusal("nametoolong");
    const parts = path.split("/");
    const last = this.#pending.length === 0;
    if (last && path.endsWith("/")) this.slash = true;
    for (let i = parts.length - 1; i >= 0; i--) {
      const part = parts[i]!;
      // A `.` counts only at the very end: there it demands a directory.
      if (part !== "" && (part !== "." || (last && i === parts.length - 1))) this.#pending.push(part);
    }
    return success(undefined);
  }

  #advance(): Attempt<void, Errno> {
    this.name = undefined;
    while (this.#pending.length > 0) {
      const part = this.#pending.pop()!;
      if (part === ".") continue;
      if (part === "..") {
        if (this.#stack.length === 1) return refusal("perm");
        this.#stack.pop()!.close();
        continue;
      }
      if (this.#pending.length === 0) {
        this.name = part;
        return success(undefined);
      }
      const entered = this.#enter(part);
      if (!entered.ok) return entered;
    }
    return success(undefined);
  }

  /** Goes into a directory, or expands the link in its place. */
  #enter(part: string): Attempt<void, Errno> {
    const child = this.directory.child(part);
    if (child.ok) {
      this.#stack.push(child.value);
      return success(undefined);
    }
    if (child.reason !== "notdir") return child;
    const target = this.directory.readLink(part);
    if (!target.ok) return target.reason === "inval" ? refusal("notdir") : target;
    if (++this.#links > LINKS_MAX) return refusal("loop");
    return this.#push(target.value);
  }
}
