// The logger of the cruise control.
#include "cruise.h"

using namespace Cruise;

class Recorder : public Rpc_object {
 public:
  u32 dispatch(u32 opcode, Rpc_request &request) override {
    if (opcode != RECORD.opcode) return Rpc_request::invalid_opcode();
    const u32 sequence = request.get<u32>();
    const i32 distance = request.get<i32>(), own = request.get<i32>(), front = request.get<i32>();
    log(sequence, " ms: ", distance, " mm, ", own, " mm/s behind ", front, " mm/s, ", request.get<i32>(), " mm/s2");
    return request.reply();
  }
};

void Component::construct(Env &env) {
  static Heap heap(env);
  static Recorder recorder;
  static Single_root root(env, heap, "Recorder", recorder);
  root.announce();
}
