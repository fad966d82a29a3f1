// Services that end before their clients: a child under RTCR sees what it would see without (S4, S62), and nothing that it
// does with what it has left harms the kernel (S6).
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../test/contracts/bytes-dataspace.ts";
import { ask, log, logged, main } from "../../test/support/guest-code.ts";
import { SLOT, TestSystem } from "../../test/support/kernel-system.ts";
import { CALL_STATUS, RPC } from "../abi/index.ts";
import { CoreLog, CoreReport, CoreTimer, RomModules, VirtualClock } from "../core/index.ts";
import type { KernelObject } from "../session/index.ts";
import { required, success } from "../util/index.ts";
import { DirectCopier } from "./copier.ts";
import { RtcrCpu, RtcrLog, RtcrReport, RtcrRom, RtcrTimer } from "./index.ts";
import { RecordReader } from "./record-reader.ts";
import { RecordWriter } from "./record-writer.ts";
import { READ } from "./records.ts";
import type { Opened } from "./session.ts";
import { ChildContext } from "./tracked.ts";
import type { Interposer } from "./tracked-child.ts";

const roms = new RomModules((size) => success(bytesDataspace(size, "rom")));
roms.boot("program", new Uint8Array(8));

/** Each kind of session that another component than core may serve, and what stands in front of it. */
const KINDS: readonly (readonly [KernelObject, new (context: ChildContext, opened: Opened<never>) => Interposer])[] = [
  [new CoreLog("child", () => {}), RtcrLog],
  [new CoreTimer(new VirtualClock().alarms), RtcrTimer],
  [new CoreReport(bytesDataspace(4096), () => {}), RtcrReport],
  [required(roms.open("program"), "the module"), RtcrRom],
];

for (const [real, Class] of KINDS) {
  test(`S4, S62: every call of a ${real.kind} session whose server is gone ends as an invalid object`, async () => {
    const system = new TestSystem();
    const opcodes = required(RPC[real.kind], "its functions").map((_, opcode) => opcode);
    const child = system.component("child", main(opcodes.map((opcode) => log(ask(SLOT.free, opcode))).join(" ")));
    const server = system.core.badges.identify(real);
    const context = new ChildContext(system.core.badges);
    const session = new Class(context, { id: 6, args: 'label="x"', real: server.capability as never });
    assert.equal(child.component.table.insert(session.base.capability), SLOT.free);
    server.dispose();
    child.start("main");
    await system.rest();
    assert.deepEqual(
      logged(system, "child"),
      opcodes.map(() => CALL_STATUS.invalidObject << 16),
    );
    session.dispose();
    system.close();
  });
}

test("S68, S72: a thread whose component has ended leaves the checkpoints of its child", () => {
  const system = new TestSystem();
  const { pd, cpu } = system.component("child", main(""));
  const context = new ChildContext(system.core.badges);
  const session = new RtcrCpu(context, { id: 3, args: "", real: system.capability(cpu) });
  const made = session.createThread(pd.capability, { name: "main" });
  assert.ok(made.ok);
  assert.equal(recorded(session).length, 1);
  pd.destroy();
  assert.equal(made.value.valid, false);
  assert.deepEqual(recorded(session), []);
  session.dispose();
  system.close();
});

/** The threads that a checkpoint of the session has. */
function recorded(session: RtcrCpu): readonly unknown[] {
  const bytes = new Uint8Array(4096);
  const records = new RecordWriter(bytes, new DirectCopier(bytes));
  session.checkpoint(records);
  return READ.cpu(new RecordReader(bytes.subarray(0, records.neededBytes))).threads;
}
