// Checkpoints of a running program into the store, one after the other.
//
//   capture -> save -> note that it was made here -> publish (complete on disk) -> release held output -> note that
//
// I1  Held output is written out only after its checkpoint is complete.
// I2  A program that is to stop stays frozen until its checkpoint is complete; if that fails it goes on.

import { short } from "../checkpoint/index.ts";
import type { ProgramState, Supervisor } from "../machine/index-node.ts";
import { nodeSha256, type SavedImage, type Store, saveCheckpoint } from "../store/index-node.ts";
import { messageOf } from "../util/index.ts";
import { CliFailure, EXIT } from "./failure.ts";
import type { Home } from "./home.ts";
import { noteMade, noteReleased } from "./marks.ts";
import { namesOfHost, type ProgramRecord, writeRecord } from "./record.ts";

/** What a checkpoint came to. */
export interface CheckpointReport {
  readonly id: string;
  readonly name: string;
  /** How long the program stood still. */
  readonly pausedMs: number;
  /** Pages that the store did not have, and what they take in it. */
  readonly newPages: number;
  readonly storedBytes: number;
  readonly stopped: boolean;
}

/** A checkpoint is complete, and the output that it holds could not be written out. */
export class UnreleasedOutput extends CliFailure {}

export interface CheckpointerOptions {
  readonly home: Home;
  readonly store: Store;
  readonly supervisor: Supervisor;
  readonly name: string;
  readonly record: ProgramRecord;
  /** Modules that the images carry. */
  readonly modules: Readonly<Record<string, Uint8Array>>;
  readonly parent: string | undefined;
}

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #parent: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#parent = options.parent;
  }

  /** The newest checkpoint of this run, else the one that it was restored from. */
  get newest(): string | undefined {
    return this.#parent;
  }

  /**
   * Makes a checkpoint, behind those that are under way.
   *
   * @param stop end the program when the checkpoint is complete
   * @throws StoreFault, CpuFault, MachineFault, UnreleasedOutput; the program goes on then
   */
  make(stop: boolean): Promise<CheckpointReport> {
    const next = this.#last.then(() => this.#make(stop));
    this.#last = next.catch(() => {});
    return next;
  }

  /** Resolves when no checkpoint is under way. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #make(stop: boolean): Promise<CheckpointReport> {
    const { supervisor, name, record } = this.#options;
    const { state, pausedMs } = await (stop ? supervisor.captureFrozen() : supervisor.capture());
    try {
      const { root, report } = await this.#save(state);
      this.#parent = root.id;
      if (record.spec.holdOutput) await this.#release(root.id);
      if (stop) {
        await supervisor.prepared().catch(() => {}); // the checkpoint is complete without
        await supervisor.kill();
      }
      const { newPages, storedBytes } = report;
      return { id: root.id, name, pausedMs, newPages, storedBytes, stopped: stop };
    } catch (thrown) {
      if (stop) await supervisor.resume();
      throw thrown;
    } finally {
      supervisor.recycle(state);
    }
  }

  async #release(id: string): Promise<void> {
    const { supervisor, home } = this.#options;
    try {
      await supervisor.release();
    } catch (thrown) {
      if ((thrown as { code?: unknown }).code !== "no-output") throw thrown;
      const message = `checkpoint ${short(id)} was made, but its ${messageOf(thrown)}`;
      throw new UnreleasedOutput(EXIT.failed, message, undefined, thrown);
    }
    noteReleased(home, id);
  }

  #save(state: ProgramState): Promise<SavedImage> {
    const { home, store, name, record, modules } = this.#options;
    const checkpoint = {
      created: new Date().toISOString(),
      name,
      parent: this.#parent,
      program: writeRecord(record),
      group: state.group,
      sessions: { wasi: state.wasi },
      modules,
    };
    const beforePublished = namesOfHost(record) ? (id: string) => noteMade(home, id) : undefined;
    return saveCheckpoint(store, checkpoint, { sha256: nodeSha256, beforePublished });
  }
}
