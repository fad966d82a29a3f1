// Makes the engines of one component: the first one, and fresh ones that take up the state of the one before, on any CPU.
import type { HostImports, SavedGroup } from "../../abi/index.ts";
import { EngineFault, type Group, Marks, Mirror, type MirrorSide, type Thread, Windows } from "../../engine/index.ts";
import type { LoadOptions } from "../../session/index.ts";
import { PlainMemory } from "../memory/index.ts";
import type { LoadedProgram } from "../program.ts";
import type { Component } from "./component.ts";
import { RemoteEngine } from "./cpus/index.ts";
import { type ComponentEngine, LocalEngine, type LocalEngineOptions } from "./engine.ts";
import { partNumber } from "./growth.ts";
import { kernelImports, withStack } from "./imports.ts";
import type { Kernel } from "./kernel.ts";
import { readGlobal } from "./own-globals.ts";
import { ownGlobals, SPAWN } from "./program.ts";

/** A program as it was rewritten, and what it marks. */
export interface Form {
  readonly program: LoadedProgram;
  readonly marks: Marks | undefined;
}

/** What is to take the place of a component's engine. */
export interface FreshEngine extends Form {
  readonly engine: ComponentEngine;
  readonly windows: Windows | undefined;
  readonly mirror: Mirror | undefined;
  readonly threads: readonly Thread[];
}

export interface EnginesOptions {
  readonly kernel: Kernel;
  readonly component: Component;
  /** The module as it came. */
  readonly original: Uint8Array;
  /** How the rewriter was asked for windows. */
  readonly asked: Pick<LoadOptions, "windows">;
}

interface FreshKind {
  /** Default: the component's. */
  readonly form?: Form;
  readonly windows?: Windows | undefined;
  /** What instances write beside memory 0. */
  readonly mirror?: MirrorSide | undefined;
  /** Instances to begin with. */
  readonly count?: number;
  readonly memory?: WebAssembly.Memory;
  /** As `Growth.of`. */
  readonly part?: number;
}

export class Engines {
  readonly #options: EnginesOptions;
  /** Indices of the globals that are a thread's own. */
  #own: readonly number[] = [];

  constructor(options: EnginesOptions) {
    this.#options = options;
  }

  /** The first engine, on CPU 0. @throws what instantiating does */
  first({ windows, mirror }: Pick<Component, "windows" | "mirror">): LocalEngine {
    const { original, component } = this.#options;
    const { info } = component.program;
    const own = ({ instances: [first] }: Group) => ownGlobals(original, info, (index) => readGlobal(first!, index));
    return this.#local({ windows, mirror, own: (group) => (this.#own = own(group)) });
  }

  /** What the program may call, by module and name. */
  get imports(): HostImports {
    const { kernel, component } = this.#options;
    return {
      ...kernelImports(kernel, component),
      ...withStack({
        ...component.wasi?.imports,
        [SPAWN.module]: { [SPAWN.name]: kernel.spawnFunction(component) },
      }),
    };
  }

  /** The component's program rewritten with marks, or without them. @throws WasmFault */
  form(marks: boolean): Form {
    const { kernel, component, original, asked } = this.#options;
    const mirrorSlots = component.mirror?.slots;
    const options = { ...asked, marks, ...(mirrorSlots === undefined ? {} : { mirrorSlots }) };
    const program = kernel.loadProgram(original, options);
    return { program, marks: program.info.marks ? new Marks() : undefined };
  }

  /**
   * A fresh engine on a CPU in the state of another, which stays as it is.
   *
   * @param form what it runs
   * @param carry passes the saved state through whatever it shall survive
   * @throws EngineFault, CpuFault, what instantiating does
   */
  like(before: ComponentEngine, cpu: number, form: Form, carry: (saved: SavedGroup) => SavedGroup): FreshEngine {
    const { component } = this.#options;
    const count = before.instances;
    // A PD has memory 0 in its dataspaces, and takes it to the fresh engine by itself.
    const alone = Array.from({ length: count }, (_, number) => before.memories(number)!.length <= 1);
    const part = component.home !== undefined && alone.every(Boolean) ? "outside" : "whole";
    const saved = carry(before.capture(part));
    const windows = this.#freshWindows();
    const mirror = component.mirror && new Mirror(component.mirror.slots, { elsewhere: cpu !== 0 });
    const engine = this.#fresh(cpu, { form, windows, mirror, count });
    try {
      const threads = engine.recreate(saved, part);
      const [memory] = before.memories(0) ?? [];
      if (memory) this.#reach(engine.memories(0)![0]!, memory.buffer.byteLength);
      if (memory && part === "whole") mirror?.wrote(0, memory.buffer.byteLength);
      return { program: form.program, marks: form.marks, engine, windows, mirror, threads };
    } catch (thrown) {
      engine.dispose();
      throw thrown;
    }
  }

  #freshWindows(): Windows | undefined {
    const { kernel, component } = this.#options;
    if (!component.windows) return undefined;
    const windows = new Windows(kernel.pool);
    windows.limit = component.windows.limit;
    return windows;
  }

  /** A memory 0 becomes as large as the one before. @throws EngineFault "no-memory" */
  #reach(memory: WebAssembly.Memory, sizeBytes: number): void {
    const { component } = this.#options;
    const { index64 } = component.program.info.memories[0]!;
    if (new PlainMemory(memory, undefined, index64).ensure(sizeBytes)) return;
    throw new EngineFault("no-memory", `${component.label}: no second memory of ${sizeBytes} bytes can be had`);
  }

  /**
   * One more for threads with instances of their own, over the memory of the component's. Its instances are as new.
   *
   * @throws EngineFault, CpuFault, what instantiating does
   */
  further(cpu: number, memory: WebAssembly.Memory): ComponentEngine {
    const part = partNumber(cpu);
    return this.#fresh(cpu, { memory, mirror: this.#options.component.mirror?.part(part), part });
  }

  #fresh(cpu: number, kind: FreshKind): ComponentEngine {
    return cpu === 0 ? this.#local({ own: () => this.#own, ...kind }) : this.#remote(cpu, kind);
  }

  #local(kind: FreshKind & Pick<LocalEngineOptions, "own">): LocalEngine {
    const { kernel, component } = this.#options;
    const { form = component, windows, mirror, own, count, memory, part } = kind;
    return new LocalEngine({
      label: component.label,
      program: form.program,
      group: { parks: true, atomicWait: component.waits.atomicWait },
      imports: this.imports,
      windows,
      marks: form.marks,
      mirror,
      own,
      policy: () => kernel.stops.givesWay(component.running!),
      growth: component.growth.of(part ?? 0),
      ...{ count: count ?? 1, memory },
    });
  }

  #remote(cpu: number, { form, windows, mirror, count = 1, memory: given }: FreshKind): RemoteEngine {
    const { kernel, component, original } = this.#options;
    const { program, marks } = form ?? component;
    const { bytes, info, statistics, referenceTypes, module } = program;
    const { pool, table, limit } = windows ?? {};
    const load = {
      ...{ label: component.label, original, own: this.#own, count },
      rewritten: { bytes, info, statistics, referenceTypes, module },
      ...(given ? { memory: given } : {}),
      ...(windows
        ? { windows: { options: this.#options.asked.windows, pool: pool!.memory, table: table!.memory, limit: limit! } }
        : {}),
      ...(marks ? { marks: marks.memory } : {}),
      ...(mirror ? { mirror: { memory: mirror.memory, slots: mirror.slots } } : {}),
    };
    const engine = new RemoteEngine(kernel.cpus!.at(cpu), load, windows);
    mirror?.attach(engine.memories(0)![0]!);
    return engine;
  }
}
