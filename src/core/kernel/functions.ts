// Functions of a component's program that threads begin with, and that entrypoints are called by.
import { type DirectCall, EngineFault, type Entry, type Group, type Rewritten } from "../../engine/index.ts";

const DISPATCH_PARAMS = "i32,i32,i32,i32";

/** The function of the program at an index of table 0 of an instance; undefined if there is none. */
export function tableFunction(group: Group, index: number, instance: number): Entry | undefined {
  const found = group.instances[instance];
  if (found?.program.info.tables[0]?.element !== "funcref") return undefined;
  const table = found.table(0);
  if (index >>> 0 >= Number(table.length)) return undefined;
  try {
    const saved = group.references.save(table.get(index >>> 0), "funcref");
    if (saved.type !== "func") return undefined;
    return { instance: saved.instance, function: saved.index, name: `table ${index}` };
  } catch (thrown) {
    if (thrown instanceof EngineFault) return undefined; // a function of the host
    throw thrown;
  }
}

/** Whether a function of a program can be an entrypoint's dispatch function. */
export function dispatches(program: Rewritten, index: number): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= program.info.functions) return false;
  const { params, results } = program.signature(index);
  return params.join() === DISPATCH_PARAMS && results.join() === "i32";
}

/** Prepares many calls of one function. */
export function directCall(group: Group, entry: Entry): DirectCall {
  const fn = group.instances[entry.instance]!.function(entry.function);
  return { entry, fn: fn as DirectCall["fn"], thread: undefined };
}
