// Chunk, from its beginning (page-aligned), where it says what it is (docs/GUEST-ABI.md):
//
//   header | bitmap: one bit for each 16 bytes | blocks
//
// A block is a header of 8 bytes and its payload; payloads are aligned to 16, so blocks begin 8 bytes before a multiple
// of 16. The last block of a chunk is a sentinel of size 0 that is in use.
//
// I1  Blocks lie side by side: `size` leads to the next, `previous` to the one before.
// I2  Two free blocks never touch.
// I3  The bit of a payload's address is set exactly while the block is in use.
#include "rtcr/heap.h"
#include "rtcr/log.h"

namespace Rtcr {

/** At the beginning of a dataspace: what it is for. */
struct Role {
  char text[16];
};
static constexpr Role HEAP_CHUNK{"rtcr:heap chunk"}, HEAP_BLOCK{"rtcr:heap block"};

struct Heap::Chunk {
  Role role;
  Chunk *next;
  Ram_dataspace_capability ds;
  size_t bytes;
  /** Holds one request of at least BIG; the payload begins behind the header. */
  bool big;
  /** The payload of the first block. */
  addr_t first;

  u32 *bitmap() { return reinterpret_cast<u32 *>(this + 1); }
  static size_t bitmap_bytes(size_t bytes) { return align_up(bytes / ALIGN / 8, 4); }
  size_t index(addr_t at) const { return (at - addr_t(this)) / ALIGN; }
  bool used(addr_t at) { return bitmap()[index(at) / 32] >> index(at) % 32 & 1; }
  void mark(addr_t at, bool used) {
    u32 &word = bitmap()[index(at) / 32];
    const u32 bit = 1u << index(at) % 32;
    word = used ? word | bit : word & ~bit;
  }
};

struct Heap::Block {
  /** Header included; a multiple of 16. */
  u32 size;
  u32 previous : 31;
  u32 used : 1;
  // only while free
  Block *next_free, *previous_free;

  addr_t payload() const { return addr_t(this) + 8; }
  Block *next() { return reinterpret_cast<Block *>(addr_t(this) + size); }
  Block *before() { return reinterpret_cast<Block *>(addr_t(this) - previous); }
  static Block *of(addr_t payload) { return reinterpret_cast<Block *>(payload - 8); }
  static u32 bin_of(size_t size) { return min(u32(BINS - 1), u32(31 - __builtin_clz(u32(size))) - 4); }
};

Heap::~Heap() {
  while (_chunks) _remove_chunk(_chunks);
}

bool Heap::quota_limit(size_t limit) {
  Mutex::Guard guard(_mutex);
  if (limit < _used) return false;
  _limit = limit;
  return true;
}

Heap::Chunk *Heap::_add_chunk(size_t bytes, bool big) {
  if (bytes > _limit - min(_used, _limit)) {
    _error = Error::OUT_OF_RAM;
    return nullptr;
  }
  const auto ds = _ram.alloc(bytes);
  _error = ds.error;
  if (!ds.ok()) return nullptr;
  const auto at = _rm.attach(ds.value);
  _error = at.error;
  if (!at.ok()) {
    _ram.free(ds.value);
    return nullptr;
  }
  auto *chunk = new (reinterpret_cast<void *>(at.value)) Chunk{big ? HEAP_BLOCK : HEAP_CHUNK, _chunks, ds.value, bytes, big, 0};
  _chunks = chunk;
  _used += bytes;
  const size_t map = big ? 0 : Chunk::bitmap_bytes(bytes);
  chunk->first = align_up(at.value + sizeof(Chunk) + map + 8, ALIGN);
  if (big) return chunk;
  Block *block = Block::of(chunk->first);
  const addr_t sentinel = align_up(at.value + bytes - 8 - ALIGN + 1, ALIGN) - 8;
  block->size = u32(sentinel - addr_t(block));
  block->previous = 0;
  block->used = false;
  Block *end = block->next();
  end->size = 0;
  end->previous = block->size;
  end->used = true;
  _insert(block);
  return chunk;
}

void Heap::_remove_chunk(Chunk *chunk) {
  Chunk **at = &_chunks;
  while (*at != chunk) at = &(*at)->next;
  *at = chunk->next;
  _used -= chunk->bytes;
  const Ram_dataspace_capability ds = chunk->ds;
  chunk->ds = {};
  _rm.detach(addr_t(chunk));
  _ram.free(ds);
}

Heap::Chunk *Heap::_chunk_of(addr_t at) const {
  for (Chunk *chunk = _chunks; chunk; chunk = chunk->next)
    if (at >= chunk->first && at - addr_t(chunk) < chunk->bytes) return chunk;
  return nullptr;
}

void Heap::_insert(Block *block) {
  Block *&bin = _bins[Block::bin_of(block->size)];
  block->next_free = bin;
  block->previous_free = nullptr;
  if (bin) bin->previous_free = block;
  bin = block;
}

void Heap::_remove(Block *block) {
  if (block->next_free) block->next_free->previous_free = block->previous_free;
  if (block->previous_free) block->previous_free->next_free = block->next_free;
  else _bins[Block::bin_of(block->size)] = block->next_free;
}

Heap::Block *Heap::_find(size_t size) const {
  for (u32 bin = Block::bin_of(size); bin < BINS; bin++)
    for (Block *block = _bins[bin]; block; block = block->next_free)
      if (block->size >= size) return block;
  return nullptr;
}

void *Heap::_take(Block *block, size_t size) {
  _remove(block);
  if (block->size - size >= 2 * ALIGN) {
    Block *rest = reinterpret_cast<Block *>(addr_t(block) + size);
    rest->size = u32(block->size - size);
    rest->previous = u32(size);
    rest->used = false;
    rest->next()->previous = rest->size;
    block->size = u32(size);
    _insert(rest);
  }
  block->used = true;
  _chunk_of(block->payload())->mark(block->payload(), true);
  return reinterpret_cast<void *>(block->payload());
}

bool Heap::_alloc_big(size_t size, void **out) {
  const size_t bytes = align_up(size + sizeof(Chunk) + 8 + ALIGN, PAGE_SIZE);
  Chunk *chunk = bytes > size ? _add_chunk(bytes, true) : nullptr;
  if (chunk) *out = reinterpret_cast<void *>(chunk->first);
  return chunk != nullptr;
}

bool Heap::alloc(size_t size, void **out) {
  Mutex::Guard guard(_mutex);
  _error = Error::OK;
  if (size == 0) {
    Rtcr::error("attempt to allocate a block of 0 bytes from the heap");
    return false;
  }
  if (size >= BIG) return _alloc_big(size, out);
  const size_t needed = max<size_t>(align_up(size + 8, ALIGN), 2 * ALIGN);
  Block *block = _find(needed);
  if (!block) {
    // room for the block and for what every chunk has of its own: header, bitmap (a 128th), sentinel, alignment
    const size_t least = needed + needed / 100 + sizeof(Chunk) + 8 * ALIGN;
    const size_t bytes = max(_next_chunk, align_up(least, PAGE_SIZE));
    if (!_add_chunk(bytes, false)) return false;
    if (_next_chunk < MAX_CHUNK) _next_chunk *= 2;
    block = _find(needed);
  }
  *out = _take(block, needed);
  return true;
}

void Heap::free(void *addr, size_t) {
  Mutex::Guard guard(_mutex);
  const addr_t at = addr_t(addr);
  Chunk *chunk = _chunk_of(at);
  if (!chunk || at % ALIGN || (chunk->big ? at != chunk->first : !chunk->used(at))) {
    warning("heap could not free memory block: ", Hex{at}, " is not allocated here");
    return;
  }
  if (chunk->big) return _remove_chunk(chunk);
  chunk->mark(at, false);
  Block *block = Block::of(at);
  block->used = false;
  if (Block *next = block->next(); !next->used) {
    _remove(next);
    block->size += next->size;
  }
  if (Block *before = block->previous ? block->before() : nullptr; before && !before->used) {
    _remove(before);
    before->size += block->size;
    block = before;
  }
  block->next()->previous = block->size;
  _insert(block);
}

struct Sliced_heap::Block {
  Role role;
  Block *next;
  Ram_dataspace_capability ds;
  size_t size;
  size_t pad;
};

Sliced_heap::~Sliced_heap() {
  while (_blocks) _release(_blocks);
}

size_t Sliced_heap::overhead(size_t size) const { return align_up(size + sizeof(Block), PAGE_SIZE) - size; }

bool Sliced_heap::alloc(size_t size, void **out) {
  Mutex::Guard guard(_mutex);
  const size_t bytes = align_up(size + sizeof(Block), PAGE_SIZE);
  if (bytes < size) return false;
  const auto ds = _ram.alloc(bytes);
  if (!ds.ok()) return false;
  const auto at = _rm.attach(ds.value);
  if (!at.ok()) {
    _ram.free(ds.value);
    return false;
  }
  _blocks = new (reinterpret_cast<void *>(at.value)) Block{HEAP_BLOCK, _blocks, ds.value, bytes, 0};
  _used += bytes;
  *out = _blocks + 1;
  return true;
}

void Sliced_heap::_release(Block *block) {
  Block **at = &_blocks;
  while (*at != block) at = &(*at)->next;
  *at = block->next;
  _used -= block->size;
  const Ram_dataspace_capability ds = block->ds;
  block->ds = {};
  _rm.detach(addr_t(block));
  _ram.free(ds);
}

void Sliced_heap::free(void *addr, size_t) {
  Mutex::Guard guard(_mutex);
  for (Block *block = _blocks; block; block = block->next)
    if (block + 1 == addr) return _release(block);
  warning("sliced heap could not free memory block: ", Hex{addr_t(addr)}, " is not allocated here");
}

} // namespace Rtcr
