// What an instance is given for its program's imports.

import type { HostFunction, HostImports } from "../abi/index.ts";
import { EngineFault } from "./faults.ts";
import type { Rewritten } from "./rewritten.ts";

/**
 * Finds all that a program imports: what is linked goes before host functions of the same name.
 *
 * @param wrap makes of a host function what can be imported
 * @throws EngineFault "link" if something is missing, or may freeze where the program was rewritten for what cannot
 */
export function linked(
  name: string,
  program: Rewritten,
  imports: HostImports,
  links: WebAssembly.Imports,
  wrap: (module: string, field: string, host: HostFunction) => unknown,
): WebAssembly.Imports {
  const given: Record<string, Record<string, unknown>> = {};
  for (const { module, name: field, kind, instant } of program.info.imports) {
    const host = imports[module]?.[field];
    const link = links[module]?.[field];
    if (host === undefined && link === undefined) {
      throw new EngineFault("link", `${name}: import ${kind} ${module}.${field} is missing`, { module, name: field });
    }
    if (instant && (link !== undefined || host!.freeze !== "instant")) {
      const what = link === undefined ? "a restartable host function" : "a function of an instance";
      const message = `${name}: import ${module}.${field} is ${what}, but the program was rewritten for an instant one`;
      throw new EngineFault("link", message, { module, name: field });
    }
    (given[module] ??= {})[field] = link ?? wrap(module, field, host!);
  }
  return given as WebAssembly.Imports;
}
