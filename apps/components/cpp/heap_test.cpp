// The heaps as spec 2.13 has them, seen through the PD's account: chunks, doubling, big requests, limits, warnings.
#include <rtcr/component.h>

using namespace Rtcr;

static u32 failed = 0;

static void expect(bool condition, const char *what) {
  if (!condition) failed++;
  log(condition ? "ok: " : "FAILED: ", what);
}

/** Bytes of RAM that the component uses. */
static u64 used(Env &env) { return env.pd().used_ram(); }

static void chunks(Env &env) {
  Heap heap(env);
  const u64 before = used(env);
  expect(heap.consumed() == 0 && used(env) == before, "an empty heap has no chunk");
  void *first = heap.alloc(1);
  expect(heap.consumed() == 16 * 1024, "the first chunk has 16 KiB");
  expect(addr_t(first) % 16 == 0 && addr_t(heap.alloc(3)) % 16 == 0, "blocks are aligned to 16");
  while (heap.consumed() == 16 * 1024) heap.alloc(1000);
  expect(heap.consumed() == (16 + 32) * 1024, "the second chunk is twice as large");
  while (heap.consumed() == 48 * 1024) heap.alloc(1000);
  expect(heap.consumed() == (16 + 32 + 64) * 1024, "the third again");
  size_t last = 0, step = 0;
  for (u32 i = 0; i < 3000; i++) {
    const size_t now = heap.consumed();
    heap.alloc(1000);
    if (heap.consumed() != now) step = heap.consumed() - now, last = max(last, step);
  }
  expect(last == 1024 * 1024, "no chunk is larger than 1 MiB");
  const u64 full = used(env);
  heap.free(first);
  expect(used(env) == full, "chunks are kept when blocks are freed");
}

/** Whether the dataspace of a block says that it is for one. */
static bool stated(const void *block) {
  return !memcmp(reinterpret_cast<const char *>(addr_t(block) & ~(PAGE_SIZE - 1)), "rtcr:heap block", 16);
}

static void big(Env &env) {
  const u64 before = used(env);
  {
    Heap heap(env);
    u8 *at = static_cast<u8 *>(heap.alloc(64 * 1024));
    at[0] = at[64 * 1024 - 1] = 1;
    const size_t with = heap.consumed();
    expect(with >= 64 * 1024 && with <= 64 * 1024 + 4096, "a request of 64 KiB has its own dataspace");
    expect(stated(at), "and says what it is");
    heap.free(at);
    expect(heap.consumed() == 0, "which is freed at once");
    heap.alloc(40 * 1024);
    expect(heap.consumed() > 40 * 1024 && heap.consumed() < 48 * 1024, "a request that no chunk holds gets a chunk of its size");
  }
  expect(used(env) == before, "the heap's end frees all");
}

static void refusals(Env &env) {
  Heap heap(env.ram(), env.rm(), 20 * 1024);
  void *out = nullptr;
  expect(heap.alloc(100, &out) && out, "within the limit");
  expect(!heap.alloc(20 * 1024, &out) && heap.error() == Error::OUT_OF_RAM, "beyond the limit");
  expect(!heap.quota_limit(1), "a limit below what is in use is refused");
  expect(!heap.alloc(0, &out), "a block of 0 bytes is refused");
  heap.free(&heap);
  heap.free(static_cast<u8 *>(out) + 16);
  heap.free(out);
  heap.free(out);
}

static void churn(Env &env) {
  Heap heap(env);
  constexpr u32 BLOCKS = 200;
  struct {
    u8 *at;
    u32 size;
  } blocks[BLOCKS]{};
  u32 seed = 7, wrong = 0;
  for (u32 turn = 0; turn < 5000; turn++) {
    seed = seed * 1664525 + 1013904223;
    auto &block = blocks[(seed >> 8) % BLOCKS];
    if (block.at) {
      for (u32 i = 0; i < block.size; i++)
        if (block.at[i] != u8(block.size)) wrong++;
      heap.free(block.at);
      block.at = nullptr;
    } else {
      block.size = 1 + (seed >> 16) % 700;
      block.at = static_cast<u8 *>(heap.alloc(block.size));
      memset(block.at, int(block.size), block.size);
    }
  }
  expect(wrong == 0, "5000 allocations and frees keep their content");
  expect(heap.consumed() <= (16 + 32 + 64) * 1024, "freed blocks are used again");
}

static void sliced(Env &env) {
  const u64 before = used(env);
  {
    Sliced_heap heap(env.ram(), env.rm());
    void *a = heap.alloc(100), *b = heap.alloc(5000);
    expect(used(env) - before == 3 * 4096 && heap.consumed() == 3 * 4096, "sliced: a dataspace a block");
    expect(stated(a) && stated(b), "sliced: each says what it is");
    heap.free(a);
    expect(used(env) - before == 2 * 4096, "sliced: freed at once");
    heap.free(a);
    static_cast<u8 *>(b)[4999] = 1;
  }
  expect(used(env) == before, "sliced: the heap's end frees all");
}

void Component::construct(Env &env) {
  chunks(env);
  big(env);
  refusals(env);
  churn(env);
  sliced(env);
  env.parent().exit(i32(failed));
}
