// What every group of functions works on.

import type { ProgramArguments, ProgramSessions } from "../session/index.ts";
import { required } from "../util/index.ts";
import { Descriptors, type HoldDescriptors } from "./descriptors.ts";

/** The functions ask for its parts at each call: sessions may be opened after the program was instantiated. */
export class WasiContext {
  readonly #hold: HoldDescriptors;
  #sessions: ProgramSessions | undefined;
  #descriptors: Descriptors | undefined;
  #program: ProgramArguments | undefined;

  constructor(hold: HoldDescriptors) {
    this.#hold = hold;
  }

  /** Begins with the descriptors that these sessions give a new program. */
  open(sessions: ProgramSessions): void {
    this.#sessions = sessions;
    this.#descriptors = new Descriptors(sessions, this.#hold);
    this.#program = sessions.program;
  }

  get sessions(): ProgramSessions {
    return required(this.#sessions, "opened sessions");
  }

  get descriptors(): Descriptors {
    return required(this.#descriptors, "opened sessions");
  }

  /** Those of the program's first life: a restore brings them back. */
  get program(): ProgramArguments {
    return required(this.#program, "opened sessions");
  }

  set program(program: ProgramArguments) {
    this.#program = program;
  }
}
