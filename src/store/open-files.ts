// Files kept open for reading, the least recently used one closed first, and never while somebody reads from it.
import type { OpenFile } from "./files.ts";

const LIMIT = 64;

interface Held {
  readonly file: Promise<OpenFile>;
  users: number;
  /** To be closed when the last user has finished. */
  dropped: boolean;
}

export class OpenFiles {
  readonly #openFile: (name: string) => Promise<OpenFile>;
  readonly #held = new Map<string, Held>();

  constructor(openFile: (name: string) => Promise<OpenFile>) {
    this.#openFile = openFile;
  }

  /** Runs `work` on an open file. Rejects as opening or `work` does. */
  async use<T>(name: string, work: (file: OpenFile) => Promise<T>): Promise<T> {
    const held = this.#held.get(name) ?? { file: this.#openFile(name), users: 0, dropped: false };
    held.users++;
    this.#held.delete(name);
    this.#held.set(name, held); // the most recently used one is last
    const [oldest] = this.#held.keys();
    if (this.#held.size > LIMIT && oldest !== undefined) this.drop(oldest);
    try {
      return await work(await held.file);
    } catch (thrown) {
      this.drop(name);
      throw thrown;
    } finally {
      held.users--;
      if (held.dropped) await closeIdle(held);
    }
  }

  /** Forgets a file; it is closed when nobody reads from it any more. */
  drop(name: string): void {
    const held = this.#held.get(name);
    if (!held) return;
    this.#held.delete(name);
    held.dropped = true;
    void closeIdle(held);
  }

  /** Forgets all files; resolves when those nobody reads from are closed. */
  async close(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const held of all) {
      held.dropped = true;
      await closeIdle(held);
    }
  }
}

async function closeIdle(held: Held): Promise<void> {
  if (held.users > 0) return;
  held.users = Number.POSITIVE_INFINITY; // closed once only
  await held.file.then((file) => file.close()).catch(() => undefined);
}
