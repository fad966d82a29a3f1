// A heap whose blocks have dataspaces of their own, which are freed at once (spec 2.13).
//
//   block:  0 role  16 next  20 dataspace  24 bytes  32 payload
import { pages } from "./heap";
import { Mutex } from "./lock";
import { print } from "./log";
import { attachRam, BLOCK_ROLE, freeRam } from "./memory";

@lazy const HEAD: usize = 32;

export class SlicedHeap {
  private lock: Mutex = new Mutex();
  private blocks: usize = 0;
  private used: usize = 0;

  get consumed(): usize {
    return this.used;
  }

  /** @returns 0 if memory does not suffice */
  alloc(size: usize): usize {
    const bytes = pages(size + HEAD);
    if (bytes < size) return 0;
    this.lock.acquire();
    const block = attachRam(bytes, BLOCK_ROLE);
    if (block) {
      store<u32>(block, this.blocks, 16);
      store<u32>(block, bytes, 24);
      this.blocks = block;
      this.used += bytes;
    }
    this.lock.release();
    return block ? block + HEAD : 0;
  }

  /** Frees a block; an address that is not of this heap: warning. */
  free(address: usize): void {
    this.lock.acquire();
    const known = this.remove(address - HEAD);
    this.lock.release();
    if (known) return;
    print().text("Warning: sliced heap could not free memory block: ").hex(address).text(" is not allocated here").end();
  }

  /** Frees all. */
  destroy(): void {
    this.lock.acquire();
    while (this.blocks) this.remove(this.blocks);
    this.lock.release();
  }

  private remove(block: usize): bool {
    let before: usize = 0;
    let each = this.blocks;
    for (; each && each != block; each = load<u32>(each, 16)) before = each;
    if (!each) return false;
    if (before) store<u32>(before, load<u32>(block, 16), 16);
    else this.blocks = load<u32>(block, 16);
    this.used -= load<u32>(block, 24);
    freeRam(load<u32>(block, 20));
    return true;
  }
}
