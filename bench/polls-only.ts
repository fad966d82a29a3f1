// The module that Asyncify is given for comparison: the original with our rewriter's polls at the same places, each
// calling an imported function `rtcr` `poll` when the flag is set, and with nothing else of the instrumentation.
//
// Only for modules without tags and without reference constants in initialisers: what compilers produce for C.

import { CONTROL, IMPORT, IMPORT_MODULE } from "../src/abi/index.ts";
import { Emitter } from "../src/instrument/emit.ts";
import { BodyBuffer } from "../src/instrument/frame-code.ts";
import { Program } from "../src/instrument/index.ts";
import { Space } from "../src/instrument/space.ts";
import { assert } from "../src/util/index.ts";
import { asNullable, encodeModule, type FunctionBody, type Module, OP } from "../src/wasm/index.ts";

/** Name of the imported function that a poll calls, in module `rtcr`. */
export const POLL = "poll";

/** A module whose functions added behind the imports move up by one, to make room for the imported poll. */
class PollsSpace extends Space {
  override get poll(): number {
    return this.spaces.importedFunctions;
  }
}

/** @throws AssertionError for a module of another kind than the header names */
export function pollsOnly(bytes: Uint8Array): Uint8Array {
  const program = new Program(bytes);
  const { module, spaces } = program;
  assert(spaces.tags.length === 0, "a module without tags");
  assert(
    module.elements.every((segment) => segment.functions),
    "element segments that list functions",
  );
  const moved = (index: number) => (index < spaces.importedFunctions ? index : index + 1);
  const types = [...module.types];
  const space = new PollsSpace(module, spaces, types, {
    legacy: false,
    relocated: true,
    functionIndex: moved,
    segmentFunction: () => -1,
    controlMemory: spaces.memories.length,
    freezeTag: 0,
    thrownTag: false,
    importedTags: 0,
    hooksTable: spaces.tables.length,
    instanceGlobal: spaces.globals.length,
    referenceTable: () => spaces.tables.length + 2,
    firstAdded: spaces.functions.length + 1,
    mostTurns: program.mostTurns,
    pieceBytes: program.pieceBytes,
    growth: false,
  });
  const code = withPolls(program, space);
  const limits = { min: CONTROL.initialPages, max: CONTROL.maximumPages, shared: true, index64: false };
  const imports: Module["imports"] = [
    ...module.imports,
    { module: IMPORT_MODULE, name: POLL, kind: "func", type: space.typeIndex([], []) },
    ...spaces.memories.slice(spaces.importedMemories).map((memory, number) => {
      const index = spaces.importedMemories + number;
      const own = { ...program.memoryType(index), index64: memory.index64 };
      return { module: IMPORT_MODULE, name: `${IMPORT.memory}${index}`, kind: "memory" as const, memory: own };
    }),
    { module: IMPORT_MODULE, name: IMPORT.control, kind: "memory", memory: limits },
  ];
  return encodeModule({
    ...module,
    types,
    imports,
    memories: [],
    code,
    elements: module.elements.map((segment) =>
      segment.functions ? { ...segment, functions: segment.functions.map(moved) } : segment,
    ),
    exports: module.exports.map((entry) => (entry.kind === "func" ? { ...entry, index: moved(entry.index) } : entry)),
    start: module.start === undefined ? undefined : moved(module.start),
    customs: [],
  });
}

function withPolls(program: Program, space: Space): FunctionBody[] {
  const { module, spaces, planner } = program;
  const emitter = new Emitter(space);
  const bodies = new BodyBuffer();
  return module.code.map((original, number) => {
    const index = spaces.importedFunctions + number;
    const { entry: polled, active } = program.activity(index);
    const plan = planner.plan(index, () => ({
      entry: polled,
      active: (body, at) => body.op[at] === OP.loop && active(body, at),
    }));
    emitter.begin(plan);
    emitter.physical = 1;
    emitter.labels.push(0);
    const entry = plan.siteAt.get(plan.body.count);
    if (entry) emitter.poll(entry);
    emitter.instructions(0, plan.body.count);
    const locals = [...plan.body.locals.slice(plan.body.params).map(asNullable), ...plan.temporaries];
    return { bytes: bodies.body(locals, emitter.code.view()).body, offset: original.offset };
  });
}
