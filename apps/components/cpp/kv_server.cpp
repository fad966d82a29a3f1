// A small key-value server: a hash table with chains in its heap, which grows as long as the quota lasts.
#include "kv.h"

using namespace Rtcr;

class Store {
  struct Entry {
    Entry *next;
    Kv::Key key;
    Kv::Value value;
  };
  static constexpr u32 CHAINS = 256;

  Heap _heap;
  Entry *_chains[CHAINS]{};
  u32 _count = 0;

  static u32 _hash(Text key) {
    u32 hash = 2166136261;
    for (size_t i = 0; i < key.length; i++) hash = (hash ^ u8(key.start[i])) * 16777619;
    return hash % CHAINS;
  }
  /** Where the entry of a key is named. */
  Entry **_find(Text key) {
    Entry **at = &_chains[_hash(key)];
    while (*at && !((*at)->key == key)) at = &(*at)->next;
    return at;
  }

 public:
  explicit Store(Env &env) : _heap(env) {}
  u32 count() const { return _count; }
  bool put(Text key, Text value) {
    Entry **at = _find(key);
    if (*at) {
      (*at)->value = Kv::Value(value);
      return true;
    }
    Entry *entry = new (_heap) Entry{nullptr, key, value};
    if (!entry) return false;
    *at = entry;
    _count++;
    return true;
  }
  const Kv::Value *get(Text key) {
    Entry *entry = *_find(key);
    return entry ? &entry->value : nullptr;
  }
  bool remove(Text key) {
    Entry **at = _find(key);
    Entry *entry = *at;
    if (!entry) return false;
    *at = entry->next;
    destroy(_heap, entry);
    _count--;
    return true;
  }
};

class Kv_session : public Rpc_object {
  Store &_store;

 public:
  explicit Kv_session(Store &store) : _store(store) {}
  u32 dispatch(u32 opcode, Rpc_request &request) override {
    if (opcode == Kv::COUNT.opcode) return request.reply(_store.count());
    const Kv::Key key(request.get<Text>());
    if (opcode == Kv::PUT.opcode) return _store.put(key.text(), request.get<Text>()) ? request.reply() : request.fail(0);
    if (opcode == Kv::GET.opcode) {
      const Kv::Value *value = _store.get(key.text());
      return value ? request.reply(value->text()) : request.fail(0);
    }
    if (opcode == Kv::REMOVE.opcode) return _store.remove(key.text()) ? request.reply() : request.fail(0);
    return Rpc_request::invalid_opcode();
  }
};

class Kv_root : public Root_component {
  Store &_store;
  Heap &_heap;

 public:
  Kv_root(Env &env, Heap &heap, Store &store) : Root_component(env, heap, "Kv"), _store(store), _heap(heap) {}

 protected:
  Created create_session(Text, Text) override { return {Response::SESSION_OK, new (_heap) Kv_session(_store)}; }
  void destroy_session(Rpc_object &session) override { Rtcr::destroy(_heap, static_cast<Kv_session *>(&session)); }
};

void Component::construct(Env &env) {
  static Heap heap(env);
  static Store store(env);
  static Kv_root root(env, heap, store);
  root.announce();
}
