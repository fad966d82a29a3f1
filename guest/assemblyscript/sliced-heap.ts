// A heap whose blocks have dataspaces of their own, which are freed at once (spec 2.13).
//
//   block:  0 next  4 dataspace  8 bytes  16 payload
import { pages } from "./heap";
import { Mutex } from "./lock";
import { print } from "./log";
import { attachRam, freeRam } from "./memory";

@lazy const HEAD: usize = 16;

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
    const block = attachRam(bytes);
    if (block) {
      store<u32>(block, this.blocks);
      store<u32>(block, bytes, 8);
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
    for (; each && each != block; each = load<u32>(each)) before = each;
    if (!each) return false;
    if (before) store<u32>(before, load<u32>(block));
    else this.blocks = load<u32>(block);
    this.used -= load<u32>(block, 8);
    freeRam(load<u32>(block, 4));
    return true;
  }
}
