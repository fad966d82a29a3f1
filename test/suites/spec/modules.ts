// The modules of one script: each is read, decoded and rewritten once, for all ways.

import { createHash } from "node:crypto";
import { type LoadedProgram, loadProgram } from "../../../src/core/program.ts";
import { decodeModule, indexSpaces } from "../../../src/wasm/index.ts";
import { type Command, readModule, type Script } from "./script.ts";
import { SPECTEST } from "./spectest.ts";
import { FORMS, type Form, MARKED, type Prepared } from "./world.ts";

/** A module that rtcr does not take. */
export class Refused {
  readonly fault: unknown;
  /** There is only its text. */
  readonly text: boolean;

  constructor(fault: unknown, text = false) {
    this.fault = fault;
    this.text = text;
  }
}

export class Modules {
  readonly spectest: Prepared;
  readonly #script: Script;
  readonly #prepared = new Map<Command, Prepared | Refused>();

  constructor(script: Script) {
    this.#script = script;
    this.spectest = prepare("spectest", SPECTEST);
  }

  bytes(command: Command): Uint8Array<ArrayBuffer> | undefined {
    return readModule(this.#script, command);
  }

  prepare(command: Command): Prepared | Refused {
    let prepared = this.#prepared.get(command);
    if (!prepared) this.#prepared.set(command, (prepared = this.#prepare(command)));
    return prepared;
  }

  #prepare(command: Command): Prepared | Refused {
    const bytes = this.bytes(command);
    if (!bytes) return new Refused(undefined, true);
    try {
      return prepare(command.name ?? `module of line ${command.line}`, bytes);
    } catch (fault) {
      return new Refused(fault);
    }
  }
}

/** Memories stay as they are: a sibling may import them by their exact type. */
function prepare(label: string, bytes: Uint8Array<ArrayBuffer>): Prepared {
  const hash = createHash("sha256").update(bytes).digest("hex");
  const module = decodeModule(bytes);
  const marks = MARKED && (indexSpaces(module).memories[0]?.min ?? 0) <= 65_536;
  const programs = new Map<Form, LoadedProgram>();
  const program = (form: Form) => {
    let loaded = programs.get(form);
    const options = { shareMemories: false, marks, ...FORMS[form] };
    if (!loaded) programs.set(form, (loaded = loadProgram(bytes, hash, options)));
    return loaded;
  };
  program("standard");
  return { label, bytes, module, program };
}
