// The areas of the guest ABI are where core lays out components.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ADDRESS_SPACE } from "../../abi/index.ts";
import { LAYOUTS, STACK_AREA_BYTES, STACK_SLOT_BYTES } from "./areas.ts";

test("S22: guests find their stack area where it is", () => {
  assert.deepEqual(ADDRESS_SPACE, {
    linkerArea: LAYOUTS.component.linkerArea,
    stackArea: LAYOUTS.component.stackArea,
    stackAreaBytes: STACK_AREA_BYTES,
    stackSlotBytes: STACK_SLOT_BYTES,
  });
});
