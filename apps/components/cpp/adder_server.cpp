// Server of the service "Adder": each session has a dataspace of its own that its client may attach.
#include "adder.h"

using namespace Rtcr;

class Adder_session final : public Rpc_object {
  Attached_ram_dataspace _ledger;

 public:
  explicit Adder_session(Env &env) : _ledger(env.ram(), env.rm(), PAGE_SIZE) {}

  u32 dispatch(u32 opcode, Rpc_request &request) override {
    auto &ledger = *_ledger.local_addr<Adder::Ledger>();
    switch (opcode) {
      case Adder::ADD: {
        const u32 number = request.get<u32>();
        if (request.bad()) return u32(Error::BAD_MESSAGE);
        ledger.count++;
        ledger.sum += number;
        return request.reply(ledger.sum);
      }
      case Adder::DATASPACE: return request.reply(_ledger.cap());
      default: return Rpc_request::invalid_opcode();
    }
  }
};

class Adder_root final : public Root_component {
  Env &_env;
  Allocator &_alloc;

  Created create_session(Text label, Text args) override {
    // a page for the ledger, and what keeps track of the session
    if (arg_value(args, "ram_quota", 0) < 2 * PAGE_SIZE) return {Response::INSUFFICIENT_RAM_QUOTA};
    if (arg_value(args, "cap_quota", 0) < 2) return {Response::INSUFFICIENT_CAP_QUOTA};
    log("session of ", label);
    return {Response::SESSION_OK, new (_alloc) Adder_session(_env)};
  }
  void upgrade_session(Rpc_object &, Quota more) override { log("upgrade by ", u64(more.ram)); }
  void destroy_session(Rpc_object &session) override {
    log("closed");
    destroy(_alloc, &static_cast<Adder_session &>(session));
  }

 public:
  Adder_root(Env &env, Allocator &alloc) : Root_component(env, alloc, "Adder"), _env(env), _alloc(alloc) {}
};

void Component::construct(Env &env) {
  static Heap heap(env);
  static Adder_root root(env, heap);
  root.announce();
}
