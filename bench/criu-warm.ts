// The program with threads under a supervisor that runs already, in this process: as `rtcr run SYSTEM.xml` has one in its
// worker, without the start of a process, of core and of init.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type * as CheckpointModule from "../src/checkpoint/index.ts";
import type { SystemCheckpoint } from "../src/checkpoint/index.ts";
import type * as SystemHost from "../src/cli/system/host.ts";
import type { Core as CoreClass } from "../src/core/index.ts";
import type * as SystemsModule from "../src/index-systems.ts";
import type * as RtcrModule from "../src/rtcr/index.ts";
import type { Rtcr as RtcrClass, RtcrOptions } from "../src/rtcr/index.ts";
import type { Env, ParentSession } from "../src/session/index.ts";
import type * as StoreModule from "../src/store/index-node.ts";
import { folderBytes, fromDist, grows, inFolder, type Sample } from "./criu-tools.ts";

const QUOTA = { ram: 1 << 30, caps: 100_000 };
/** Touched between two turns of the children, as the command line's supervisor does. */
const PIECE_BYTES = 1 << 20;

/** Of a restore by a supervisor that has never seen the program, which `restore` is, and by the one that ran it before. */
export interface WarmSample extends Sample {
  readonly again: number;
}

export interface WarmProgram {
  readonly wasm: string;
  /** Of the system: its supervisor is the component `rtcr`, with the program as its child. */
  readonly config: string;
  readonly guestDirectory: string;
}

/** As built: page helpers of the sources would read and strip TypeScript first. */
async function load() {
  const [systems, rtcr, store, checkpoint, host] = await Promise.all([
    fromDist<typeof SystemsModule>("index-systems.js"),
    fromDist<typeof RtcrModule>("rtcr/index.js"),
    fromDist<typeof StoreModule>("store/index-node.js"),
    fromDist<typeof CheckpointModule>("checkpoint/index.js"),
    fromDist<typeof SystemHost>("cli/system/host.js"),
  ]);
  return { systems, rtcr, store, checkpoint, host };
}

type Built = Awaited<ReturnType<typeof load>>;

export async function warmSample(program: WarmProgram, folder: string): Promise<WarmSample> {
  const built = await load();
  const { openDirectoryStore, saveCheckpoint, nodeSha256: sha256 } = built.store;
  return inFolder(folder, async (place, file) => {
    const first = await WarmSupervisor.start(built, program, join(place, "out"));
    const other = await WarmSupervisor.start(built, program, join(place, "out"));
    const path = join(place, "store");
    const store = await openDirectoryStore(path);
    try {
      const running = first.begin();
      await grows(file, 0, running.problem);
      const at = performance.now();
      const { system, frozen } = await first.stopped(running);
      await saveCheckpoint(store, built.checkpoint.toCheckpoint(system), { sha256 });
      const dump = performance.now() - at;
      const turn = Number(readFileSync(file, "utf8").trim().split("\n").at(-1));
      first.end(running);
      const restore = await restored(built, store, { file, turn }, other);
      const again = await restored(built, store, { file, turn }, first);
      return { frozen, dump, restore, again, imageBytes: folderBytes(path) };
    } finally {
      await store.close();
      first.dispose();
      other.dispose();
    }
  });
}

/**
 * @param turn of the last line before the checkpoint
 * @returns milliseconds from the request to restore the newest checkpoint to the first new line
 */
async function restored(
  { store: images, checkpoint }: Built,
  store: StoreModule.Store,
  { file, turn }: { readonly file: string; readonly turn: number },
  supervisor: WarmSupervisor,
): Promise<number> {
  const before = statSync(file).size;
  const begin = performance.now();
  const options = { sha256: images.nodeSha256, allocateContent: images.contentBytes };
  const loaded = await images.loadCheckpoint(store, "latest", options);
  const running = supervisor.begin({ restore: checkpoint.fromCheckpoint(loaded) });
  await grows(file, before, running.problem);
  const restore = performance.now() - begin;
  supervisor.end(running);
  const line = readFileSync(file, "utf8").slice(before).split("\n")[0];
  if (Number(line) < turn)
    throw new Error(`the first line is ${line}, expected ${turn} at least: it was not continued`);
  return restore;
}

interface Running {
  readonly rtcr: RtcrClass;
  /** Of its sessions at the parent. */
  readonly opened: ReadonlySet<number>;
  /** Rejects if the restore is refused. */
  readonly problem: Promise<unknown>;
}

class WarmSupervisor {
  readonly #built: Built;
  readonly #core: CoreClass;
  readonly #provider: RtcrModule.PreparedProvider;
  readonly #env: Env;

  /** Resolves when it has its environment; children it has none yet. */
  static async start(built: Built, program: WarmProgram, hostPath: string): Promise<WarmSupervisor> {
    const { promise, resolve, reject } = Promise.withResolvers<Env>();
    const supervisor = (env: Env) => {
      resolve(env);
      return { dispose: () => {} };
    };
    const { systems, store, host } = built;
    const modules = new Map([
      ...["init", "rtcr"].map((name) => [name, systems.nativeBinary(name)] as const),
      ["threads", new Uint8Array(readFileSync(program.wasm))] as const,
      ["config", new TextEncoder().encode(program.config)] as const,
    ]);
    const files = host.systemFiles([{ hostPath, guestPath: program.guestDirectory, writable: true }]);
    const core = new systems.Core({
      ...{ quota: QUOTA, modules, hash: store.nodeSha256, wasi: systems.componentWasi },
      ...(files ? { files } : {}),
      programs: new Map([...systems.NATIVE_PROGRAMS, ["rtcr", supervisor] as const]),
      output: (line) => reject(new Error(line)), // nothing says anything if all is well
      kernel: { failed: reject },
    });
    core.start({ name: "init", binary: "init" });
    return new WarmSupervisor(built, core, await promise);
  }

  private constructor(built: Built, core: CoreClass, env: Env) {
    this.#built = built;
    this.#core = core;
    this.#env = env;
    this.#provider = new built.rtcr.PreparedProvider();
  }

  /** Starts the program, or takes up a captured one. */
  begin(restore: Pick<RtcrOptions, "restore"> = {}): Running {
    const env = this.#env;
    const { Rtcr, RtcrFault } = this.#built.rtcr;
    const opened = new Set<number>();
    const session: Env["session"] = (id, ...rest) => {
      opened.add(id);
      return env.session(id, ...rest);
    };
    const { promise: problem, reject } = Promise.withResolvers<unknown>();
    const ended = (outcome: unknown) => {
      if (outcome instanceof RtcrFault) reject(outcome);
    };
    const rtcr = new Rtcr({ ...env, session }, { provider: this.#provider, restored: ended, ...restore });
    return { rtcr, opened, problem };
  }

  /** A checkpoint of the program, which stands still from then on. @returns with the milliseconds from its hold to the end of the copy */
  async stopped({ rtcr }: Running): Promise<{ readonly system: SystemCheckpoint; readonly frozen: number }> {
    const bytes = new Uint8Array(new SharedArrayBuffer(rtcr.checkpointBytes("threads")));
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      this.#built.rtcr.touched(bytes.subarray(at, at + PIECE_BYTES));
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#provider.prepare(bytes);
    const begin = performance.now();
    const { system } = rtcr.checkpoint("threads");
    const frozen = performance.now() - begin;
    this.#core.kernel.scheduler.freeze();
    return { system, frozen };
  }

  end({ rtcr, opened }: Running): void {
    rtcr.dispose();
    for (const id of opened) this.#built.systems.objectOf<ParentSession>(this.#env.parent, "parent")?.close(id);
    this.#core.kernel.scheduler.resume();
  }

  dispose(): void {
    this.#core.dispose();
  }
}
