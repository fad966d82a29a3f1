// The instances of a component's program: the first, in which its threads run, and one for each thread of thread-spawn;
// all over the same memory.
import type { HostImports, SavedValue } from "../../abi/index.ts";
import {
  Group,
  type GroupOptions,
  type Instance,
  type Marks,
  type MirrorSide,
  type Windows,
} from "../../engine/index.ts";
import type { LoadedProgram } from "../program.ts";

const NUMBERS: ReadonlySet<string> = new Set(["i32", "i64", "f32", "f64", "v128"]);

export interface InstancesOptions {
  readonly label: string;
  readonly program: LoadedProgram;
  readonly group: GroupOptions;
  readonly imports: HostImports;
  readonly windows: Windows | undefined;
  /** Of a program that was rewritten with marks. */
  readonly marks: Marks | undefined;
  /** Of a program that writes memory 0 twice. */
  readonly mirror?: MirrorSide | undefined;
  /** The memory that the program imports; default: a new one. */
  readonly memory?: WebAssembly.Memory | undefined;
}

export class Instances {
  readonly group: Group;
  readonly #options: InstancesOptions;
  readonly #links: WebAssembly.Imports;
  /** Mutable globals of number types as they were when the first instance was new. */
  readonly #firstGlobals: ReadonlyMap<number, SavedValue>;

  /**
   * A fresh group.
   *
   * @throws what instantiating does: RangeError (no memory), LinkError, RuntimeError (a segment does not fit), EngineFault
   */
  constructor(options: InstancesOptions, count = 1) {
    const { program } = options;
    this.#options = options;
    this.#links = memoriesOf(program, options.memory);
    this.group = new Group(options.group);
    const first = this.#add();
    this.#firstGlobals = new Map(
      program.info.globals.flatMap(({ mutable, imported, type }, index) =>
        mutable && !imported && NUMBERS.has(type) ? [[index, first.readGlobal(index)] as const] : [],
      ),
    );
    this.ensure(count);
  }

  /** Sees to it that there are so many instances: what a saved state of them needs. */
  ensure(count: number): void {
    while (this.group.instances.length < count) this.#add();
  }

  /**
   * The number of an instance that is not taken, in its first state again; undefined: another thread needs a new one.
   *
   * @param taken numbers of instances that threads have
   */
  free(taken: ReadonlySet<number>): number | undefined {
    const { instances } = this.group;
    for (let number = 1; number < instances.length; number++) {
      if (taken.has(number)) continue;
      return this.#renew(instances[number]!) ? number : undefined;
    }
    return undefined;
  }

  /** Sees to it that there is an instance of this number, in its first state. @returns false if it cannot be in that again */
  renew(number: number): boolean {
    const before = this.group.instances[number];
    this.ensure(number + 1);
    return before === undefined || this.#renew(before);
  }

  /** Sets the globals of an instance to their first values. @returns false if that would not make it like a new one */
  #renew(instance: Instance): boolean {
    const { tables, globals, start, droppableData, droppableElements } = this.#options.program.info;
    const dropped =
      droppableData.some((segment) => instance.dropped("data", segment)) ||
      droppableElements.some((segment) => instance.dropped("element", segment));
    // A start function drops segments; that of LLVM's linker does not need them when memory is there already.
    if (tables.some(({ changes, imported }) => changes && !imported) || (dropped && start === undefined)) return false;
    const own = globals.flatMap(({ mutable, imported }, index) => (mutable && !imported ? [index] : []));
    if (own.some((index) => !NUMBERS.has(globals[index]!.type))) return false;
    for (const index of own) instance.writeGlobal(index, this.#firstGlobals.get(index)!);
    return true;
  }

  #add(): Instance {
    const { label, program, imports, windows, marks, mirror } = this.#options;
    return this.group.add(label, program, imports, this.#links, { windows, marks, mirror });
  }
}

/** Memories that the program imports: the kernel makes them, as the program wants them. @param given the one, if it is there */
function memoriesOf({ info }: LoadedProgram, given: WebAssembly.Memory | undefined): WebAssembly.Imports {
  const links: Record<string, Record<string, WebAssembly.Memory>> = {};
  for (const { module, name, kind, index } of info.imports) {
    if (kind !== "memory") continue;
    const { min, max, shared } = info.memories[index]!;
    const limits = { initial: min, ...(max === undefined ? {} : { maximum: max }), shared };
    (links[module] ??= {})[name] = given ?? new WebAssembly.Memory(limits);
  }
  return links;
}
