// SIMD through v128: sums of bytes, a filter over pixels, products of small matrices, compared with plain loops.

const count = process.argv.length > 1 ? I32.parseInt(process.argv[1]) : 60;
const bytes = new Uint8Array(count * 16 + 16);
for (let i = 0; i < bytes.length; i++) bytes[i] = <u8>((i * i) >> 3);

function sumOfBytes(data: Uint8Array, blocks: i32): u32 {
  let sums = i32x4.splat(0);
  for (let i = 0; i < blocks; i++) {
    const block = v128.load(data.dataStart + i * 16);
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(block)));
  }
  return (
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3)
  );
}

/** Replaces each byte by the rounded mean of itself and the next. */
function smooth(data: Uint8Array, blocks: i32): void {
  for (let i = 0; i < blocks; i++) {
    const at = data.dataStart + i * 16;
    v128.store(at, i8x16.avgr_u(v128.load(at), v128.load(at, 1)));
  }
}

/** Halves a vector, turns its lanes round and adds a multiple of the first to all. */
function turned(vector: v128, angle: f32): v128 {
  const row = f32x4(1, angle, -angle, 0.5);
  const first = v128.shuffle<f32>(vector, vector, 0, 0, 0, 0);
  const round = v128.shuffle<f32>(vector, row, 1, 2, 3, 4);
  return f32x4.add(f32x4.mul(round, f32x4.splat(0.5)), f32x4.mul(row, f32x4.mul(first, f32x4.splat(0.25))));
}

function plainSum(data: Uint8Array, length: i32): u32 {
  let sum: u32 = 0;
  for (let i = 0; i < length; i++) sum += data[i];
  return sum;
}

for (let turn = 0; turn < 5; turn++) {
  const quick = sumOfBytes(bytes, count);
  console.log(`sum ${quick}, ${quick === plainSum(bytes, count * 16) ? "equal" : "different"}`);
  smooth(bytes, count);
}

let vector = f32x4(1, 2, 3, 4);
for (let i = 0; i < count * 10; i++) vector = turned(vector, <f32>(i % 5) * 0.25);
const lanes = v128.and(vector, i32x4.splat(-256));
console.log(`lanes ${i32x4.extract_lane(lanes, 0)} ${i32x4.extract_lane(lanes, 3)} ${i8x16.bitmask(lanes)}`);
