// The actuator of the cruise control. Needs windows: its command is shared.
#include "cruise.h"

using namespace Cruise;

class Actuator : public Rpc_object {
  Attached_ram_dataspace _shared;

 public:
  explicit Actuator(Env &env) : _shared(env.ram(), env.rm(), PAGE_SIZE) {}
  u32 dispatch(u32 opcode, Rpc_request &request) override {
    if (opcode == DATASPACE.opcode) return request.reply(_shared.cap());
    if (opcode != APPLY.opcode) return Rpc_request::invalid_opcode();
    const i32 wanted = request.get<i32>();
    const u32 sequence = request.get<u32>();
    Command &command = *_shared.local_addr<Command>();
    command.acceleration_mm_s2 = max(-6000, min(2500, wanted));
    command.sequence = sequence;
    return request.reply();
  }
};

void Component::construct(Env &env) {
  static Heap heap(env);
  static Actuator actuator(env);
  static Single_root root(env, heap, "Actuator", actuator);
  root.announce();
}
