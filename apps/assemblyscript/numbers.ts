// Numbers of every width: modular powers in u64, f32 against f64, small integers that wrap, bit counts, conversions.

function powerModulo(base: u64, exponent: u64, modulus: u64): u64 {
  let result: u64 = 1;
  for (base %= modulus; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return result;
}

/** Miller and Rabin's test, exact below 3,215,031,751. */
function prime(n: u64): bool {
  if (n < 8) return n === 2 || n === 3 || n === 5 || n === 7;
  if (n % 2 === 0) return false;
  const twos = ctz(n - 1);
  const witnesses: u64[] = [2, 3, 5, 7];
  for (let i = 0; i < witnesses.length; i++) {
    let x = powerModulo(witnesses[i], (n - 1) >> twos, n);
    let passed = x === 1 || x === n - 1;
    for (let k: u64 = 1; k < twos && !passed; k++) {
      x = (x * x) % n;
      passed = x === n - 1;
    }
    if (!passed) return false;
  }
  return true;
}

function wrapped(count: i32): i64 {
  let small: i8 = 0;
  let medium: u16 = 0;
  let large: i64 = 1;
  for (let i = 0; i < count; i++) {
    small += <i8>(i * 7);
    medium = medium * 31 + <u16>small;
    large = rotl(large ^ ((<i64>medium) << 20), 11) + popcnt(large) * <i64>clz(medium | 1);
  }
  return large;
}

const count = process.argv.length > 1 ? I32.parseInt(process.argv[1]) : 15;
let found = 0;
let last: u64 = 0;
for (let n: u64 = 1000000007; found < count; n += 2) {
  if (!prime(n)) continue;
  found++;
  last = n;
}
console.log(`${found} primes, the last is ${last}`);
console.log(`wrapped ${wrapped(count * 20)}`);

let single: f32 = 1;
let double: f64 = 1;
for (let i = 0; i < count * 10; i++) {
  single = single * 1.01 - single / <f32>(i + 2);
  double = double * 1.01 - double / <f64>(i + 2);
}
console.log(`single ${<i32>(single * 1e6)}, double ${<i32>(double * 1e9)}`);
console.log(`nearest ${nearest(2.5)} ${nearest(-1.5)} ${<i32>f32.MAX_SAFE_INTEGER} ${reinterpret<u32>(single)}`);
