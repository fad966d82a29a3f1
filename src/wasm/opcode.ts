// The one opcode table: every instruction of WebAssembly 3.0 but GC, with its name, immediates and stack effect.
//
// An opcode is one dense number: plain instructions are their byte, 0xfc xx is 0x100 + xx, 0xfd xx is 0x200 + xx
// (SIMD, up to 0x113), 0xfe xx is 0x400 + xx. Tables indexed by it are small typed arrays.
//
// The notation of a line is `name effect immediates`, where the effect is `operands>result` in the letters
//   i i32   l i64   f f32   d f64   v v128   a the address type of the memory that is named
// and `*` stands for an effect that depends on immediates (typing.ts knows those).

import { BOTTOM, F32, F64, I32, I64, V128, type ValueType } from "./types.ts";

/** What follows an opcode in the binary format. */
export const IMMEDIATE = {
  none: 0,
  blockType: 1,
  label: 2,
  labels: 3,
  function: 4,
  typeTable: 5,
  type: 6,
  local: 7,
  global: 8,
  table: 9,
  memoryArgument: 10,
  memoryArgumentLane: 11,
  memory: 12,
  i32: 13,
  i64: 14,
  f32: 15,
  f64: 16,
  v128: 17,
  lane: 18,
  valueTypes: 19,
  heapType: 20,
  tryTable: 21,
  tag: 22,
  dataMemory: 23,
  data: 24,
  memoryMemory: 25,
  elementTable: 26,
  element: 27,
  tableTable: 28,
  zeroByte: 29,
} as const;
export type Immediate = (typeof IMMEDIATE)[keyof typeof IMMEDIATE];

/** Opcodes that other files name. */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  catch: 0x07,
  throw: 0x08,
  rethrow: 0x09,
  throwRef: 0x0a,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callRef: 0x14,
  returnCallRef: 0x15,
  delegate: 0x18,
  catchAll: 0x19,
  drop: 0x1a,
  select: 0x1b,
  selectTyped: 0x1c,
  tryTable: 0x1f,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableGet: 0x25,
  tableSet: 0x26,
  i32Load: 0x28,
  i64Load: 0x29,
  f32Load: 0x2a,
  f64Load: 0x2b,
  i32Store: 0x36,
  i64Store: 0x37,
  f32Store: 0x38,
  f64Store: 0x39,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32LtU: 0x49,
  i32GtU: 0x4b,
  i32GeU: 0x4f,
  i64Eqz: 0x50,
  i64LtU: 0x54,
  i64GtU: 0x56,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  i32Or: 0x72,
  i32Shl: 0x74,
  i32ShrU: 0x76,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i32WrapI64: 0xa7,
  i64ExtendI32U: 0xad,
  refNull: 0xd0,
  refIsNull: 0xd1,
  refFunc: 0xd2,
  refAsNonNull: 0xd4,
  brOnNull: 0xd5,
  brOnNonNull: 0xd6,
  memoryInit: 0x108,
  dataDrop: 0x109,
  memoryCopy: 0x10a,
  memoryFill: 0x10b,
  tableInit: 0x10c,
  elementDrop: 0x10d,
  tableCopy: 0x10e,
  tableGrow: 0x10f,
  tableSize: 0x110,
  tableFill: 0x111,
  v128Load: 0x200,
  v128Store: 0x20b,
  v128Const: 0x20c,
  wait32: 0x401,
  wait64: 0x402,
} as const;

const PLAIN = `
00 unreachable * ; 01 nop > ; 02 block * blockType ; 03 loop * blockType ; 04 if * blockType ; 05 else * ;
06 try * blockType ; 07 catch * tag ; 08 throw * tag ; 09 rethrow * label ; 0a throw_ref * ; 0b end * ;
0c br * label ; 0d br_if * label ; 0e br_table * labels ; 0f return * ; 10 call * function ;
11 call_indirect * typeTable ; 12 return_call * function ; 13 return_call_indirect * typeTable ; 14 call_ref * type ;
15 return_call_ref * type ; 18 delegate * label ; 19 catch_all * ; 1a drop * ; 1b select * ; 1c select * valueTypes ;
1f try_table * tryTable ; 20 local.get * local ; 21 local.set * local ; 22 local.tee * local ;
23 global.get * global ; 24 global.set * global ; 25 table.get * table ; 26 table.set * table ;
28 i32.load a>i m ; 29 i64.load a>l m ; 2a f32.load a>f m ; 2b f64.load a>d m ; 2c i32.load8_s a>i m ;
2d i32.load8_u a>i m ; 2e i32.load16_s a>i m ; 2f i32.load16_u a>i m ; 30 i64.load8_s a>l m ; 31 i64.load8_u a>l m ;
32 i64.load16_s a>l m ; 33 i64.load16_u a>l m ; 34 i64.load32_s a>l m ; 35 i64.load32_u a>l m ; 36 i32.store ai> m ;
37 i64.store al> m ; 38 f32.store af> m ; 39 f64.store ad> m ; 3a i32.store8 ai> m ; 3b i32.store16 ai> m ;
3c i64.store8 al> m ; 3d i64.store16 al> m ; 3e i64.store32 al> m ; 3f memory.size * memory ;
40 memory.grow * memory ; 41 i32.const >i i32 ; 42 i64.const >l i64 ; 43 f32.const >f f32 ; 44 f64.const >d f64 ;
d0 ref.null * heapType ; d1 ref.is_null * ; d2 ref.func * function ; d4 ref.as_non_null * ; d5 br_on_null * label ;
d6 br_on_non_null * label ;`;

/** Consecutive opcodes of one effect: `first effect names`. */
const NUMERIC = `
45 i>i i32.eqz
46 ii>i i32.eq i32.ne i32.lt_s i32.lt_u i32.gt_s i32.gt_u i32.le_s i32.le_u i32.ge_s i32.ge_u
50 l>i i64.eqz
51 ll>i i64.eq i64.ne i64.lt_s i64.lt_u i64.gt_s i64.gt_u i64.le_s i64.le_u i64.ge_s i64.ge_u
5b ff>i f32.eq f32.ne f32.lt f32.gt f32.le f32.ge
61 dd>i f64.eq f64.ne f64.lt f64.gt f64.le f64.ge
67 i>i i32.clz i32.ctz i32.popcnt
6a ii>i i32.add i32.sub i32.mul i32.div_s i32.div_u i32.rem_s i32.rem_u i32.and i32.or i32.xor i32.shl i32.shr_s i32.shr_u i32.rotl i32.rotr
79 l>l i64.clz i64.ctz i64.popcnt
7c ll>l i64.add i64.sub i64.mul i64.div_s i64.div_u i64.rem_s i64.rem_u i64.and i64.or i64.xor i64.shl i64.shr_s i64.shr_u i64.rotl i64.rotr
8b f>f f32.abs f32.neg f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt
92 ff>f f32.add f32.sub f32.mul f32.div f32.min f32.max f32.copysign
99 d>d f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt
a0 dd>d f64.add f64.sub f64.mul f64.div f64.min f64.max f64.copysign
a7 l>i i32.wrap_i64
a8 f>i i32.trunc_f32_s i32.trunc_f32_u
aa d>i i32.trunc_f64_s i32.trunc_f64_u
ac i>l i64.extend_i32_s i64.extend_i32_u
ae f>l i64.trunc_f32_s i64.trunc_f32_u
b0 d>l i64.trunc_f64_s i64.trunc_f64_u
b2 i>f f32.convert_i32_s f32.convert_i32_u
b4 l>f f32.convert_i64_s f32.convert_i64_u
b6 d>f f32.demote_f64
b7 i>d f64.convert_i32_s f64.convert_i32_u
b9 l>d f64.convert_i64_s f64.convert_i64_u
bb f>d f64.promote_f32
bc f>i i32.reinterpret_f32
bd d>l i64.reinterpret_f64
be i>f f32.reinterpret_i32
bf l>d f64.reinterpret_i64
c0 i>i i32.extend8_s i32.extend16_s
c2 l>l i64.extend8_s i64.extend16_s i64.extend32_s
100 f>i i32.trunc_sat_f32_s i32.trunc_sat_f32_u
102 d>i i32.trunc_sat_f64_s i32.trunc_sat_f64_u
104 f>l i64.trunc_sat_f32_s i64.trunc_sat_f32_u
106 d>l i64.trunc_sat_f64_s i64.trunc_sat_f64_u
20e vv>v i8x16.swizzle
20f i>v i8x16.splat i16x8.splat i32x4.splat
212 l>v i64x2.splat
213 f>v f32x4.splat
214 d>v f64x2.splat
223 vv>v i8x16.eq i8x16.ne i8x16.lt_s i8x16.lt_u i8x16.gt_s i8x16.gt_u i8x16.le_s i8x16.le_u i8x16.ge_s i8x16.ge_u
22d vv>v i16x8.eq i16x8.ne i16x8.lt_s i16x8.lt_u i16x8.gt_s i16x8.gt_u i16x8.le_s i16x8.le_u i16x8.ge_s i16x8.ge_u
237 vv>v i32x4.eq i32x4.ne i32x4.lt_s i32x4.lt_u i32x4.gt_s i32x4.gt_u i32x4.le_s i32x4.le_u i32x4.ge_s i32x4.ge_u
241 vv>v f32x4.eq f32x4.ne f32x4.lt f32x4.gt f32x4.le f32x4.ge f64x2.eq f64x2.ne f64x2.lt f64x2.gt f64x2.le f64x2.ge
24d v>v v128.not
24e vv>v v128.and v128.andnot v128.or v128.xor
252 vvv>v v128.bitselect
253 v>i v128.any_true
25e v>v f32x4.demote_f64x2_zero f64x2.promote_low_f32x4 i8x16.abs i8x16.neg i8x16.popcnt
263 v>i i8x16.all_true i8x16.bitmask
265 vv>v i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u
267 v>v f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest
26b vi>v i8x16.shl i8x16.shr_s i8x16.shr_u
26e vv>v i8x16.add i8x16.add_sat_s i8x16.add_sat_u i8x16.sub i8x16.sub_sat_s i8x16.sub_sat_u
274 v>v f64x2.ceil f64x2.floor
276 vv>v i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u
27a v>v f64x2.trunc
27b vv>v i8x16.avgr_u
27c v>v i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u i16x8.abs i16x8.neg
282 vv>v i16x8.q15mulr_sat_s
283 v>i i16x8.all_true i16x8.bitmask
285 vv>v i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u
287 v>v i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u
28b vi>v i16x8.shl i16x8.shr_s i16x8.shr_u
28e vv>v i16x8.add i16x8.add_sat_s i16x8.add_sat_u i16x8.sub i16x8.sub_sat_s i16x8.sub_sat_u
294 v>v f64x2.nearest
295 vv>v i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u
29b vv>v i16x8.avgr_u i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s i16x8.extmul_low_i8x16_u i16x8.extmul_high_i8x16_u
2a0 v>v i32x4.abs i32x4.neg
2a3 v>i i32x4.all_true i32x4.bitmask
2a7 v>v i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_s i32x4.extend_low_i16x8_u i32x4.extend_high_i16x8_u
2ab vi>v i32x4.shl i32x4.shr_s i32x4.shr_u
2ae vv>v i32x4.add
2b1 vv>v i32x4.sub
2b5 vv>v i32x4.mul i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s
2bc vv>v i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s i32x4.extmul_low_i16x8_u i32x4.extmul_high_i16x8_u
2c0 v>v i64x2.abs i64x2.neg
2c3 v>i i64x2.all_true i64x2.bitmask
2c7 v>v i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_s i64x2.extend_low_i32x4_u i64x2.extend_high_i32x4_u
2cb vi>v i64x2.shl i64x2.shr_s i64x2.shr_u
2ce vv>v i64x2.add
2d1 vv>v i64x2.sub
2d5 vv>v i64x2.mul i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_s i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u
2e0 v>v f32x4.abs f32x4.neg
2e3 v>v f32x4.sqrt
2e4 vv>v f32x4.add f32x4.sub f32x4.mul f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax
2ec v>v f64x2.abs f64x2.neg
2ef v>v f64x2.sqrt
2f0 vv>v f64x2.add f64x2.sub f64x2.mul f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax
2f8 v>v i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u
300 vv>v i8x16.relaxed_swizzle
301 v>v i32x4.relaxed_trunc_f32x4_s i32x4.relaxed_trunc_f32x4_u i32x4.relaxed_trunc_f64x2_s_zero i32x4.relaxed_trunc_f64x2_u_zero
305 vvv>v f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd i8x16.relaxed_laneselect i16x8.relaxed_laneselect i32x4.relaxed_laneselect i64x2.relaxed_laneselect
30d vv>v f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s
313 vvv>v i32x4.relaxed_dot_i8x16_i7x16_add_s`;

const PREFIXED = `
108 memory.init * dataMemory ; 109 data.drop > data ; 10a memory.copy * memoryMemory ; 10b memory.fill * memory ;
10c table.init * elementTable ; 10d elem.drop > element ; 10e table.copy * tableTable ; 10f table.grow * table ;
110 table.size * table ; 111 table.fill * table ;
200 v128.load a>v m ; 201 v128.load8x8_s a>v m ; 202 v128.load8x8_u a>v m ; 203 v128.load16x4_s a>v m ;
204 v128.load16x4_u a>v m ; 205 v128.load32x2_s a>v m ; 206 v128.load32x2_u a>v m ; 207 v128.load8_splat a>v m ;
208 v128.load16_splat a>v m ; 209 v128.load32_splat a>v m ; 20a v128.load64_splat a>v m ; 20b v128.store av> m ;
20c v128.const >v v128 ; 20d i8x16.shuffle vv>v v128 ;
215 i8x16.extract_lane_s v>i lane ; 216 i8x16.extract_lane_u v>i lane ; 217 i8x16.replace_lane vi>v lane ;
218 i16x8.extract_lane_s v>i lane ; 219 i16x8.extract_lane_u v>i lane ; 21a i16x8.replace_lane vi>v lane ;
21b i32x4.extract_lane v>i lane ; 21c i32x4.replace_lane vi>v lane ; 21d i64x2.extract_lane v>l lane ;
21e i64x2.replace_lane vl>v lane ; 21f f32x4.extract_lane v>f lane ; 220 f32x4.replace_lane vf>v lane ;
221 f64x2.extract_lane v>d lane ; 222 f64x2.replace_lane vd>v lane ;
254 v128.load8_lane av>v ml ; 255 v128.load16_lane av>v ml ; 256 v128.load32_lane av>v ml ; 257 v128.load64_lane av>v ml ;
258 v128.store8_lane av> ml ; 259 v128.store16_lane av> ml ; 25a v128.store32_lane av> ml ; 25b v128.store64_lane av> ml ;
25c v128.load32_zero a>v m ; 25d v128.load64_zero a>v m ;
400 memory.atomic.notify ai>i m ; 401 memory.atomic.wait32 ail>i m ; 402 memory.atomic.wait64 all>i m ;
403 atomic.fence > zeroByte ;
410 i32.atomic.load a>i m ; 411 i64.atomic.load a>l m ; 412 i32.atomic.load8_u a>i m ; 413 i32.atomic.load16_u a>i m ;
414 i64.atomic.load8_u a>l m ; 415 i64.atomic.load16_u a>l m ; 416 i64.atomic.load32_u a>l m ;
417 i32.atomic.store ai> m ; 418 i64.atomic.store al> m ; 419 i32.atomic.store8 ai> m ; 41a i32.atomic.store16 ai> m ;
41b i64.atomic.store8 al> m ; 41c i64.atomic.store16 al> m ; 41d i64.atomic.store32 al> m ;`;

const RMW = ["add", "sub", "and", "or", "xor", "xchg", "cmpxchg"] as const;
const RMW_SHAPES = ["i32.rmw", "i64.rmw", "i32.rmw8", "i32.rmw16", "i64.rmw8", "i64.rmw16", "i64.rmw32"] as const;

const OPCODES = 0x450;
const LETTERS: Record<string, ValueType> = { i: I32, l: I64, f: F32, d: F64, v: V128, a: BOTTOM };
const SHORT: Record<string, keyof typeof IMMEDIATE> = { m: "memoryArgument", ml: "memoryArgumentLane" };

const names: (string | undefined)[] = new Array(OPCODES);
/** Kind of immediate by opcode; 255 where there is no such instruction. */
export const immediateOf: Uint8Array = new Uint8Array(OPCODES).fill(255);
/** How many operands an instruction of fixed effect takes; 255 where the effect depends on immediates. */
export const operandsOf: Uint8Array = new Uint8Array(OPCODES).fill(255);
/** The result type of an instruction of fixed effect; BOTTOM for none. */
export const resultOf: Int32Array = new Int32Array(OPCODES);

function define(code: number, name: string, effect: string, immediate: keyof typeof IMMEDIATE): void {
  names[code] = name;
  immediateOf[code] = IMMEDIATE[immediate];
  if (effect === "*") return;
  const [operands = "", result = ""] = effect.split(">");
  operandsOf[code] = operands.length;
  resultOf[code] = LETTERS[result] ?? BOTTOM;
}

for (const line of `${PLAIN}${PREFIXED}`.split(";")) {
  const [code, name, effect, immediate = "none"] = line.trim().split(/\s+/);
  if (code) define(parseInt(code, 16), name!, effect!, SHORT[immediate] ?? (immediate as keyof typeof IMMEDIATE));
}
for (const line of NUMERIC.trim().split("\n")) {
  const [first, effect, ...list] = line.split(" ");
  list.forEach((name, index) => {
    define(parseInt(first!, 16) + index, name, effect!, "none");
  });
}
RMW.forEach((operation, group) => {
  RMW_SHAPES.forEach((shape, index) => {
    const operand = shape.startsWith("i32") ? "i" : "l";
    const effect = `a${operand.repeat(operation === "cmpxchg" ? 2 : 1)}>${operand}`;
    const name = shape.replace(".rmw", ".atomic.rmw") + (index > 1 ? `.${operation}_u` : `.${operation}`);
    define(0x41e + group * RMW_SHAPES.length + index, name, effect, "memoryArgument");
  });
});

/** The name of an instruction as the text format has it. */
export function opcodeName(code: number): string {
  return names[code] ?? `opcode 0x${code.toString(16)}`;
}

/** Whether an opcode number stands for an instruction. */
export function opcodeDefined(code: number): boolean {
  return code < OPCODES && immediateOf[code] !== 255;
}

/** The bytes of an opcode: one, or a prefix and a LEB128. */
export function opcodeBytes(code: number): number[] {
  if (code < 0x100) return [code];
  const prefix = code >= 0x400 ? 0xfe : code >= 0x200 ? 0xfd : 0xfc;
  const sub = code - (prefix === 0xfe ? 0x400 : prefix === 0xfd ? 0x200 : 0x100);
  return sub < 0x80 ? [prefix, sub] : [prefix, (sub & 0x7f) | 0x80, sub >> 7];
}
