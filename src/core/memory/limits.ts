// Bounds of the memory layer, each enforced where the thing enters.

/** Region maps inside region maps: how deep an address space may be nested. */
export const NESTING_LIMIT = 16;
/** Steps through nested maps that one attachment may cause; beyond it the attachment is refused. */
export const PLACEMENT_STEPS_LIMIT = 2 ** 18;
/** Free places that are looked at for one alignment before a smaller alignment, or a larger place, is taken. */
export const MISFIT_LIMIT = 64;
/** Objects of core whose data fits into one block of META_BLOCK_BYTES. */
export const META_PER_BLOCK = 64;
/** What the data of regions, contexts and RPC objects is charged by, in bytes. */
export const META_BLOCK_BYTES = 4096;
/** Bytes of the 32-bit address space. */
export const ADDRESS_SPACE_BYTES = 2 ** 32;
