// What a component that a child keeps was loaded from: it is loaded from there again, so what is not there is refused by name.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RtcrPd } from "../../src/rtcr/index.ts";
import {
  type Capability,
  DONATION,
  type NativePd,
  objectOf,
  type PdSession,
  type RomSession,
  writeQuota,
} from "../../src/session/index.ts";
import { component, Rig } from "./rig.ts";

const [PD_ID, ROM_ID] = [100, 101];

/** A child with a component of its own, which has no program yet; calls are the child's. */
async function withComponent() {
  const rig = new Rig({
    children: [{ name: "keeper", binary: "sheep_counter", inside: '<config turns="4" iterations="20"/>' }],
    ...{ programs: ["stack_counter"], quota: 'caps="500" ram="16M"' },
  });
  assert.ok(await rig.run(100));
  const own = rig.rtcr.child("keeper")!.of(RtcrPd)[0]!;
  const parent = own.parent!;
  const session = (id: number, service: "PD" | "ROM", label: string) => {
    const opened = parent.session(id, service, `${writeQuota(DONATION[service])}, label="${label}"`);
    assert.ok(opened.ok);
    return opened.value;
  };
  const capability = session(PD_ID, "PD", "inside") as Capability<PdSession>;
  const pd = objectOf<PdSession>(capability, "pd")!;
  assert.ok(pd.refAccount(own.base.capability).ok);
  assert.ok(own.transferRamQuota(capability, 2 << 20).ok && own.transferCapQuota(capability, 50).ok);
  const open = (label: string) => objectOf<RomSession>(session(ROM_ID, "ROM", label), "rom")!;
  return { rig, own, parent, open, native: objectOf<NativePd>(pd.nativePd(), "native-pd")! };
}

const REFUSED = {
  code: "unsaveable",
  message:
    'child "keeper": component "inside": its program is not from a ROM session that is open: it could not be loaded again',
};

test("S96, S107: a program from a ROM session is in the checkpoint, until that session is closed", async () => {
  const { rig, parent, open, native } = await withComponent();
  const rom = open("stack_counter");
  assert.ok(native.load(rom.dataspace()).ok, native.problem());
  const [inside] = rig.rtcr.checkpoint("open").system.children[0]!.components!;
  assert.equal(inside!.name, "inside");
  assert.match(inside!.program, /^[0-9a-f]{64}$/);
  parent.close(ROM_ID);
  assert.throws(() => rig.rtcr.checkpoint("closed"), REFUSED);
  const said = rig.lines.length;
  await rig.run();
  assert.ok(rig.lines.length > said, "everything runs on");
  rig.close();
});

test("S96, S107: a program from the child's own memory is refused by name", async () => {
  const { rig, own, native } = await withComponent();
  const binary = component("stack_counter");
  const made = own.alloc(binary.length);
  assert.ok(made.ok);
  made.value.object!.write(0, binary);
  assert.ok(native.load(made.value).ok, native.problem());
  assert.throws(() => rig.rtcr.checkpoint("now"), REFUSED);
  await rig.run();
  rig.close();
});
