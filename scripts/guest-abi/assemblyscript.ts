// The AssemblyScript SDK's constants and call stubs. A stub leaves the results in the calling thread's message buffer;
// they are read in order with the `get` functions of guest/assemblyscript/message.ts.
import { ADDRESS_SPACE, CALL_STATUS, DISPATCH, FUTEX, KERNEL_MODULE, MESSAGE } from "../../src/abi/message.ts";
import type { RpcFunction, RpcType } from "../../src/abi/rpc.ts";
import { ERRORS, IMPORTS, interfaces, toCamel, toPascal, toUpper } from "./model.ts";

export function assemblyScriptAbi(note: string): string {
  const put = [...new Set(Object.values(PUT))].join(", ");
  return `// ${note}
import { begin, invoke, ${put} } from "../../../guest/assemblyscript/message";

/** How a call ended: the kernel's status, or an error that the function declares. */
export enum Status {
  Ok = ${CALL_STATUS.ok},
${ERRORS.map(([name, value]) => `  ${toPascal(name)} = ${value},`).join("\n")}
}

export function nameOfStatus(status: Status): string {
  switch (status) {
    case Status.Ok: return "ok";
${ERRORS.map(([name]) => `    case Status.${toPascal(name)}: return "${name}";`).join("\n")}
    default: return "unknown error";
  }
}

${constants("MESSAGE", MESSAGE)}
${constants("AREA", ADDRESS_SPACE)}
${constants("FUTEX", FUTEX)}
${constants("DISPATCH", DISPATCH)}

${IMPORTS.map(declaration).join("\n")}
${interfaces().map(namespace).join("\n")}
`;
}

function constants(prefix: string, values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `export const ${prefix}_${toUpper(name)}: u32 = ${value};`)
    .join("\n");
}

const IMPORT_TYPE = { u32: "u32", i64: "i64", address: "usize" } as const;

function declaration({ key, name, params, returns }: (typeof IMPORTS)[number]): string {
  const list = params.map(([param, type]) => `${toCamel(param)}: ${IMPORT_TYPE[type]}`).join(", ");
  return `// @ts-ignore: decorator
@external("${KERNEL_MODULE}", "${name}")
export declare function kernel${toPascal(key)}(${list}): ${returns ? "u32" : "void"};`;
}

const TYPE: Readonly<Record<RpcType, string>> = {
  u32: "u32",
  i32: "i32",
  u64: "u64",
  bool: "bool",
  text: "string",
  bytes: "string",
  cap: "u32",
  location: "u32",
};
/** Locations are given as the address of four words, 0 for none. */
const PUT: Readonly<Record<RpcType, string>> = {
  u32: "putU32",
  i32: "putU32",
  u64: "putU64",
  bool: "putU32",
  text: "putText",
  bytes: "putText",
  cap: "putSlot",
  location: "putLocation",
};

function namespace([kind, functions]: readonly [string, readonly RpcFunction[]]): string {
  return `
export namespace ${toCamel(kind)} {
${functions.map((fn, i) => `  export const ${toUpper(fn.name)}: u32 = ${i};`).join("\n")}
${functions.map((fn, i) => stub(fn, i)).join("\n")}
}`;
}

function stub(fn: RpcFunction, opcode: number): string {
  const params = ["target: u32", ...fn.in.map(([name, type]) => `${toCamel(name)}_: ${TYPE[type]}`)].join(", ");
  const puts = fn.in.map(([name, type]) => {
    const value = type === "bool" || type === "i32" ? `<u32>${toCamel(name)}_` : `${toCamel(name)}_`;
    return ` ${PUT[type]}(${value});`;
  });
  const numbers = fn.errors.map((name) => ERRORS.find(([other]) => other === name)![1]);
  const errors = numbers.length ? `memory.data<u8>([${numbers.join(", ")}])` : "0";
  const results = fn.out.map(([name, type]) => `${name}: ${type}`).join(", ");
  const name = toCamel(fn.name);
  return `  /** Results: ${results || "none"}. */
  export function ${RESERVED.has(name) ? `${name}_` : name}(${params}): Status { begin();${puts.join("")} return invoke(target, ${opcode}, ${errors}, ${numbers.length}); }`;
}

const RESERVED = new Set(["yield", "delete", "new", "free"]);
