// What an instance imports: host functions by declaration, everything else from other instances or as values.

import type { HostImports } from "../abi/index.ts";
import { EngineFault, type Group } from "../engine/index.ts";
import type { ImportKind, RewriteOptions } from "../instrument/index.ts";
import { MachineFault } from "./faults.ts";
import { GuestInstance } from "./guest-instance.ts";

/** Where the imports of one module name come from: the exports of an instance, or values by name. */
export type Link = GuestInstance | Readonly<Record<string, WebAssembly.ExportValue>>;
export type Links = Readonly<Record<string, Link>>;

/** How the rewriter is to take an import: as it is declared; linked functions may do anything. */
export function rewriteOptions(imports: HostImports): RewriteOptions {
  const importKind = (module: string, name: string): ImportKind => own(imports, module, name)?.freeze ?? "anything";
  return { importKind, shareMemories: false }; // embedders and other instances may hold them
}

/** A function of the host. */
function own(imports: HostImports, module: string, name: string) {
  const functions = Object.hasOwn(imports, module) ? imports[module]! : {};
  return Object.hasOwn(functions, name) ? functions[name] : undefined;
}

/** The links as values. */
export function toValues(links: Links): WebAssembly.Imports {
  const values = Object.entries(links).map(([module, link]) => [module, toRecord(link)]);
  return Object.fromEntries(values) as WebAssembly.Imports;
}

function toRecord(link: Link): Readonly<Record<string, WebAssembly.ExportValue>> {
  return link instanceof GuestInstance ? link.exports : link;
}

/** Names of the instances that are linked, by module: what a restore links anew. */
export function linkedNames(links: Links): Readonly<Record<string, string>> {
  const names = Object.entries(links).flatMap(([module, link]) =>
    link instanceof GuestInstance ? [[module, link.name]] : [],
  );
  return Object.fromEntries(names) as Record<string, string>;
}

/** @throws MachineFault "foreign-function" for functions that belong to no instance of the group */
export function requireGuestFunctions(name: string, links: Links, group: Group): void {
  for (const [module, link] of Object.entries(links)) {
    for (const [field, value] of Object.entries(toRecord(link))) {
      if (typeof value !== "function" || belongs(value, group)) continue;
      throw new MachineFault(
        "foreign-function",
        `${name}: link ${module}.${field} is no function of this machine: declare it in imports, with what a freeze means`,
      );
    }
  }
}

function belongs(value: unknown, group: Group): boolean {
  try {
    group.references.save(value, "funcref");
    return true;
  } catch (thrown) {
    if (thrown instanceof EngineFault) return false;
    throw thrown;
  }
}
