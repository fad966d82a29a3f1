// Random programs of nested control: each piece of text takes an expression that yields an i32 and wraps it into
// another that does, so that safe points come to stand below any number of operands, blocks, loops and tries.
//
// What Binaryen's fuzzer makes (random-modules.ts) is wide and seldom reaches a safe point; these reach many.

import type { Random } from "./random.ts";

/** `X` is the expression inside, `@` a number of the piece's own; `$c@` and `$s@` are its locals. */
const PIECES: readonly string[] = [
  "(i32.add (call $tick) X)",
  "(block $b@ (result i32) (drop (br_if $b@ (i32.const 7) (i32.eqz (call $tick)))) X)",
  "(loop (result i32) X)",
  "(block (result i32) (local.set $c@ (i32.const 3)) (local.set $s@ (i32.const 0)) (loop $l@ (local.set $s@ (i32.add (i32.mul (local.get $s@) (i32.const 3)) X)) (br_if $l@ (local.tee $c@ (i32.sub (local.get $c@) (i32.const 1))))) (local.get $s@))",
  "(i32.const 3) (loop $l@ (param i32) (result i32) (local.set $c@) (i64.const 9) (local.get $c@) X (i32.add) (local.set $s@) (drop) (local.get $s@) (if (param i32) (result i32) (i32.lt_u (local.get $c@) (i32.const 400)) (then (br $l@ (i32.add (i32.const 300))))))",
  "(if (result i32) (call $tick) (then X) (else (i32.const 5)))",
  "(if (result i32) (i32.eqz (call $tick)) (then (i32.const 5)) (else X))",
  "(i32x4.extract_lane 1 (i32x4.add (i32x4.splat (call $tick)) (i32x4.splat X)))",
  "(i32.wrap_i64 (i64.add (i64.extend_i32_u (call $tick)) (i64.extend_i32_s X)))",
  "(i32.trunc_sat_f64_s (f64.add (f64.convert_i32_s (call $tick)) (f64.convert_i32_s X)))",
  "(call $id X)",
  "(call_indirect $t (type $i) X (i32.const 0))",
  "(call $tail X (i32.const 3))",
  "(call $host X)",
  "(call $two) (local.set $c@) (local.set $s@) X (i32.add (local.get $c@)) (i32.add (local.get $s@))",
];
const EXCEPTIONS: readonly string[] = [
  "(block $h@ (result i32) (try_table (result i32) (catch $e $h@) X))",
  "(block $h@ (result i32) (try_table (catch $e $h@) (throw $e X)) (unreachable))",
  "(block $o@ (result i32) (block $h@ (result i32 exnref) (try_table (catch_ref $e $h@) (throw $e X)) (unreachable)) (drop) (br $o@ (i32.add (call $tick))))",
  "(block $h@ (result i32) (try_table (catch $e $h@) (block $r@ (result exnref) (try_table (catch_all_ref $r@) (throw $e X)) (unreachable)) (drop (call $tick)) (throw_ref)) (unreachable))",
];
const LEGACY: readonly string[] = [
  "(try (result i32) (do X) (catch $e))",
  "(try (result i32) (do (throw $e X)) (catch $e (i32.add (call $tick))))",
  "(try (result i32) (do (throw $e (call $tick))) (catch $e X (i32.add)))",
  "(try (result i32) (do (try (result i32) (do (throw $e (call $tick))) (catch_all X (local.set $s@) (if (i32.lt_s (local.get $s@) (i32.const 100000000)) (then (rethrow 1))) (local.get $s@)))) (catch $e (i32.add (local.get $s@))))",
  "(try (result i32) (do (try (result i32) (do (throw $e X)) (delegate 0))) (catch $e))",
];
const LEAVES = ["(call $tick)", "(call_indirect $t (type $i) (call $tick) (i32.const 1))", "(call $rec (i32.const 3))"];

/** What the pieces call; `$tick`, `$id`, `$e`, `$t` and `$host` come from elsewhere. */
export const HELPERS = `(func $inc (type $i) (i32.add (local.get 0) (call $tick))) (func $two (result i32 i32) (call $tick) (call $tick))
  (func $tail (param i32 i32) (result i32) (if (local.get 1) (then (return_call $tail (i32.add (local.get 0) (call $tick)) (i32.sub (local.get 1) (i32.const 1))))) (return_call_indirect $t (type $i) (local.get 0) (i32.const 0)))
  (func $rec (type $i) (if (result i32) (local.get 0) (then (i32.add (local.get 0) (call $rec (i32.sub (local.get 0) (i32.const 1))))) (else (call $tick))))`;

/** Imports in front of everything else. */
export const HOST_IMPORT = `(type $i (func (param i32) (result i32))) (import "env" "host" (func $host (param i32) (result i32)))`;

export class Nests {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * A function `header (param i32) (result i32)` of `least` to `most` nested pieces.
   *
   * @param leaf the expression inside all of them; default a random one
   */
  function(
    header: string,
    kind: "exceptions" | "legacy",
    [least, most]: readonly [number, number],
    leaf?: string,
  ): string {
    const pieces = [...PIECES, ...(kind === "legacy" ? LEGACY : EXCEPTIONS)];
    const depth = least + this.#random.below(most - least + 1);
    let text = leaf ?? this.#random.pick(LEAVES);
    let locals = "";
    for (let number = 0; number < depth; number++) {
      const inner = text;
      text = this.#random
        .pick(pieces)
        .replaceAll("@", String(number))
        .replace("X", () => inner);
      locals += `(local $c${number} i32) (local $s${number} i32) `;
    }
    return `(func ${header} (param i32) (result i32) ${locals}${text})`;
  }
}
