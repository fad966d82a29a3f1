// Heaps over dataspaces (spec 2.13). All functions may be called by several threads.
#pragma once
#include "env.h"

namespace Rtcr {

/** Genode's interface: memory by size, given back with size. */
class Allocator : Noncopyable {
 public:
  virtual ~Allocator() = default;
  /** @returns false, and `out` unchanged: quota or memory do not suffice, or the size is 0 */
  virtual bool alloc(size_t size, void **out) = 0;
  /** `size` is for checks of the caller; 0 is fine. */
  virtual void free(void *addr, size_t size) = 0;
  virtual size_t consumed() const = 0;
  virtual size_t overhead(size_t size) const = 0;
  /** A convenience: null instead of false. */
  void *alloc(size_t size) {
    void *out = nullptr;
    alloc(size, &out);
    return out;
  }
};

/**
 * Blocks of 16 bytes alignment out of chunks that are kept until the heap dies.
 *
 * The first chunk has 16 KiB, each further one is twice as large, up to 1 MiB. A request that does not fit into such a
 * chunk gets one of its own size, rounded up to pages; requests from 64 KiB on get their own dataspace, which is freed at
 * once. A bitmap at the head of each chunk says where blocks in use begin, so that no foreign address is ever freed.
 */
class Heap : public Allocator {
 public:
  static constexpr size_t UNLIMITED = ~size_t(0), FIRST_CHUNK = 4 * 1024 * 4, MAX_CHUNK = 256 * 1024 * 4,
                          BIG = 64 * 1024, ALIGN = 16;

  Heap(Ram &ram, Region_map &rm, size_t quota_limit = UNLIMITED) : _ram(ram), _rm(rm), _limit(quota_limit) {}
  Heap(Env &env) : Heap(env.ram(), env.rm()) {}
  ~Heap() override;

  using Allocator::alloc;
  bool alloc(size_t size, void **out) override;
  void free(void *addr, size_t size = 0) override;
  /** Bytes of dataspaces in use. */
  size_t consumed() const override { return _used; }
  size_t overhead(size_t) const override { return 8; }
  size_t quota_limit() const { return _limit; }
  /** @returns false if more is in use already */
  bool quota_limit(size_t limit);
  /** Why the last allocation failed. `out-of-caps` is an exception in Genode. */
  Error error() const { return _error; }

 private:
  struct Chunk;
  struct Block;
  static constexpr u32 BINS = 28;

  Ram &_ram;
  Region_map &_rm;
  size_t _limit, _used = 0, _next_chunk = FIRST_CHUNK;
  Chunk *_chunks = nullptr;
  Block *_bins[BINS]{};
  Error _error = Error::OK;
  Mutex _mutex;

  Chunk *_add_chunk(size_t bytes, bool big);
  void _remove_chunk(Chunk *chunk);
  Chunk *_chunk_of(addr_t at) const;
  bool _alloc_big(size_t size, void **out);
  Block *_find(size_t size) const;
  void _insert(Block *block);
  void _remove(Block *block);
  void *_take(Block *block, size_t size);
};

/** Every block in a dataspace of its own. */
class Sliced_heap : public Allocator {
  struct Block;
  Ram &_ram;
  Region_map &_rm;
  Block *_blocks = nullptr;
  size_t _used = 0;
  Mutex _mutex;

  void _release(Block *block);

 public:
  Sliced_heap(Ram &ram, Region_map &rm) : _ram(ram), _rm(rm) {}
  ~Sliced_heap() override;
  using Allocator::alloc;
  bool alloc(size_t size, void **out) override;
  void free(void *addr, size_t size = 0) override;
  size_t consumed() const override { return _used; }
  size_t overhead(size_t size) const override;
};

/** Ends an object that `new (alloc) T(...)` has made. */
template <typename T> void destroy(Allocator &alloc, T *object) {
  if (!object) return;
  object->~T();
  alloc.free(object, sizeof(T));
}

} // namespace Rtcr

/** Null if there is no memory. */
inline void *operator new(__SIZE_TYPE__ size, Rtcr::Allocator &alloc) noexcept { return alloc.alloc(size); }
inline void *operator new(__SIZE_TYPE__ size, Rtcr::Allocator *alloc) noexcept { return alloc->alloc(size); }
