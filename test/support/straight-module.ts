// Random functions of loads and stores behind a few pointers, as compilers write them: statements that assign pointers,
// read and write fields, sit in branches and short loops.

import type { Random } from "../random.ts";

/** The text of a module whose function `f` takes (p i32, q i32, x i64) and returns an i64. */
export function straightModule(random: Random): string {
  const statements = (count: number, depth: number): string =>
    Array.from({ length: count }, () => statement(random, statements, depth)).join("\n");
  return `(module (memory (export "memory") 1 1 shared)
    (func $g (param i32) (result i32) (i32.load16_u offset=6 (local.get 0)))
    (func (export "f") (param $p i32) (param $q i32) (param $x i64) (result i64) (local $r i32) (local $k i32) (local $n i32) (local $m i32)
      (local.set $r (local.get $q))
      ${statements(14, 0)}
      (i64.add (local.get $x) (i64.extend_i32_u (local.get $r)))))`;
}

function statement(random: Random, statements: (count: number, depth: number) => string, depth: number): string {
  const pointer = random.pick(["$p", "$q", "$r"]);
  const offset = `offset=${random.pick([0, 4, 8, 12, 40, 1000, 5000])}`;
  const far = `(i32.const ${random.pick([1, 4, 8, 16, 24, 100, -8, -40, 4096])})`;
  const get = `(local.get ${pointer})`;
  const x = "(local.get $x)";
  const scaled = "(i32.shl (local.get $k) (i32.const 3))";
  switch (random.below(depth < 2 ? 18 : 12)) {
    case 0:
      return `(i64.store ${offset} ${get} ${x})`;
    case 1:
      return `(local.set $x (i64.add ${x} (i64.load ${offset} ${get})))`;
    case 2:
      return `(local.set ${pointer} (i32.add ${get} ${far}))`;
    case 3:
      return `(i32.store8 ${offset} (i32.add ${get} ${far}) (i32.wrap_i64 ${x}))`;
    case 4:
      return `(local.set $x (i64.xor ${x} (i64.load32_u ${offset} (local.tee $r (i32.add ${get} ${scaled})))))`;
    case 5:
      return `(local.set $k (i32.and (i32.wrap_i64 ${x}) (i32.const 255)))`;
    case 6:
      return `(i32.store ${offset} ${get} (i32.load ${offset} (local.get $q)))`;
    case 7:
      return `(local.set $r (i32.and (i32.load ${offset} ${get}) (i32.const 0x7fff)))`;
    case 8:
      return `(v128.store ${offset} ${get} (v128.load8_splat (i32.sub (local.get $q) ${far})))`;
    case 9:
      return `(i32.store16 (i32.and (i32.load ${get}) (i32.const 0x3fff)) (i32.load16_s ${offset} (i32.xor ${get} (i32.const 2))))`;
    case 10:
      return `(local.set $x (i64.rotl ${x} (i64.load8_u ${offset} (local.tee ${pointer} (i32.add ${get} ${far})))))`;
    case 11:
      // Values on the stack across accesses that may be the first of their pointers.
      return `(local.set $x (i64.add (i64.const ${random.below(1000)}) (i64.sub (i64.load ${offset} ${get}) (i64.mul ${x} (i64.extend_i32_u
        (i32.add (local.get $k) (i32.load16_u ${offset} (local.tee $r (i32.and (i32.load ${get}) (i32.const 0x7fff))))))))))`;
    case 12:
      return `(block ${statements(2, depth + 1)} (br_if 0 (i32.and (i32.load8_u ${offset} ${get}) (i32.const 1))) ${statements(3, depth + 1)}
        (br_if 0 (i32.lt_u (local.get $k) (i32.const 99))) (i32.store ${offset} ${get} (local.get $k)))`;
    case 13:
      return `(local.set $k (block (result i32) (i32.load ${offset} ${get}) (br_if 0 (i32.load8_s offset=2 ${get})) (i32.store ${get}) (local.get $k)))`;
    case 14:
      return `(if (i32.and (i32.load8_u ${get}) (i32.const 1)) (then ${statements(3, depth + 1)}) (else ${statements(2, depth + 1)}))`;
    case 15:
      return `(local.set $k (i32.and (call $g ${get}) (i32.const 63)))`;
    case 16: {
      const count = depth === 0 ? "$n" : "$m";
      const turns = random.pick([3, 40, 700]);
      return `(local.set ${count} (i32.const ${turns})) (loop $l ${statements(3, 2)} (br_if $l (local.tee ${count} (i32.sub (local.get ${count}) (i32.const 1)))))`;
    }
    default: {
      // Runs a pointer, as strength reduction makes it; the end is not known.
      const count = depth === 0 ? "$n" : "$m";
      const step = random.pick([1, 4, 8, -4, 16]);
      return `(local.set ${count} (i32.and (i32.wrap_i64 ${x}) (i32.const 511))) (block $b (loop $l
        (br_if $b (i32.eqz (local.get ${count})))
        (i32.store8 ${offset} ${get} (i32.add (i32.load8_u (local.get $q)) (local.get ${count})))
        ${random.below(2) ? `(if (i32.load8_u offset=1 ${get}) (then (local.set $x (i64.add ${x} (i64.load16_u ${offset} ${get})))))` : ""}
        (local.set ${pointer} (i32.add ${get} (i32.const ${step}))) ${random.below(2) ? "(local.set $q (i32.add (local.get $q) (i32.const 1)))" : ""}
        (local.set ${count} (i32.sub (local.get ${count}) (i32.const 1))) (br $l)))`;
    }
  }
}
