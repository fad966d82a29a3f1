// Where things lie in a component's 32-bit address space (docs/ARCHITECTURE.md, "Addresses").
//
//   layout     0              linker area      stack area       other attachments from
//   component  the program    0                160 MiB          416 MiB
//   plain      the program    3,680 MiB        3,840 MiB        the program's end, as it grows
//
// A component's program (data, bss, its own stack) begins at address 0 as the compiler laid it out, so the linker area
// begins there. A plain program's linear memory must stay one piece that begins at 0 and grows at its end; the two areas
// hold nothing then and are out of its way.
//
// A component's memory.grow adds to the linker area as long as nothing is attached behind it, else behind everything: its
// linear memory ends in the linker area or at 416 MiB and beyond, never among the stacks.

const MIB = 2 ** 20;

export const STACK_AREA_BYTES = 256 * MIB;
/** Each stack's top is the end of its slot. */
export const STACK_SLOT_BYTES = MIB;
export const LINKER_AREA_BYTES = 160 * MIB;

export interface Layout {
  readonly linkerArea: number;
  readonly stackArea: number;
  /** Where automatic placement begins. */
  readonly lowestAutomatic: number;
}

export const LAYOUTS = {
  component: { linkerArea: 0, stackArea: LINKER_AREA_BYTES, lowestAutomatic: LINKER_AREA_BYTES + STACK_AREA_BYTES },
  plain: { linkerArea: 3680 * MIB, stackArea: 3840 * MIB, lowestAutomatic: LINKER_AREA_BYTES + STACK_AREA_BYTES },
} as const satisfies Record<string, Layout>;
export type LayoutName = keyof typeof LAYOUTS;
