// Checkpoints of a running system into the store, one after the other.
//
//   the worker captures -> save (complete on disk) -> with --stop the system ends
//
// I1  A system that is to stop stands still until its checkpoint is complete; if that fails it goes on.
// I2  The store is open while a checkpoint is saved only: other commands use it beside.
import { createHash } from "node:crypto";
import { componentsOf, received, type SystemCheckpoint, toCheckpoint, UnitNameCache } from "../../checkpoint/index.ts";
import { nodeSha256, type SavedImage, saveCheckpoint } from "../../store/index-node.ts";
import type { CheckpointReport } from "../checkpoints.ts";
import { CliFailure, EXIT } from "../failure.ts";
import type { Home } from "../home.ts";
import type { MadeCheckpoint, SentCheckpoint, ToSystem } from "./protocol.ts";

export interface SystemCheckpointerOptions {
  readonly home: Home;
  /** Of the run, and its checkpoints. */
  readonly name: string;
  /** ROM modules, for the programs that checkpoints carry. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** The checkpoint that the system was restored from. */
  readonly parent: string | undefined;
  readonly say: (message: ToSystem) => void;
  /** The worker's next answer to what `ask` asks. */
  readonly answer: (ask: () => void) => Promise<MadeCheckpoint>;
}

/** A checkpoint as its store has it. */
export interface SystemCheckpointReport extends CheckpointReport {
  readonly children: readonly string[];
}

type SavedReport = Omit<SystemCheckpointReport, "pausedMs" | "stopped">;

export class SystemCheckpointer {
  readonly #options: SystemCheckpointerOptions;
  #parent: string | undefined;
  /** Of units that increments share with those before. */
  readonly #names = new UnitNameCache();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SystemCheckpointerOptions) {
    this.#options = options;
    this.#parent = options.parent;
  }

  /** The newest checkpoint of this run, else the one that it was restored from. */
  get newest(): string | undefined {
    return this.#parent;
  }

  /** What was stood by for has gone on from this one, or will. */
  goesOnFrom(id: string): void {
    this.#parent = id;
  }

  /**
   * Makes a checkpoint, behind those that are under way.
   *
   * @param children none: all of the only supervisor that is not itself a child of another one
   * @param stop the system stands still afterwards, and is to be ended
   * @throws CliFailure as the worker says, StoreFault; the system goes on then
   */
  make(children: readonly string[], stop: boolean): Promise<SystemCheckpointReport> {
    const next = this.#last.then(() => this.#make(children, stop));
    this.#last = next.catch(() => {});
    return next;
  }

  /** Stores a checkpoint that a component has asked for, under the run's name. @returns its id */
  keep(made: SentCheckpoint): Promise<string> {
    const { name } = this.#options;
    const save = (system: SystemCheckpoint) => this.#save({ ...system, name, parent: this.#parent });
    const next = this.#last.then(async () => (await this.#using(made, save)).id);
    this.#last = next.catch(() => {});
    return next;
  }

  /** Resolves when no checkpoint is under way. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #make(children: readonly string[], stop: boolean): Promise<SystemCheckpointReport> {
    const { name, say, answer } = this.#options;
    const wanted = { name, children, parent: this.#parent, stop };
    const made = await answer(() => say({ type: "checkpoint", ...wanted }));
    try {
      const report = await this.#using(made, async (system) => {
        if (system.children.length > 0) return this.#save(system);
        throw new CliFailure(EXIT.notFound, `${name} has no children under its supervisor now, expected one at least`);
      });
      return { ...report, pausedMs: made.pausedMs, stopped: stop };
    } catch (thrown) {
      if (stop) say({ type: "resume" });
      throw thrown;
    }
  }

  /** Its storage is given back afterwards. */
  async #using<T>({ system, held }: SentCheckpoint, work: (system: SystemCheckpoint) => Promise<T>): Promise<T> {
    try {
      return await work(received(system));
    } finally {
      this.#options.say({ type: "release", held });
    }
  }

  async #save(system: SystemCheckpoint): Promise<SavedReport> {
    const { home, modules } = this.#options;
    const { root, report } = await saveSystem(home, system, modules, this.#names);
    this.#parent = root.id;
    const { newPages, storedBytes } = report;
    return { id: root.id, name: system.name, newPages, storedBytes, children: system.children.map(({ name }) => name) };
  }
}

/** Stores a checkpoint with the programs of its components, as far as they are among the modules. */
export async function saveSystem(
  home: Home,
  system: SystemCheckpoint,
  modules: ReadonlyMap<string, Uint8Array>,
  names?: UnitNameCache,
): Promise<SavedImage> {
  const store = await home.store();
  try {
    const carried = { ...system, modules: programsOf(system, modules) };
    return await saveCheckpoint(store, toCheckpoint(carried), { sha256: nodeSha256, ...(names ? { names } : {}) });
  } finally {
    await store.close();
  }
}

/** The components' programs by hash, as far as they are among the modules: others come from components that serve ROMs. */
function programsOf(
  { children }: SystemCheckpoint,
  modules: ReadonlyMap<string, Uint8Array>,
): Readonly<Record<string, Uint8Array>> {
  const compiled = children.flatMap(componentsOf).filter(({ native }) => native === undefined);
  const wanted = new Set(compiled.map(({ program }) => program));
  const found = Array.from(modules.values(), (bytes) => [hashOf(bytes), bytes] as const);
  return Object.fromEntries(found.filter(([hash]) => wanted.has(hash)));
}

/** SHA-256, hexadecimal. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
