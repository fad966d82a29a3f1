// The Rust SDK's constants and call stubs.
import { ADDRESS_SPACE, CALL_STATUS, DISPATCH, FUTEX, KERNEL_MODULE, MESSAGE } from "../../src/abi/message.ts";
import type { RpcFunction, RpcType } from "../../src/abi/rpc.ts";
import { ERRORS, IMPORTS, interfaces, toPascal, toSnake, toUpper } from "./model.ts";

export function rustAbi(note: string): string {
  return `// ${note}
#![allow(dead_code)]
use crate::message::{Call, Location, Text};

/// How a call failed: the kernel's status, or an error that the function declares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Error {
${ERRORS.map(([name, value]) => `    ${toPascal(name)} = ${value},`).join("\n")}
}

impl Error {
    pub fn name(self) -> &'static str {
        match self {
${ERRORS.map(([name]) => `            Error::${toPascal(name)} => "${name}",`).join("\n")}
        }
    }

    /// The error of a CALL_STATUS that is not 0.
    pub fn of_status(status: u32) -> Error {
        match status {
${statuses()
  .map(([name, value]) => `            ${value} => Error::${toPascal(name)},`)
  .join("\n")}
            _ => Error::BadMessage,
        }
    }
}

${constants("MESSAGE", MESSAGE)}
${constants("AREA", ADDRESS_SPACE)}
${constants("FUTEX", FUTEX)}
${constants("DISPATCH", DISPATCH)}

#[link(wasm_import_module = "${KERNEL_MODULE}")]
extern "C" {
${IMPORTS.map(declaration).join("\n")}
}
${interfaces().map(module).join("\n")}
`;
}

function statuses(): readonly (readonly [string, number])[] {
  return ERRORS.filter(([, value]) => Object.values<number>(CALL_STATUS).includes(value));
}

function constants(prefix: string, values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `pub const ${prefix}_${toUpper(name)}: u32 = ${value};`)
    .join("\n");
}

const IMPORT_TYPE = { u32: "u32", i64: "i64", address: "usize" } as const;

function declaration({ key, name, params, returns }: (typeof IMPORTS)[number]): string {
  const list = params.map(([param, type]) => `${param}: ${IMPORT_TYPE[type]}`).join(", ");
  return `    #[link_name = "${name}"]
    pub fn kernel_${toSnake(key)}(${list})${returns ? " -> u32" : ""};`;
}

const IN: Readonly<Record<RpcType, string>> = {
  u32: "u32",
  i32: "i32",
  u64: "u64",
  bool: "bool",
  text: "&str",
  bytes: "&[u8]",
  cap: "u32",
  location: "Location",
};
const OUT: Readonly<Record<RpcType, string>> = { ...IN, text: "Text", bytes: "Text" };
const SUFFIX: Readonly<Record<RpcType, string>> = {
  ...IN,
  text: "text",
  bytes: "bytes",
  cap: "slot",
  location: "location",
};

function module([kind, functions]: readonly [string, readonly RpcFunction[]]): string {
  return `
pub mod ${toSnake(kind)} {
    use super::*;
${functions.map((fn, i) => `    pub const ${toUpper(fn.name)}: u32 = ${i};`).join("\n")}
${functions.map(stub).join("\n")}
}`;
}

function stub(fn: RpcFunction): string {
  const params = ["target: u32", ...fn.in.map(([name, type]) => `${toSnake(name)}: ${IN[type]}`)].join(", ");
  const results = fn.out.map(([, type]) => OUT[type]);
  const result = results.length === 1 ? results[0] : `(${results.join(", ")})`;
  const puts = fn.in.map(([name, type]) => `call.put_${SUFFIX[type]}(${toSnake(name)});`).join(" ");
  const errors = fn.errors.map((name) => `Error::${toPascal(name)}`).join(", ");
  const gets = fn.out.map(([, type]) => `call.get_${SUFFIX[type]}()`);
  const value = gets.length === 1 ? gets[0] : `(${gets.join(", ")})`;
  return `    #[allow(clippy::too_many_arguments)]
    pub fn ${toSnake(fn.name)}(${params}) -> Result<${result}, Error> { let mut call = Call::new(); ${puts} call.invoke(target, ${toUpper(fn.name)}, &[${errors}])?; Ok(${value}) }`;
}
