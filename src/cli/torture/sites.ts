// The places at which frames of a program can stand.

import type { LoadedProgram } from "../../core/program.ts";

/** Every instrumented site as `function position`. Works out the layout of every function. */
export function sitesOf(loaded: LoadedProgram): string[] {
  const { functions, importedFunctions } = loaded.info;
  const places: string[] = [];
  for (let index = importedFunctions; index < functions; index++) {
    for (const { position } of loaded.layout(index).sites) {
      // A site that only continuations know has a layout of its own.
      if (loaded.at(index, position)?.layout.number === index) places.push(`${index} ${position}`);
    }
  }
  return places;
}
