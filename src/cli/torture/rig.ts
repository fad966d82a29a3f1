// A program under torture: everything it sees is made up or copied, so that two runs can be compared.
//
// Input is bytes, output is collected, time and random numbers are those of a deterministic run. Directories are the
// run's own copies, with an undo journal as under `rtcr run`.

import { createFileSystem } from "../../core/files/index.ts";
import {
  createCountingClock,
  createMemoryInput,
  createMemoryOutput,
  createSeededRandom,
  type MemoryInputOptions,
} from "../../core/index.ts";
import { createMemoryVolume } from "../../core/memory-file-system.ts";
import type { LoadedProgram } from "../../core/program.ts";
import { cachedPrograms } from "../../core/program-cache-node.ts";
import { Arenas } from "../../engine/index.ts";
import { openVolumes, type ProgramState, type RunSpec, WasiProgram } from "../../machine/index-node.ts";
import { type SessionStates, sessionStates } from "../../wasi/index.ts";
import { readInput } from "./own-input.ts";

/** More polls than usual: at every turn of a loop, and several in operations on a few KiB. */
const DENSE = { mostTurns: 1, pieceBytes: 4096 };

/** What a rig runs; can be cloned. */
export interface RigSpec {
  readonly module: Uint8Array;
  /** SHA-256 of the module, hexadecimal. */
  readonly hash: string;
  readonly spec: RunSpec;
  /** Absent: this process's own, taken when the program first asks for input. */
  readonly stdin?: Uint8Array | undefined;
  /** Folder that keeps the rewritten module; it exists. */
  readonly cache: string;
}

/** Takes what the program writes, in order; the bytes are its own. */
export type OutputSink = (stream: "stdout" | "stderr", bytes: Uint8Array) => void;

/** A program in a rig; dispose of it before the next one begins on the same directories. */
export interface Rigged {
  readonly program: WasiProgram;
  dispose(): void;
}

/** Starts programs; what was compiled once is used again. */
export class Rig {
  readonly loaded: LoadedProgram;
  /** Where memories are copied to: a captured state is valid until the next capture. */
  readonly arenas = new Arenas();
  readonly #given: RigSpec;
  readonly #output: OutputSink;
  #ownInput: Uint8Array | undefined;
  readonly #compiled = new WeakMap<Uint8Array, WebAssembly.Module>();

  constructor(given: RigSpec, output: OutputSink) {
    this.#given = given;
    this.#output = output;
    this.loaded = cachedPrograms(given.cache, DENSE)(given.module, given.hash);
  }

  /** What the program was given: its own input, or what it has taken of this process's. */
  get input(): Uint8Array {
    return this.#given.stdin ?? this.#ownInput ?? new Uint8Array();
  }

  #input(stdin: Uint8Array | undefined): MemoryInputOptions {
    return stdin ? { bytes: stdin } : { load: () => (this.#ownInput ??= readInput(0)) };
  }

  /** A fresh group with fresh sessions: at the program's beginning, or where `state` was captured. */
  open(state?: ProgramState): Rigged {
    const { spec, stdin } = this.#given;
    const states: SessionStates = state ? sessionStates(state.wasi) : {};
    const resumption = state && { state, acceptChangedFiles: false, outputReleased: false };
    const volumes = openVolumes({ spec, states, resumption, warnings: [], memory: createMemoryVolume });
    const files = createFileSystem(volumes, states.files);
    const sessions = {
      program: { args: spec.args, environment: spec.environment },
      clock: createCountingClock(states.clock),
      random: createSeededRandom(0n, states.random),
      files,
      stdin: createMemoryInput(states.stdin === undefined ? this.#input(stdin) : { state: states.stdin }),
      stdout: createMemoryOutput((bytes) => this.#output("stdout", bytes)),
      stderr: createMemoryOutput((bytes) => this.#output("stderr", bytes)),
    };
    const options = { compile: this.#compile };
    const program = state
      ? WasiProgram.restore(this.loaded, sessions, state, options)
      : WasiProgram.begin(this.loaded, sessions, options);
    return { program, dispose: () => files.dispose() };
  }

  /** Continuations come as the same bytes again and again (core/program.ts). */
  #compile = (bytes: Uint8Array): WebAssembly.Module => {
    let module = this.#compiled.get(bytes);
    if (!module) this.#compiled.set(bytes, (module = new WebAssembly.Module(bytes as BufferSource)));
    return module;
  };
}
