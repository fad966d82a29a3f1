// Scripts of the specification's test suite as JSON: what wabt's `wast2json` and `wasm-tools json-from-wast` write.
//
// Both dialects are one type here. They differ in: wabt leaves out `module_type` where a module is binary, and puts
// alternatives into `either` beside `expected`; wasm-tools has the constant `either`, and names the binary form of a
// module given as text in `binary_filename`.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A value as written in a script: numbers as decimal text, floats as their bits or a pattern of NaN. */
export interface Constant {
  readonly type: string;
  /** Absent: any value of the type. */
  readonly value?: string | number | readonly string[];
  readonly lane_type?: string;
  /** Of the constant `either`. */
  readonly values?: readonly Constant[];
}

export interface Action {
  readonly type: "invoke" | "get";
  /** A name given to a module; absent: the last module. */
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly Constant[];
}

export interface Command {
  readonly type: string;
  readonly line: number;
  readonly name?: string;
  readonly as?: string;
  readonly filename?: string;
  readonly module_type?: "binary" | "text";
  readonly binary_filename?: string;
  readonly action?: Action;
  readonly expected?: readonly Constant[];
  readonly either?: readonly Constant[];
  /** What the reference interpreter says to it. */
  readonly text?: string;
  /** Of `module_instance`: the new instance's name and the definition's. */
  readonly instance?: string;
  readonly module?: string;
  /** Of `thread` and `wait`. */
  readonly shared_module?: string;
  readonly commands?: readonly Command[];
  readonly thread?: string;
}

export interface Script {
  /** The JSON file. */
  readonly file: string;
  readonly commands: readonly Command[];
}

/** @throws Error if the file is no script */
export function readScript(file: string): Script {
  const content = JSON.parse(readFileSync(file, "utf8")) as { commands?: unknown };
  if (!Array.isArray(content.commands)) {
    throw new Error(`${file}: expected a script with "commands", as wast2json or json-from-wast write it`);
  }
  return { file, commands: content.commands as Command[] };
}

/** The bytes of a command's module; undefined if there is only its text. */
export function readModule(script: Script, command: Command): Uint8Array<ArrayBuffer> | undefined {
  const name = command.module_type === "text" ? command.binary_filename : command.filename;
  return name === undefined ? undefined : new Uint8Array(readFileSync(join(dirname(script.file), name)));
}

/** What an `assert_return` expects: one constant for each result. */
export function expectedOf(command: Command): readonly Constant[] {
  if (command.either) return [{ type: "either", values: command.either }];
  return command.expected ?? [];
}
