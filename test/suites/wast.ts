// Scripts in the text format (.wast) to JSON and modules, as `wast2json` writes them, for tests: no package that npm
// has does it. Modules are assembled by wabt, or by Binaryen where wabt does not know the syntax; numbers are read by
// wabt too, as globals of one module, so that nothing here parses a float.
//
// Known commands: module (also binary, quote, definition, instance), register, invoke, get and every assert_*, thread
// and wait. Not known: scripts whose module fields stand outside of a module.

import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { decodeModule } from "../../src/wasm/index.ts";
import { assemble, assembleWithBinaryen } from "../assemble.ts";
import { Numbers } from "./wast-numbers.ts";
import { type List, type Node, parseWast, stringBytes } from "./wast-parser.ts";

type Json = { [key: string]: unknown };

/**
 * Writes `<name>.json` and the modules beside it.
 *
 * @param name file name of the script, ends in .wast
 * @returns the JSON file
 */
export function convertWast(name: string, text: string, folder: string): string {
  const converter = new Converter(basename(name, ".wast"), text, folder);
  const file = join(folder, `${basename(name, ".wast")}.json`);
  writeFileSync(
    file,
    JSON.stringify({ source_filename: name, commands: converter.commands(parseWast(text)) }, null, 1),
  );
  return file;
}

class Converter {
  readonly #name: string;
  readonly #text: string;
  readonly #folder: string;
  #modules = 0;

  constructor(name: string, text: string, folder: string) {
    this.#name = name;
    this.#text = text;
    this.#folder = folder;
  }

  commands(lists: readonly List[]): Json[] {
    const numbers = new Numbers();
    const commands = lists.map((list) => this.#command(list, numbers));
    numbers.resolve((wat) => decodeModule(assemble(wat)).globals.map((global) => global.init));
    return commands;
  }

  #command(list: List, numbers: Numbers): Json {
    const [head, ...rest] = list.items as [string, ...Node[]];
    const base = { type: head, line: list.line };
    switch (head) {
      case "module":
        return this.#module(list, base);
      case "register": {
        const as = new TextDecoder().decode(stringBytes(rest[0]!));
        return { ...base, as, ...(rest[1] === undefined ? {} : { name: rest[1] }) };
      }
      case "invoke":
      case "get":
        return { ...base, type: "action", action: this.#action(list, numbers), expected: [] };
      case "thread":
        return this.#thread(list, base);
      case "wait":
        return { ...base, thread: rest[0] };
      default:
        return this.#assertion(list, base, numbers);
    }
  }

  #assertion({ items }: List, base: Json, numbers: Numbers): Json {
    const [subject, ...rest] = items.slice(1) as [List, ...Node[]];
    if (subject.items[0] !== "module") {
      const action = this.#action(subject, numbers);
      if (base["type"] !== "assert_return") return { ...base, action, text: textOf(rest[0]) };
      return { ...base, action, expected: rest.map((item) => constant(item as List, numbers)) };
    }
    const type = base["type"] === "assert_trap" ? "assert_uninstantiable" : base["type"];
    return { ...base, type, ...this.#file(subject), text: textOf(rest[0]) };
  }

  #action({ items }: List, numbers: Numbers): Json {
    const [type, ...rest] = items;
    const module = typeof rest[0] === "string" && rest[0].startsWith("$") ? { module: rest.shift() } : {};
    const field = new TextDecoder().decode(stringBytes(rest.shift()!));
    const args = rest.map((item) => constant(item as List, numbers));
    return { type, ...module, field, ...(type === "invoke" ? { args } : {}) };
  }

  #module(list: List, base: Json): Json {
    const words = list.items.slice(1).filter((item): item is string => typeof item === "string");
    const [first] = words;
    if (first === "instance") {
      const [, instance, module] = words;
      return { ...base, type: "module_instance", instance, ...(module === undefined ? {} : { module }) };
    }
    const name = words.find((word) => word.startsWith("$"));
    const type = first === "definition" ? "module_definition" : "module";
    return { ...base, type, ...(name === undefined ? {} : { name }), ...this.#file(list) };
  }

  #thread({ items }: List, base: Json): Json {
    const [, name, ...rest] = items as [string, string, ...List[]];
    const shared = rest[0]?.items[0] === "shared" ? rest.shift() : undefined;
    const module = shared && (shared.items[1] as List).items[1];
    return { ...base, name, ...(module === undefined ? {} : { shared_module: module }), commands: this.commands(rest) };
  }

  /** Writes a module's file. */
  #file(list: List): Json {
    const kind = list.items.find((item) => item === "binary" || item === "quote");
    const number = this.#modules++;
    if (kind === "quote") {
      const filename = `${this.#name}.${number}.wat`;
      writeFileSync(join(this.#folder, filename), Buffer.concat(list.items.filter(isString).map(stringBytes)));
      return { filename, module_type: "text" };
    }
    const filename = `${this.#name}.${number}.wasm`;
    const bytes =
      kind === "binary" ? Buffer.concat(list.items.filter(isString).map(stringBytes)) : this.#assemble(list);
    writeFileSync(join(this.#folder, filename), bytes);
    return { filename, module_type: "binary" };
  }

  #assemble(list: List): Uint8Array {
    const wat = this.#text.slice(list.start, list.end).replace(/^\(\s*module\s+definition/, "(module");
    try {
      return assemble(wat);
    } catch (thrown) {
      try {
        return assembleWithBinaryen(wat);
      } catch (other) {
        throw new Error(`${this.#name}.wast:${list.line}: wabt: ${thrown}; Binaryen: ${other}`);
      }
    }
  }
}

/** A constant, or what a result has to be like. */
function constant(list: List, numbers: Numbers): Json {
  const [head, ...rest] = list.items as [string, ...string[]];
  if (head === "either")
    return { type: "either", values: rest.map((item) => constant(item as unknown as List, numbers)) };
  const [type, operation] = head.split(".") as [string, string];
  if (type !== "ref") return numbers.constant(type, rest);
  if (operation === "null") return { type: nullType(rest[0]), value: "null" };
  return { type: `${operation}ref`, ...(rest[0] === undefined ? {} : { value: rest[0] }) };
}

function nullType(heap: string | undefined): string {
  return heap === "func" || heap === "extern" || heap === "exn" ? `${heap}ref` : "refnull";
}

function isString(item: Node): item is string {
  return typeof item === "string" && item.startsWith('"');
}

function textOf(item: Node | undefined): string {
  return item === undefined ? "" : new TextDecoder().decode(stringBytes(item));
}
