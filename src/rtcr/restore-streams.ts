// Files and terminals of a recorded child: their services go on from the states that they gave.
import type { ChildInfo, FileSystemInfo, TerminalInfo } from "../checkpoint/index.ts";
import { Fault } from "../util/index.ts";
import { environmentPd } from "./components.ts";
import type { RtcrFault } from "./faults.ts";
import { RtcrFileSystem } from "./file-system.ts";
import { RtcrTerminal } from "./terminal.ts";
import type { TrackedChild } from "./tracked-child.ts";

interface Stream {
  readonly service: string;
  readonly info: FileSystemInfo | TerminalInfo;
  /** Absent: the child has no such session yet. */
  readonly restore: (() => void) | undefined;
}

export interface StreamsParts {
  readonly tracked: TrackedChild;
  readonly refused: (what: string, why: string) => RtcrFault;
}

/** Reopens what each session had, once. */
export class Streams {
  readonly #child: ChildInfo;
  readonly #parts: StreamsParts;
  readonly #done = new Set<number>();

  constructor(child: ChildInfo, parts: StreamsParts) {
    this.#child = child;
    this.#parts = parts;
  }

  /**
   * Sessions that are there before anything is made: those that a WASI program has had opened when it was loaded, which are
   * all it ever has of others than the children.
   *
   * @param adopted as of `rest`
   * @throws RtcrFault "refused" naming what is not there
   */
  first(adopted: ReadonlySet<number>): void {
    const { tracked, refused } = this.#parts;
    const complete = environmentPd(tracked).native.program()?.wasi ?? false;
    for (const stream of this.#streams()) {
      if (adopted.has(stream.info.id)) continue;
      if (stream.restore) this.#reopen(stream);
      else if (complete) throw refused(nameOf(stream), "its program was given none when it was loaded here");
    }
  }

  /**
   * The others, when all sessions have been opened.
   *
   * @param adopted those that a restored child serves, which has their states with its own
   * @throws RtcrFault "refused"
   */
  rest(adopted: ReadonlySet<number>): void {
    for (const stream of this.#streams()) {
      if (this.#done.has(stream.info.id) || adopted.has(stream.info.id)) continue;
      if (!stream.restore) throw this.#parts.refused(nameOf(stream), "it is one of another service here");
      this.#reopen(stream);
    }
  }

  *#streams(): Iterable<Stream> {
    const { tracked } = this.#parts;
    const { fileSystems = [], terminals = [] } = this.#child;
    const files = tracked.of(RtcrFileSystem);
    for (const info of fileSystems) {
      const session = files.find(({ base }) => base.id === info.id);
      yield { service: "File_system", info, restore: session && (() => session.restore(info)) };
    }
    const all = tracked.of(RtcrTerminal);
    for (const info of terminals) {
      const session = all.find(({ base }) => base.id === info.id);
      yield { service: "Terminal", info, restore: session && (() => session.restore(info)) };
    }
  }

  #reopen(stream: Stream): void {
    this.#done.add(stream.info.id);
    try {
      stream.restore?.();
    } catch (thrown) {
      if (!(thrown instanceof Fault || thrown instanceof TypeError)) throw thrown; // a state that is none of its service's
      throw this.#parts.refused(nameOf(stream), thrown.message);
    }
  }
}

function nameOf({ service, info: { id, creationArgs } }: Stream): string {
  return `${service} session ${id} (${creationArgs})`;
}
