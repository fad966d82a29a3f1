// Operand-stack typing: walks a decoded body instruction by instruction and knows, in front of each, what lies on the
// stack and which instruction put it there.
//
// It follows the validation algorithm of the specification's appendix, but checks only what a walk must not get wrong
// (underflow, index ranges, labels); operand types are the engine's to check when it compiles the module.
//
//   types[0..height)    value types, BOTTOM where unreachable code leaves them open
//   origins[0..height)  index of the instruction that produced the value; parameters of a block carry the block's
//                       opening instruction (or its else or catch). An origin and a slot name one value.
//   control             one entry an open block, the function itself at 0
//
// What an instruction's own immediates say of types is in signatures.ts.

import type { Body } from "./body.ts";
import type { WasmFault } from "./faults.ts";
import type { IndexSpaces } from "./index-space.ts";
import { OP, opcodeName, operandsOf, resultOf } from "./opcode.ts";
import { blockSignature, calleeType, faultAt, functionTypeAt, NO_TYPES } from "./signatures.ts";
import {
  BOTTOM,
  type FunctionType,
  heapOf,
  I32,
  I64,
  isRef,
  type Limits,
  type Module,
  refType,
  type ValueType,
} from "./types.ts";

/** One open block. */
export interface ControlEntry {
  /** The instruction that opened it, -1 for the function. */
  opener: number;
  /** Height of the operand stack below its parameters. */
  height: number;
  params: readonly ValueType[];
  results: readonly ValueType[];
  /** Whether the current point cannot be reached. */
  dead: boolean;
  /** Whether the block stands in unreachable code itself. */
  enteredDead: boolean;
}

export class Typing {
  readonly module: Module;
  readonly spaces: IndexSpaces;
  types = new Int32Array(256);
  origins = new Int32Array(256);
  height = 0;
  readonly control: ControlEntry[] = [];
  /** Open blocks, the function included; 0 behind its end. */
  depth = 0;
  #body!: Body;

  constructor(module: Module, spaces: IndexSpaces) {
    this.module = module;
    this.spaces = spaces;
  }

  /** Starts at the first instruction of `body`, a function of type `type`. */
  begin(body: Body, type: FunctionType): void {
    this.#body = body;
    this.height = 0;
    this.depth = 0;
    this.#open(-1, NO_TYPES, type.results, false);
  }

  /** Whether the current point cannot be reached. */
  get dead(): boolean {
    return this.control[this.depth - 1]!.dead;
  }

  /** The block that label `label` names, counted from the innermost. */
  label(label: number, at: number): ControlEntry {
    if (label >= this.depth) throw this.#fault(at, `a label below ${this.depth}, found ${label}`);
    return this.control[this.depth - 1 - label]!;
  }

  /** Types that a branch to `entry` carries: the parameters of a loop, else the results. */
  labelTypes(entry: ControlEntry): readonly ValueType[] {
    return entry.opener >= 0 && this.#body.op[entry.opener] === OP.loop ? entry.params : entry.results;
  }

  /** The type of the function that call instruction `at` calls. */
  calleeType(at: number): FunctionType {
    return calleeType(this.module, this.spaces, this.#body, at);
  }

  /** Goes past instruction `at`. */
  step(at: number): void {
    const code = this.#body.op[at]!;
    const operands = operandsOf[code]!;
    if (operands === 255) return this.#stepSpecial(code, at);
    this.#popCount(operands, at);
    const result = resultOf[code]!;
    if (result !== BOTTOM) this.#push(result, at);
  }

  #stepSpecial(code: number, at: number): void {
    const { a, locals } = this.#body;
    switch (code) {
      case OP.localGet:
        return this.#push(this.#local(locals, a[at]!, at), at);
      case OP.localSet:
        this.#local(locals, a[at]!, at);
        this.#pop(at);
        return;
      case OP.localTee:
        this.#pop(at);
        return this.#push(this.#local(locals, a[at]!, at), at);
      case OP.drop:
        this.#pop(at);
        return;
      case OP.call:
      case OP.callIndirect:
      case OP.callRef:
      case OP.returnCall:
      case OP.returnCallIndirect:
      case OP.returnCallRef:
        return this.#stepCall(code, at);
      case OP.globalGet:
        return this.#push(this.#global(at), at);
      case OP.globalSet:
        this.#global(at);
        this.#pop(at);
        return;
      case OP.select: {
        this.#pop(at);
        const second = this.#pop(at);
        const first = this.#pop(at);
        return this.#push(first === BOTTOM ? second : first, at);
      }
      case OP.selectTyped: {
        for (let i = 0; i < 3; i++) this.#pop(at);
        const type = this.#body.types.get(at)?.[0];
        if (type === undefined) throw this.#fault(at, "a select of one type");
        return this.#push(type, at);
      }
      default:
        if (code <= OP.tryTable) return this.#stepControl(code, at);
        return this.#stepOther(code, at);
    }
  }

  #stepCall(code: number, at: number): void {
    const type = this.calleeType(at);
    if (code !== OP.call && code !== OP.returnCall) this.#pop(at);
    this.#popAll(type.params, at);
    if (code === OP.call || code === OP.callIndirect || code === OP.callRef) return this.#pushAll(type.results, at);
    this.#die();
  }

  #stepControl(code: number, at: number): void {
    switch (code) {
      case OP.block:
      case OP.loop:
      case OP.if:
      case OP.try:
      case OP.tryTable: {
        if (code === OP.if) this.#pop(at);
        const { params, results } = blockSignature(this.module, this.#body, at);
        this.#popAll(params, at);
        this.#open(at, params, results, this.dead);
        return this.#pushAll(params, at);
      }
      case OP.else:
      case OP.catch:
      case OP.catchAll: {
        const entry = this.control[this.depth - 1]!;
        this.height = entry.height;
        entry.dead = entry.enteredDead;
        if (code === OP.else) return this.#pushAll(entry.params, at);
        return code === OP.catch ? this.#pushAll(this.#tag(at), at) : undefined;
      }
      case OP.end:
      case OP.delegate: {
        const entry = this.control[this.depth - 1]!;
        if (!entry.dead && this.height !== entry.height + entry.results.length) {
          throw this.#fault(at, `${entry.results.length} results on the stack, found ${this.height - entry.height}`);
        }
        this.height = entry.height;
        this.depth--;
        return this.#pushAll(entry.results, at);
      }
      default:
        return this.#stepBranch(code, at);
    }
  }

  #stepBranch(code: number, at: number): void {
    switch (code) {
      case OP.brIf: {
        this.#pop(at);
        return this.#passLabel(this.labelTypes(this.label(this.#body.a[at]!, at)), at);
      }
      case OP.br:
      case OP.rethrow:
        this.label(this.#body.a[at]!, at);
        return this.#die();
      case OP.brTable:
        for (const label of this.#body.labels.get(at)!) this.label(label, at);
        this.#pop(at);
        return this.#die();
      case OP.throw:
        this.#popAll(this.#tag(at), at);
        return this.#die();
      case OP.throwRef:
        this.#pop(at);
        return this.#die();
      case OP.return:
      case OP.unreachable:
        return this.#die();
    }
  }

  #stepOther(code: number, at: number): void {
    const { a, b } = this.#body;
    switch (code) {
      case OP.refNull:
        return this.#push(this.#body.types.get(at)![0]!, at);
      case OP.refIsNull:
        this.#pop(at);
        return this.#push(I32, at);
      case OP.refFunc: {
        const type = this.spaces.functions[a[at]!];
        if (type === undefined) throw this.#fault(at, `a function index, found ${a[at]}`);
        return this.#push(refType(type, false), at);
      }
      case OP.refAsNonNull:
        return this.#push(nonNull(this.#pop(at)), at);
      case OP.brOnNull: {
        const type = this.#pop(at);
        this.#passLabel(this.labelTypes(this.label(a[at]!, at)), at);
        return this.#push(nonNull(type), at);
      }
      case OP.brOnNonNull:
        this.#pop(at);
        return this.#passLabel(this.labelTypes(this.label(a[at]!, at)).slice(0, -1), at);
      case OP.memorySize:
        return this.#push(this.#memory(a[at]!, at), at);
      case OP.memoryGrow:
        this.#pop(at);
        return this.#push(this.#memory(a[at]!, at), at);
      case OP.memoryInit:
      case OP.memoryCopy:
        this.#memory(b[at]!, at);
        break;
      case OP.memoryFill:
        this.#memory(a[at]!, at);
        break;
      default:
        return this.#stepTable(code, at);
    }
    for (let i = 0; i < 3; i++) this.#pop(at);
  }

  #stepTable(code: number, at: number): void {
    const { a, b } = this.#body;
    const second = code === OP.tableInit || code === OP.tableCopy;
    const table = this.spaces.tables[second ? b[at]! : a[at]!];
    if (!table) throw this.#fault(at, `a table index below ${this.spaces.tables.length}`);
    switch (code) {
      case OP.tableGet:
        this.#pop(at);
        return this.#push(table.element, at);
      case OP.tableSize:
        return this.#push(addressType(table.limits), at);
      case OP.tableSet:
      case OP.tableGrow:
        this.#pop(at);
        this.#pop(at);
        return code === OP.tableGrow ? this.#push(addressType(table.limits), at) : undefined;
      case OP.tableFill:
      case OP.tableInit:
      case OP.tableCopy:
        for (let i = 0; i < 3; i++) this.#pop(at);
        return;
      default:
        throw this.#fault(at, `a known instruction, found ${opcodeName(code)}`);
    }
  }

  #local(locals: readonly ValueType[], index: number, at: number): ValueType {
    if (index >= locals.length) throw this.#fault(at, `a local index below ${locals.length}, found ${index}`);
    return locals[index]!;
  }

  #global(at: number): ValueType {
    const global = this.spaces.globals[this.#body.a[at]!];
    if (!global) throw this.#fault(at, `a global index below ${this.spaces.globals.length}, found ${this.#body.a[at]}`);
    return global.type;
  }

  #memory(index: number, at: number): ValueType {
    const memory = this.spaces.memories[index];
    if (!memory) throw this.#fault(at, `a memory index below ${this.spaces.memories.length}, found ${index}`);
    return addressType(memory);
  }

  #tag(at: number): readonly ValueType[] {
    const type = this.spaces.tags[this.#body.a[at]!];
    if (type === undefined) throw this.#fault(at, `a tag index below ${this.spaces.tags.length}`);
    return functionTypeAt(this.module, this.#body, type, at).params;
  }

  #open(opener: number, params: readonly ValueType[], results: readonly ValueType[], dead: boolean): void {
    const entry = this.control[this.depth];
    this.depth++;
    if (!entry) {
      this.control.push({ opener, height: this.height, params, results, dead, enteredDead: dead });
      return;
    }
    entry.opener = opener;
    entry.height = this.height;
    entry.params = params;
    entry.results = results;
    entry.dead = dead;
    entry.enteredDead = dead;
  }

  #die(): void {
    const entry = this.control[this.depth - 1]!;
    this.height = entry.height;
    entry.dead = true;
  }

  /** Values that a conditional branch hands to its label stay on the stack when it is not taken. */
  #passLabel(types: readonly ValueType[], at: number): void {
    if (!this.dead) return;
    this.#popAll(types, at);
    this.#pushAll(types, at);
  }

  #push(type: ValueType, origin: number): void {
    if (this.height === this.types.length) this.#grow();
    this.types[this.height] = type;
    this.origins[this.height++] = origin;
  }

  #pushAll(types: readonly ValueType[], origin: number): void {
    for (let i = 0; i < types.length; i++) this.#push(types[i]!, origin);
  }

  #pop(at: number): ValueType {
    const entry = this.control[this.depth - 1]!;
    if (this.height > entry.height) return this.types[--this.height]!;
    if (entry.dead) return BOTTOM;
    throw this.#fault(at, `an operand for ${opcodeName(this.#body.op[at]!)}, but the stack is empty`);
  }

  #popAll(types: readonly ValueType[], at: number): void {
    this.#popCount(types.length, at);
  }

  #popCount(count: number, at: number): void {
    if (count === 0) return;
    if (this.height - count >= this.control[this.depth - 1]!.height) this.height -= count;
    else for (let i = count; i > 0; i--) this.#pop(at);
  }

  #grow(): void {
    const types = new Int32Array(this.types.length * 2);
    types.set(this.types);
    this.types = types;
    const origins = new Int32Array(types.length);
    origins.set(this.origins);
    this.origins = origins;
  }

  #fault(at: number, expected: string): WasmFault {
    return faultAt(this.#body, at, expected);
  }
}

function nonNull(type: ValueType): ValueType {
  return isRef(type) ? refType(heapOf(type), false) : type;
}

function addressType(limits: Limits): ValueType {
  return limits.index64 ? I64 : I32;
}
