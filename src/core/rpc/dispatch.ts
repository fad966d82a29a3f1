// Calls of guests on TypeScript objects: decodes the message by the tables of abi/rpc.ts, calls the contract's method,
// encodes what it returned over the request.
//
// I1  Whatever the message holds, the outcome is a status: nothing a guest does throws here.
// I2  A method is called only if all its arguments could be decoded, and its refusals are those that the table declares.
import { CALL_STATUS, RPC, type RpcFunction, type RpcType } from "../../abi/index.ts";
import type { Capability, KernelObject, Location } from "../../session/index.ts";
import { type Attempt, assert } from "../../util/index.ts";
import { ADAPTERS } from "./adapters.ts";
import { BadMessage, type CapabilityAccess, MessageCursor, type MessageMemory } from "./message.ts";

type Method = (object: KernelObject, args: readonly unknown[]) => unknown;

interface Compiled {
  readonly fn: RpcFunction;
  readonly read: readonly ((cursor: MessageCursor) => unknown)[];
  readonly write: readonly { readonly name: string; readonly put: (cursor: MessageCursor, value: unknown) => void }[];
  readonly method: Method;
}

const READ: Readonly<Record<RpcType, (cursor: MessageCursor) => unknown>> = {
  u32: (cursor) => cursor.u32(),
  i32: (cursor) => cursor.i32(),
  u64: (cursor) => cursor.u64(),
  bool: (cursor) => cursor.u32() !== 0,
  text: (cursor) => cursor.text(),
  bytes: (cursor) => cursor.bytes(),
  cap: (cursor) => cursor.capability(),
  location: (cursor) => cursor.location(),
};

const WRITE: Readonly<Record<RpcType, (cursor: MessageCursor, value: unknown) => void>> = {
  u32: (cursor, value) => cursor.setU32(value as number),
  i32: (cursor, value) => cursor.setU32((value as number) >>> 0),
  u64: (cursor, value) => cursor.setU64(value as number),
  bool: (cursor, value) => cursor.setU32(value ? 1 : 0),
  text: (cursor, value) => cursor.setText(value as string),
  bytes: (cursor, value) => cursor.setBytes(value as Uint8Array),
  cap: (cursor, value) => cursor.setCapability(value as Capability),
  location: (cursor, value) => cursor.setLocation(value as Location),
};

/** Functions that block: the kernel's own. */
const WAITING: ReadonlySet<string> = new Set(["signal-source wait_for_signal"]);
const COMPILED: ReadonlyMap<string, readonly (Compiled | undefined)[]> = new Map(
  Object.entries(RPC).map(([kind, functions]) => [
    kind,
    functions.map((fn) => (WAITING.has(`${kind} ${fn.name}`) ? undefined : compile(kind, fn))),
  ]),
);
const cursor = new MessageCursor();

/**
 * Calls function `opcode` of `object` with the message at `address`, and writes the reply there.
 *
 * Functions that wait are the kernel's own and invalid opcodes here.
 *
 * @param memory the component's; the whole message buffer lies in it
 * @returns a CALL_STATUS
 */
export function callNative(
  object: KernelObject,
  opcode: number,
  memory: MessageMemory,
  address: number,
  capabilities: CapabilityAccess,
): number {
  const called = COMPILED.get(object.kind)?.[opcode];
  if (!called) return CALL_STATUS.invalidOpcode;
  try {
    cursor.open(memory, address, capabilities);
    const args = called.read.map((read) => read(cursor));
    const result = called.method(object, args);
    // The method may have called on: the cursor is this call's again, and the memory may have grown meanwhile.
    return reply(called, result, memory, address, capabilities);
  } catch (thrown) {
    if (thrown instanceof BadMessage) return CALL_STATUS.badMessage;
    throw thrown;
  }
}

/** The function behind an opcode, for reports: `pd.alloc`. */
export function functionName(kind: string, opcode: number): string {
  return `${kind}.${RPC[kind]?.[opcode]?.name ?? opcode}`;
}

function reply(
  { fn, write }: Compiled,
  result: unknown,
  memory: MessageMemory,
  address: number,
  capabilities: CapabilityAccess,
): number {
  cursor.reopen(memory, address, capabilities);
  let value = result;
  if (fn.errors.length > 0) {
    const attempt = result as Attempt<unknown, string>;
    if (!attempt.ok) {
      const error = fn.errors.indexOf(attempt.reason);
      assert(error >= 0, `${fn.name} declares its refusal ${attempt.reason}`);
      cursor.setU32(error + 1);
      cursor.close();
      return CALL_STATUS.ok;
    }
    value = attempt.value;
  }
  cursor.setU32(0);
  if (write.length === 1) write[0]!.put(cursor, value);
  else for (const { name, put } of write) put(cursor, (value as Record<string, unknown>)[name]);
  cursor.close();
  return CALL_STATUS.ok;
}

function compile(kind: string, fn: RpcFunction): Compiled {
  return {
    fn,
    read: fn.in.map(([, type]) => READ[type]),
    write: fn.out.map(([name, type]) => ({ name, put: WRITE[type] })),
    method: methodOf(kind, fn),
  };
}

function methodOf(kind: string, fn: RpcFunction): Method {
  const adapter = ADAPTERS.get(`${kind} ${fn.name}`) as ((...args: unknown[]) => unknown) | undefined;
  if (adapter) return (object, args) => adapter(object, ...args);
  const name = fn.name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return (object, args) => {
    const method = (object as unknown as Record<string, (...args: unknown[]) => unknown>)[name];
    assert(typeof method === "function", `${kind} has a method ${name}`);
    return method.apply(object, args as unknown[]);
  };
}
