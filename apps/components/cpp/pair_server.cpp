// The serving half of the pair: each session has a dataspace that it shares with its client. Needs windows.
#include "pair.h"

using namespace Rtcr;

class Pair_session : public Rpc_object {
  Attached_ram_dataspace _buffer;

 public:
  explicit Pair_session(Env &env) : _buffer(env.ram(), env.rm(), Pair::BUFFER_BYTES) {}

  u32 dispatch(u32 opcode, Rpc_request &request) override {
    if (opcode == Pair::BUFFER.opcode) return request.reply(_buffer.cap());
    const u32 words = request.get<u32>();
    u32 *at = _buffer.local_addr<u32>();
    if (opcode == Pair::SUM.opcode) {
      if (words > Pair::WORDS) return request.fail(0);
      u32 sum = 0;
      for (u32 i = 0; i < words; i++) sum += at[i];
      return request.reply(sum);
    }
    if (opcode == Pair::FILL.opcode) {
      const u32 first = request.get<u32>();
      if (words > Pair::WORDS) return request.fail(0);
      for (u32 i = 0; i < words; i++) at[i] = first + i;
      return request.reply();
    }
    return Rpc_request::invalid_opcode();
  }
};

class Pair_root : public Root_component {
  Env &_env;
  Heap &_heap;

 public:
  Pair_root(Env &env, Heap &heap) : Root_component(env, heap, "Pair"), _env(env), _heap(heap) {}

 protected:
  Created create_session(Text label, Text) override {
    log("session for \"", label, "\"");
    return {Response::SESSION_OK, new (_heap) Pair_session(_env)};
  }
  void destroy_session(Rpc_object &session) override {
    log("session closed");
    Rtcr::destroy(_heap, static_cast<Pair_session *>(&session));
  }
};

void Component::construct(Env &env) {
  static Heap heap(env);
  static Pair_root root(env, heap);
  root.announce();
}
