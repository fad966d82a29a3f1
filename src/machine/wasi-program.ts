// A WASI command on one CPU: its group of one instance, its sessions and its thread, from start to end.
//
// Knows no file, process or worker: whoever runs it gives the sessions, says when to freeze (through the control
// memory's flag) and keeps what `capture` returns.

import type { PlainData, SavedGroup } from "../abi/index.ts";
import {
  captureGroup,
  type Ending,
  Group,
  type GroupOptions,
  type Rewritten,
  restoreGroup,
  type Thread,
} from "../engine/index.ts";
import type { ProgramSessions } from "../session/index.ts";
import { createWasi, type Wasi } from "../wasi/index.ts";
import { MachineFault } from "./faults.ts";

/** Everything of a stopped program but the modules. */
export interface ProgramState {
  readonly group: SavedGroup;
  readonly wasi: PlainData;
}

/** The one instance of the group, and the export that runs it. */
const INSTANCE = "program";
const START = "_start";

export class WasiProgram {
  readonly group: Group;
  readonly program: Rewritten;
  readonly #wasi: Wasi;
  readonly #thread: Thread;

  private constructor(program: Rewritten, group: Group, wasi: Wasi, thread: Thread) {
    this.program = program;
    this.group = group;
    this.#wasi = wasi;
    this.#thread = thread;
  }

  /** A program that is about to begin. */
  static begin(program: Rewritten, sessions: ProgramSessions, options: GroupOptions = {}): WasiProgram {
    const { group, wasi } = prepare(program, sessions, options);
    const start = program.info.exports.find((entry) => entry.kind === "func" && entry.name === START);
    if (!start) throw new MachineFault("no-start", `the module exports no function ${START}: it is not a WASI command`);
    const thread = group.spawn({ instance: 0, function: start.index, name: START }, []);
    return new WasiProgram(program, group, wasi, thread);
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
    const thread = group.threads[0];
    if (!thread) throw new MachineFault("no-thread", "the saved state has no thread that could go on");
    return new WasiProgram(program, group, wasi, thread);
  }

  /** Lets the program run until it is frozen or ends; undefined when it is frozen. */
  run(): Ending | undefined {
    this.group.run(this.#thread);
    return this.#thread.ending;
  }

  /** The frozen thread. */
  get thread(): Thread {
    return this.#thread;
  }

  /** The whole state of the frozen program. Memory contents are copies. */
  capture(): ProgramState {
    return { group: captureGroup(this.group), wasi: this.#wasi.capture() };
  }
}

function prepare(program: Rewritten, sessions: ProgramSessions, options: GroupOptions): { group: Group; wasi: Wasi } {
  const group = new Group(options);
  const wasi = createWasi(sessions);
  group.add(INSTANCE, program, wasi.imports);
  return { group, wasi };
}
