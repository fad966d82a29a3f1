import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble, bytes } from "../../test/assemble.ts";
import { decodeModule, functionName, type NameSection, nameSection } from "./index.ts";

/** The name section with the given content. */
function names(content: string): NameSection {
  return nameSection(decodeModule(bytes(`0: 04 'name' ${content}`)));
}

test("names that a compiler wrote", () => {
  const module = decodeModule(
    assemble(
      `(module $m (import "env" "log" (func $log)) (func $add (param $a i32) (local $sum i32)) (func (param $x i32)))`,
    ),
  );
  const section = nameSection(module);
  assert.deepEqual(
    [...section.functions],
    [
      [0, "log"],
      [1, "add"],
    ],
  );
  assert.deepEqual(
    [...section.locals.get(1)!],
    [
      [0, "a"],
      [1, "sum"],
    ],
  );
  assert.deepEqual([...section.locals.get(2)!], [[0, "x"]]);
  assert.equal(nameSection(module), section, "the section is decoded once");
});

test("what people call a function", () => {
  const module = decodeModule(
    bytes(
      "1: 01 60 00 00",
      "2: 02 01 'm' 01 'f' 00 00 01 'm' 01 'g' 00 00",
      "3: 04 00 00 00 00",
      "7: 02 01 'e' 00 03 05 'twice' 00 02",
      "10: 04 02 00 0b 02 00 0b 02 00 0b 02 00 0b",
      "0: 04 'name' 01 0d 03 01 03 'one' 02 02 'II' 04 00",
    ),
  );
  const called = [0, 1, 2, 3, 4, 5, 99].map((index) => functionName(module, index));
  assert.deepEqual(called, ["m.f", "one", "II", "e", "function 4", "function 5", "function 99"]);
});

test("subsections", () => {
  assert.equal(names("00 03 02 'ab'").module, "ab");
  assert.equal(names("").module, undefined);
  assert.deepEqual([...names("").functions], []);
  assert.deepEqual([...names("").locals], []);
  // Unknown ones and other orders do not matter; the first of a kind wins.
  const section = names("09 02 ff ff 01 04 01 05 01 'f' 00 02 01 'm' 00 02 01 'n'");
  assert.deepEqual([section.module, section.functions.get(5)], ["m", "f"]);
});

test("damage ends a subsection, not the module", () => {
  const functions = (content: string) => [...names(content).functions.values()];
  assert.deepEqual(functions("01 04 05 00 01 'a'"), ["a"], "fewer names than announced");
  assert.deepEqual(functions("01 07 02 00 01 'a' 01 09 'b'"), ["a"], "a name longer than its subsection");
  assert.deepEqual(functions("01 7f 01 00 01 'a'"), ["a"], "a subsection longer than the section");
  assert.deepEqual(functions("01 08 02 00 01 'a' 01 01 ff"), ["a", "\ufffd"], "a name that is not UTF-8");
  assert.deepEqual(functions("01 09 02 00 01 'a' 00 01 'b' ff"), ["a"], "the same function twice");
  assert.deepEqual(functions("01 06 ff ff ff ff 0f 00"), [], "a lying count");
  assert.deepEqual(functions("01 06 ff ff ff ff ff ff"), [], "a count that is no number");
  assert.deepEqual(functions("01"), []);
  assert.deepEqual(functions("01 ff"), []);
  const { locals } = names("02 0b 02 03 01 00 01 'x' 04 05 00 01 'y'");
  assert.deepEqual(
    [...locals].map(([index, map]) => [index, ...map.values()]),
    [
      [3, "x"],
      [4, "y"],
    ],
  );
  assert.equal(names("00 02 05 'a'").module, undefined);
});
