// Faults of running programs as a whole.

import { Fault } from "../util/index.ts";

/**
 * - "no-start": the module is no command
 * - "no-thread": a saved state without a thread
 * - "no-contents": a saved state without memory contents, and nothing that brings them
 * - "ended": the program has ended, it cannot be frozen any more
 * - "deadline": a freeze was not honoured in time
 * - "wrong-module": the module is not the one that the checkpoint was made of
 * - "not-isolated": a page without shared memory
 * - "no-output": held output could not be written out, for another reason than that nobody reads it; it is held on
 * - "no-disk": a run in a browser that needs a file system in memory, and was given nothing to keep it on
 *
 * Of the embedding API:
 * - "host-callback": a freeze was held off beyond its deadline by a host function that had called the guest back
 * - "busy": not possible in the machine's present state
 * - "closed": the machine was closed
 * - "no-instance": the machine has no instance of that name
 * - "no-export": the instance exports no such function
 * - "arguments": the arguments do not fit the function's type
 * - "name-taken": the machine has an instance of that name
 * - "foreign-function": a JavaScript function was linked; host functions are declared in `imports`
 * - "no-session": the checkpoint holds the state of a session that nobody restores
 * - "no-ticker": no second thread that keeps the event loop responsive can be had
 * - "exited", "trapped", "exhausted", "threw", "refused": how a thread ended that `call` waited for
 */
export class MachineFault extends Fault<
  | "no-start"
  | "no-thread"
  | "no-contents"
  | "ended"
  | "deadline"
  | "wrong-module"
  | "not-isolated"
  | "no-output"
  | "no-disk"
  | "host-callback"
  | "busy"
  | "closed"
  | "no-instance"
  | "no-export"
  | "arguments"
  | "name-taken"
  | "foreign-function"
  | "no-session"
  | "no-ticker"
  | "exited"
  | "trapped"
  | "exhausted"
  | "threw"
  | "refused"
> {}
