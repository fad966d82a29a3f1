// Reference tables that the shipped module does not have: a state that was saved under other options of the rewriter
// may hold references where this rewriting saves none. Such a table comes from a small module of its own, with the
// functions that tables of exception references need (exceptions.ts).

import { EXPORT, HOOK } from "../abi/index.ts";
import { required } from "../util/index.ts";
import { EXNREF, emptyModule, encodeModule, FUNCREF, type Module } from "../wasm/index.ts";
import { exceptionHelpers } from "./exceptions.ts";
import type { Program } from "./program.ts";
import { SIDE_IMPORT } from "./side-module.ts";
import { Space } from "./space.ts";

/** A module that exports reference table `number` and its functions; it imports the instance's hooks. */
export function referenceModule(program: Program, number: number): Uint8Array {
  const element = required(program.references[number], `a type for reference table ${number}`);
  const types: Module["types"] = [...program.module.types];
  const unused = (what: string) => () => required<number>(undefined, `${what} in a reference module`);
  const space = new Space(program.module, program.spaces, types, {
    legacy: program.scan.legacyExceptions,
    relocated: true,
    functionIndex: unused("a function"),
    segmentFunction: unused("a segment"),
    controlMemory: 0,
    freezeTag: 0,
    thrownTag: false,
    importedTags: 0,
    hooksTable: 0,
    instanceGlobal: 0,
    mostTurns: 1,
    pieceBytes: 1,
    growth: false,
    referenceTable: () => 1,
    firstAdded: 0,
  });
  const helpers = element === EXNREF ? exceptionHelpers(space, number) : [];
  const limits = { shared: false, index64: false };
  return encodeModule({
    ...emptyModule(),
    types,
    typeGroups: program.module.typeGroups,
    imports: [
      {
        module: SIDE_IMPORT.main,
        name: EXPORT.hooks,
        kind: "table",
        table: { element: FUNCREF, limits: { min: HOOK.count, ...limits } },
      },
    ],
    functions: space.added.map(({ type }) => type),
    code: space.added.map(({ body }) => ({ bytes: body, offset: 0 })),
    tables: [{ type: { element, limits: { min: 0, ...limits } } }],
    exports: [
      { name: `${EXPORT.refs}${number}`, kind: "table", index: 1 },
      ...helpers.map(([name, index]) => ({ name, kind: "func" as const, index })),
    ],
  });
}
