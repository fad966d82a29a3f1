// Locks of a directory store: many writers, or one gc. docs/FORMAT.md, "Locks and gc".
//
//   writer   create own file -> is there a gc? -> no: go        yes: take own file away, wait, again
//   gc       create own file -> another gc?    -> yes: take own file away, wait, again      writers? -> wait for them
//
// I1  Everybody looks after creating, so of two that come at once at least one sees the other.
// I2  The name of a lock file is never used again, so deleting a stale one cannot hit a fresh one.
// I3  Who was taken for dead finds its file gone, and stops before it publishes or deletes (requireHeld).
// Rejected: one lock file with exclusive creation (two processes that both clean up a stale one both win); flock (not in Node).

import { canonicalJson } from "../checkpoint/index.ts";
import { errnoOf, StoreFault } from "./faults.ts";
import { type FileOperations, readFile, writeFile } from "./files.ts";

export type LockKind = "writer" | "gc";

/** Who we are, and whether somebody of the same host is alive. */
export interface Owner {
  /** Where a process number has a meaning: machine, boot and process namespace. */
  readonly host: string;
  readonly pid: number;
  /** Tells this process from a later one of the same number. */
  readonly started: string;
  /** Whether the process exists, for process numbers of the same host. */
  alive(pid: number, started: string): Promise<boolean>;
}

export interface LockOptions {
  readonly owner: Owner;
  /** UTC milliseconds, compared with times of modification. */
  readonly now: () => number;
  /** How long a gc waits for writers, and keeps new ones from beginning. A writer waits WRITER_PATIENCE times as long. */
  readonly waitMs: number;
  /** Never gives the same text twice. */
  readonly token: () => string;
}

const TOUCH_MS = 60_000;
const STALE_MS = 600_000;
const RETRY_MS = 20;
const WRITER_PATIENCE = 6;

/** A lock file as read; `record` undefined: unreadable. */
interface Found {
  readonly file: string;
  readonly kind: string;
  readonly record: { readonly host: string; readonly pid: number; readonly started: string } | undefined;
}

export class Lock {
  readonly token: string;
  readonly #locks: Locks;
  readonly #file: string;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(locks: Locks, kind: LockKind, token: string) {
    this.token = token;
    this.#locks = locks;
    this.#file = `${kind}.${token}`;
    this.#timer = setInterval(() => void locks.touch(this.#file), TOUCH_MS);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** Throws "lock-lost" when somebody took us for dead. */
  async requireHeld(): Promise<void> {
    if (await this.#locks.exists(this.#file)) return;
    const message = `store: lock ${this.#file} has gone, expected it until its holder ends; nothing was published, try again`;
    throw new StoreFault("lock-lost", message, { file: this.#file });
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#locks.remove(this.#file);
  }
}

/** The lock files of one store. */
export class Locks {
  readonly #files: FileOperations;
  readonly #base: string;
  readonly #options: LockOptions;

  constructor(files: FileOperations, base: string, options: LockOptions) {
    this.#files = files;
    this.#base = base;
    this.#options = options;
  }

  /** Takes a lock; "locked" when the others have not ended after the time of waiting. */
  async acquire(kind: LockKind): Promise<Lock> {
    const patience = kind === "writer" ? WRITER_PATIENCE : 1;
    const deadline = performance.now() + patience * this.#options.waitMs; // wall clocks jump
    for (;;) {
      const lock = await this.#create(kind);
      let blocker = await this.#other(lock.token, "gc");
      while (!blocker && kind === "gc") {
        blocker = await this.#other(lock.token, "writer");
        if (!blocker) return lock;
        if (performance.now() >= deadline) break;
        await this.#pause(); // our file stays: no new writer begins
        blocker = await this.#other(lock.token, "gc");
      }
      if (!blocker) return lock;
      await lock.release();
      if (performance.now() >= deadline) throw locked(blocker);
      await this.#pause();
    }
  }

  /** Tokens of all locks whose holders live; stale files are removed. */
  async liveTokens(): Promise<Set<string>> {
    const live = await this.#live();
    return new Set(live.map(({ file }) => file.slice(file.indexOf(".") + 1)));
  }

  async exists(file: string): Promise<boolean> {
    return (await this.#files.list(`${this.#base}/locks`)).includes(file);
  }

  async remove(file: string): Promise<void> {
    await this.#files.remove(`${this.#base}/locks/${file}`).catch(ignoreMissing);
  }

  /** Shows that the holder lives; a failure will show itself at requireHeld. */
  async touch(file: string): Promise<void> {
    await this.#files.touch(`${this.#base}/locks/${file}`).catch(() => undefined);
  }

  async #create(kind: LockKind): Promise<Lock> {
    const { owner, now } = this.#options;
    const { host, pid } = owner;
    const started = owner.started;
    const record = { $rtcr: "lock", format: 1, host, kind, pid, since: new Date(now()).toISOString(), started };
    const bytes = new TextEncoder().encode(`${canonicalJson(record, 1)}\n`);
    for (let attempt = 1; ; attempt++) {
      const token = this.#options.token();
      try {
        await writeFile(
          this.#files,
          `${this.#base}/tmp/${token}.lock`,
          `${this.#base}/locks/${kind}.${token}`,
          bytes,
          false,
        );
        return new Lock(this, kind, token);
      } catch (thrown) {
        if (errnoOf(thrown) !== "ENOENT" || attempt === 3) throw thrown; // a gc has swept tmp/ at this very moment
      }
    }
  }

  async #other(token: string, kind: LockKind): Promise<Found | undefined> {
    return (await this.#live()).find((found) => found.kind === kind && !found.file.endsWith(`.${token}`));
  }

  async #live(): Promise<Found[]> {
    const live: Found[] = [];
    for (const file of await this.#files.list(`${this.#base}/locks`)) {
      const found = { file, kind: file.slice(0, file.indexOf(".")), record: await this.#record(file) };
      if (await this.#stale(found)) await this.remove(file);
      else live.push(found);
    }
    return live;
  }

  async #stale({ file, record }: Found): Promise<boolean> {
    const { owner, now } = this.#options;
    if (record?.host === owner.host) return !(await owner.alive(record.pid, record.started));
    try {
      return now() - (await this.#files.modifiedMs(`${this.#base}/locks/${file}`)) > STALE_MS;
    } catch (thrown) {
      ignoreMissing(thrown);
      return true;
    }
  }

  async #record(file: string): Promise<Found["record"]> {
    try {
      const text = new TextDecoder().decode(await readFile(this.#files, `${this.#base}/locks/${file}`));
      const { host, pid, started } = JSON.parse(text) as Record<string, unknown>;
      if (typeof host === "string" && Number.isSafeInteger(pid) && typeof started === "string") {
        return { host, pid: pid as number, started };
      }
    } catch (thrown) {
      if (!(thrown instanceof SyntaxError)) ignoreMissing(thrown);
    }
    return undefined;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, RETRY_MS * (0.5 + Math.random())));
  }
}

function locked({ file, kind, record }: Found): StoreFault {
  const holder = record ? `process ${record.pid}` : "somebody";
  const message = `store: ${holder} holds it (${kind}, locks/${file}), expected it to end in time; try again later`;
  return new StoreFault("locked", message, { file, kind, pid: record?.pid });
}

function ignoreMissing(thrown: unknown): void {
  if (errnoOf(thrown) !== "ENOENT") throw thrown;
}
