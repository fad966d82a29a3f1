// A rewritten program is kept by its bytes and by how it was rewritten, by nothing else: components come and go. Those that none runs are
// let go of, but for those that were loaded last.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../../test/assemble.ts";
import { TestSystem } from "../../../test/support/kernel-system.ts";
import { Badges, INVALID, type KernelObject } from "../../session/index.ts";
import { nodeSha256 } from "../../store/index-node.ts";
import { ByteWriter } from "../../util/index.ts";
import { Kernel, noKernelTicker } from "./index.ts";

test("the same bytes are rewritten once, whichever PD names the component to itself", () => {
  const badges = new Badges();
  const kernel = new Kernel({ badges, hash: nodeSha256, ticker: noKernelTicker });
  const bytes = assemble('(module (memory (export "memory") 1) (func (export "_start")))');
  const object = (): KernelObject => ({ kind: "pd" }) as KernelObject;
  const first = kernel.loadProgram(bytes, {});
  const pds = [INVALID, badges.identify(object()).capability, badges.identify(object()).capability];
  for (const pd of pds) assert.equal(kernel.loadProgram(bytes, { pd: pd as never, growthRequests: true }), first);
  assert.notEqual(kernel.loadProgram(bytes, { windows: true }), first);
  kernel.scheduler.close();
});

/** Different ones have different bytes. */
const numbered = (number: number) =>
  assemble(`(module (memory (export "memory") 1) (func (export "_start") (drop (i32.const ${number}))))`);

/** With a custom section of so many bytes. */
function large(number: number, bytes: number): Uint8Array {
  const writer = new ByteWriter(bytes + 1024);
  writer.bytes(numbered(number));
  writer.u8(0);
  const section = new Uint8Array(bytes);
  section.set([1, 0x78]); // its name
  writer.sized(section);
  return writer.view().slice();
}

test("S14: programs that nobody runs any more are let go of, those that were loaded last are kept", () => {
  const system = new TestSystem();
  const { programs } = system.kernel;
  const running = system.component("running", numbered(-1));
  for (let number = 0; number < 60; number++) {
    system.component("ends", numbered(number)).pd.destroy();
    assert.equal(programs.count, 1 + Math.min(number + 1, 16), `${number}`);
  }
  const { program } = running.component;
  assert.equal(system.component("again", numbered(-1)).component.program, program, "it runs, so it is kept");
  assert.equal(programs.count, 17);
  const made = system.kernel.loadProgram(numbered(59), {});
  assert.equal(system.kernel.loadProgram(numbered(59), {}), made);
  assert.equal(programs.count, 17, "it was kept");
  system.kernel.loadProgram(numbered(0), {});
  assert.equal(programs.count, 18, "it was not");
  system.close();
});

test("S14: of large programs fewer are kept", () => {
  const system = new TestSystem();
  const { programs } = system.kernel;
  for (let number = 0; number < 9; number++) system.component("ends", large(number, 10 << 20)).pd.destroy();
  assert.equal(programs.count, 6);
  system.close();
});

const REFUSED = {
  "an import that there is not": '(import "env" "unknown" (func))',
  "functions of WASI without sessions": '(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))',
  "more RAM than its PD has": "(table 10000000 funcref) (memory 60000)",
};

for (const [why, fields] of Object.entries(REFUSED)) {
  test(`S14: of programs that were refused no more are kept: ${why}`, () => {
    const system = new TestSystem();
    const { object: native } = system.pd("refused").nativePd();
    for (let number = 0; number < 40; number++) {
      const code = `(module ${fields} (func (export "_start") (drop (i32.const ${number}))))`;
      assert.ok(!native!.load(system.rom(assemble(code))).ok);
    }
    assert.ok(system.kernel.programs.count <= 16, `${system.kernel.programs.count}`);
    system.close();
  });
}

test("S14: for a program that its PD cannot pay for no sessions of WASI are opened", () => {
  let sessions = 0;
  const system = new TestSystem({ wasi: () => void sessions++ });
  const code = `(module ${REFUSED["functions of WASI without sessions"]} ${REFUSED["more RAM than its PD has"]} (func (export "_start")))`;
  const loaded = system
    .pd("refused")
    .nativePd()
    .object!.load(system.rom(assemble(code)));
  assert.deepEqual([loaded, sessions], [{ ok: false, reason: "out-of-ram" }, 0]);
  system.close();
});
