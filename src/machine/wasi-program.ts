// A WASI command on one CPU: its group of one instance, its sessions and its thread, from start to end.
//
// Knows no file, process or worker: whoever runs it gives the sessions, says when to freeze (through the control
// memory's flag) and keeps what `capture` returns.

import type { PlainData, SavedGroup } from "../abi/index.ts";
import {
  type Arenas,
  captureGroup,
  type Ending,
  type Entry,
  Group,
  type GroupOptions,
  ownedMemories,
  type Rewritten,
  restoreGroup,
  restoreUnfilled,
  type Thread,
} from "../engine/index.ts";
import type { ProgramSessions } from "../session/index.ts";
import { createWasi, type Wasi } from "../wasi/index.ts";
import type { MemorySize } from "./arenas.ts";
import { MachineFault } from "./faults.ts";

/** Everything of a stopped program but the modules. */
export interface ProgramState {
  readonly group: SavedGroup;
  readonly wasi: PlainData;
}

/** The one instance of the group, and the export that runs it. */
const INSTANCE = "program";
const START = "_start";
/** What the thread of the module's start function is called: it runs first, `_start` begins when it has returned. */
const MODULE_START = "(start)";

export class WasiProgram {
  readonly group: Group;
  readonly program: Rewritten;
  readonly #wasi: Wasi;
  #thread: Thread;

  private constructor(program: Rewritten, group: Group, wasi: Wasi, thread: Thread) {
    this.program = program;
    this.group = group;
    this.#wasi = wasi;
    this.#thread = thread;
  }

  /** A program that is about to begin. */
  static begin(program: Rewritten, sessions: ProgramSessions, options: GroupOptions = {}): WasiProgram {
    const { group, wasi } = prepare(program, sessions, options);
    const command = commandOf(program);
    const { start } = program.info;
    const first = start === undefined ? command : { instance: 0, function: start, name: MODULE_START };
    return new WasiProgram(program, group, wasi, group.spawn(first, []));
  }

  /** A program that goes on where `state` was captured; `sessions` must have been made from its session states. */
  static restore(
    program: Rewritten,
    sessions: ProgramSessions,
    state: ProgramState,
    options: GroupOptions = {},
  ): WasiProgram {
    const { group, wasi } = prepare(program, sessions, options);
    restoreGroup(group, state.group);
    wasi.restore(state.wasi);
    return new WasiProgram(program, group, wasi, firstThread(group));
  }

  /**
   * As `restore`, in two steps: memory contents are empty in `state` and are to be put into `memories`, sessions come by
   * `open`. So sessions that have effects, as files that are taken back, are opened when the contents are known to be sound.
   */
  static restoreUnfilled(program: Rewritten, state: SavedGroup, options: GroupOptions = {}): WasiProgram {
    const { group, wasi } = prepare(program, undefined, options);
    restoreUnfilled(group, state);
    return new WasiProgram(program, group, wasi, firstThread(group));
  }

  /** The second step of `restoreUnfilled`, before the program runs. */
  open(sessions: ProgramSessions, state: PlainData): void {
    this.#wasi.open(sessions);
    this.#wasi.restore(state);
  }

  /** Lets the program run until it is frozen or ends; undefined when it is frozen. */
  run(): Ending | undefined {
    this.group.run(this.#thread);
    const { entry, ending } = this.#thread;
    if (entry.name !== MODULE_START || ending?.kind !== "returned") return ending;
    this.#thread = this.group.spawn(commandOf(this.program), []);
    return this.run();
  }

  /** The frozen thread. */
  get thread(): Thread {
    return this.#thread;
  }

  /** Asks of the rewritten program whatever a restore of the frozen thread would. */
  prepareRestore(): void {
    this.group.prepare(this.#thread);
    for (const frame of this.group.save(this.#thread).frames) this.program.at(frame.function, frame.position);
  }

  /** The memories that a capture has the contents of. */
  memories(): { readonly instance: number; readonly index: number; readonly memory: WebAssembly.Memory }[] {
    return ownedMemories(this.group);
  }

  /** Their sizes. */
  sizes(): MemorySize[] {
    return this.memories().map(({ memory, ...which }) => ({ ...which, sizeBytes: memory.buffer.byteLength }));
  }

  /** The whole state of the frozen program. Memory contents are copies, into `arenas` where they are given. */
  capture(arenas?: Arenas): ProgramState {
    return { group: captureGroup(this.group, arenas), wasi: this.#wasi.capture() };
  }
}

/** The export that runs the program. */
function commandOf(program: Rewritten): Entry {
  const found = program.info.exports.find(({ kind, name }) => kind === "func" && name === START);
  if (found) return { instance: 0, function: found.index, name: START };
  throw new MachineFault("no-start", `the module exports no function ${START}: it is not a WASI command`);
}

function firstThread(group: Group): Thread {
  const [thread] = group.threads;
  if (thread) return thread;
  throw new MachineFault("no-thread", "the saved state has no thread that could go on");
}

function prepare(
  program: Rewritten,
  sessions: ProgramSessions | undefined,
  options: GroupOptions,
): { group: Group; wasi: Wasi } {
  const group = new Group(options);
  const wasi = createWasi(sessions);
  group.add(INSTANCE, program, wasi.imports);
  return { group, wasi };
}
