// The C++ SDK's constants and call stubs.
import { ADDRESS_SPACE, CALL_STATUS, DISPATCH, FUTEX, KERNEL_MODULE, MESSAGE } from "../../src/abi/message.ts";
import type { RpcFunction, RpcType } from "../../src/abi/rpc.ts";
import { FILE_SYSTEM_RPC, OPEN_FLAG, TERMINAL_RPC } from "../../src/abi/streams.ts";
import { ERRNO, NODE_KINDS } from "../../src/session/index.ts";
import { ERRORS, IMPORTS, interfaces, toSnake, toUpper } from "./model.ts";

/** `rtcr/abi.h`: sizes, numbers, imports. Usable from C as well, except for the enumerations' scope. */
export function cppConstants(note: string): string {
  return `// ${note}
#pragma once

namespace Rtcr {

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;
using i32 = int;
using i64 = long long;

/** How a call ended: the kernel's status, or an error that the function declares. */
enum class Error : u32 {
  OK = ${CALL_STATUS.ok},
${ERRORS.map(([name, value]) => `  ${toUpper(name)} = ${value},`).join("\n")}
};

inline const char *name_of(Error error) {
  switch (error) {
    case Error::OK: return "ok";
${ERRORS.map(([name]) => `    case Error::${toUpper(name)}: return "${name}";`).join("\n")}
  }
  return "unknown error";
}

namespace Abi {

enum : u32 {
  MAX_CAPABILITIES = ${MESSAGE.maxCapabilities},
  MAX_BYTES = ${MESSAGE.maxBytes},
};

/** A message buffer. */
struct alignas(4) Message {
  u32 bytes;
  u32 capabilities;
  u32 slots[MAX_CAPABILITIES];
  u8 data[MAX_BYTES];
};
static_assert(sizeof(Message) == ${MESSAGE.sizeBytes});
static_assert(__builtin_offsetof(Message, slots) == ${MESSAGE.slots} && __builtin_offsetof(Message, data) == ${MESSAGE.data});

constexpr u32 ${numbers("AREA", ADDRESS_SPACE)};
enum : u32 { ${numbers("FUTEX", FUTEX)} };
enum : u32 { ${numbers("DISPATCH", DISPATCH)} };

${IMPORTS.map(cppImport).join("\n")}

} // namespace Abi
} // namespace Rtcr
`;
}

/** \`rtcr/rpc_stubs.h\`: one inline function for each function of each interface. */
export function cppStubs(note: string): string {
  return `// ${note}
#pragma once
#include <rtcr/message.h>

namespace Rtcr::Abi {
${interfaces().map(cppInterface).join("\n")}
} // namespace Rtcr::Abi
`;
}

function numbers(prefix: string, values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${prefix}_${toUpper(name)} = ${value}`)
    .join(", ");
}

const IMPORT_TYPE = { u32: "u32", i64: "i64", address: "void *" } as const;

function cppImport({ key, name, params, returns }: (typeof IMPORTS)[number]): string {
  const list = params.map(([param, type]) => `${IMPORT_TYPE[type]} ${param}`).join(", ");
  const attributes = `__attribute__((import_module("${KERNEL_MODULE}"), import_name("${name}")))`;
  return `extern "C" ${attributes} ${returns ? "u32" : "void"} rtcr_${toSnake(key)}(${list});`;
}

function cppInterface([kind, functions]: readonly [string, readonly RpcFunction[]]): string {
  const name = toSnake(kind);
  const opcodes = functions.map((fn, i) => `${toUpper(fn.name)} = ${i}`).join(", ");
  return `
namespace ${name.charAt(0).toUpperCase()}${name.slice(1)} {
enum Opcode : u32 { ${opcodes} };
${functions.map(cppStub).join("\n")}
}`;
}

const IN: Readonly<Record<RpcType, string>> = {
  u32: "u32",
  i32: "i32",
  u64: "u64",
  bool: "bool",
  text: "Text",
  bytes: "Text",
  cap: "Slot",
  location: "Location",
};
const OUT: Readonly<Record<RpcType, string>> = { ...IN, text: "Text_buffer", bytes: "Text_buffer" };

function cppStub(fn: RpcFunction): string {
  const params = [
    "Slot target",
    ...fn.in.map(([name, type]) => `${IN[type]} ${toSnake(name)}`),
    ...fn.out.map(([name, type]) => `${OUT[type]} &${out(fn, name)}`),
  ];
  const puts = fn.in.map(([name]) => ` call.put(${toSnake(name)});`).join("");
  const errors = fn.errors.length ? `{${fn.errors.map((name) => `Error::${toUpper(name)}`).join(", ")}}` : "";
  const table = errors ? ` static constexpr Error errors[]${errors};` : "";
  const invoke = `call.invoke(target, ${toUpper(fn.name)}, ${errors ? "errors" : "nullptr"}, ${fn.errors.length})`;
  const gets = fn.out.map(([name]) => ` call.get(${out(fn, name)});`).join("");
  const rest = fn.out.length
    ? ` const Error error = ${invoke}; if (error == Error::OK) {${gets} } return error;`
    : ` return ${invoke};`;
  return `inline Error ${keyword(toSnake(fn.name))}(${params.join(", ")}) { Call call;${puts}${table}${rest} }`;
}

/** Results that are called as an argument or the function itself get an underscore. */
function out(fn: RpcFunction, name: string): string {
  const taken = fn.in.some(([other]) => other === name) || toSnake(fn.name) === toSnake(name);
  return taken ? `${toSnake(name)}_` : toSnake(name);
}

function keyword(name: string): string {
  return ["free", "yield", "delete", "new"].includes(name) ? `${name}_` : name;
}

/** `rtcr/streams.h`: opcodes, flags and errnos of File_system and Terminal sessions that components serve. */
export function cppStreams(note: string): string {
  const list = (prefix: string, values: Readonly<Record<string, number>>) =>
    Object.entries(values)
      .map(([name, value]) => `${prefix}_${toUpper(name)} = ${value}`)
      .join(", ");
  const errnos = ERRNO.map((name, value) => `${/^\d/.test(name) ? "E" : ""}${toUpper(name)} = ${value}`);
  return `// ${note}
#pragma once
#include <rtcr/abi.h>

namespace Rtcr {

/** Errnos of WASI preview1. */
enum class Errno : u32 { ${errnos.join(", ")} };

namespace Abi {

enum : u32 { ${list("FILE_SYSTEM", FILE_SYSTEM_RPC)} };
enum : u32 { ${list("TERMINAL", TERMINAL_RPC)} };
enum : u32 { ${list("OPEN", OPEN_FLAG)} };
enum : u32 { ${NODE_KINDS.map((kind, value) => `NODE_${toUpper(kind)} = ${value}`).join(", ")} };

} // namespace Abi
} // namespace Rtcr
`;
}
