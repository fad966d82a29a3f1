// Sessions in the midst of being created, upgraded and closed: several threads of several clients do so at once, at a
// server that takes its time for each answer.
//
//   <config role="server" ms="2"/>   <config role="client" turns="6" threads="2"/>
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

constexpr u32 LOOK = 0, REFUSED_TURN = 3;

/** A session has the number that it was made with, and what it was upgraded by. */
class Slow_session final : public Rpc_object {
  const u32 _number;

 public:
  u64 upgraded = 0;
  explicit Slow_session(u32 number) : _number(number) {}
  u32 dispatch(u32 opcode, Rpc_request &request) override {
    return opcode == LOOK ? request.reply(_number, u32(upgraded)) : Rpc_request::invalid_opcode();
  }
};

class Slow_root final : public Root_component {
  Allocator &_alloc;
  Timer::Connection _timer;
  const u64 _ms;
  u32 _made = 0, _open = 0;

  Created create_session(Text label, Text args) override {
    _timer.msleep(_ms);
    if (arg_value(args, "refuse", 0)) return {Response::SERVICE_DENIED};
    log("session ", ++_made, " of ", label, ", ", ++_open, " open");
    return {Response::SESSION_OK, new (_alloc) Slow_session(_made)};
  }
  void upgrade_session(Rpc_object &session, Quota more) override {
    _timer.msleep(_ms);
    static_cast<Slow_session &>(session).upgraded += more.ram;
  }
  void destroy_session(Rpc_object &session) override {
    _timer.msleep(_ms);
    log("closed, ", --_open, " open");
    destroy(_alloc, &static_cast<Slow_session &>(session));
  }

 public:
  Slow_root(Env &env, Allocator &alloc, u64 ms) : Root_component(env, alloc, "Slow"), _alloc(alloc), _timer(env), _ms(ms) {}
};

class Visitor : public Thread {
  Env &_env;
  const u32 _turns, _number;

  void _visit(u32 turn) {
    const bool refuse = turn % REFUSED_TURN == 2;
    Connection session(_env, "Slow", refuse ? "label=\"no\", refuse=1" : "label=\"yes\"", {8192, 3});
    if (!session.ok()) {
      log("thread ", _number, " turn ", turn, ": ", name_of(session.error()));
      return;
    }
    const Rpc_client client(session.cap());
    const auto before = client.call<u32>(LOOK);
    const Error error = session.upgrade({4096 * (turn + 1), 1});
    Call call;
    const Error looked = call.invoke(session.slot(), LOOK, nullptr, 0);
    u32 number = 0, upgraded = 0;
    from_message(call, number);
    from_message(call, upgraded);
    const bool same = before.ok() && looked == Error::OK && before.value == number;
    log("thread ", _number, " turn ", turn, ": ", name_of(error), same ? ", upgraded by " : ", ANOTHER SESSION ", upgraded);
  }

 public:
  Visitor(Env &env, u32 turns, u32 number) : Thread(env, "visitor"), _env(env), _turns(turns), _number(number) {}
  void entry() override {
    for (u32 turn = 0; turn < _turns; turn++) _visit(turn);
  }
};

void visit(Env &env, u32 turns, u32 threads) {
  static Heap heap(env);
  Visitor *visitors[8]{};
  for (u32 i = 0; i < threads; i++) visitors[i] = new (heap) Visitor(env, turns, i);
  for (u32 i = 0; i < threads; i++) visitors[i]->start();
  for (u32 i = 0; i < threads; i++) visitors[i]->join();
  log("quota: ", env.pd().ram_quota(), " ", env.pd().cap_quota(), ", used ", env.pd().used_ram(), " ", env.pd().used_caps());
  env.parent().exit(0);
}

} // namespace

void Component::construct(Env &env) {
  const Attached_rom_dataspace config(env, "config");
  const Xml_node node = config.xml();
  if (node.attribute("role") == "server") {
    static Heap heap(env);
    static Slow_root root(env, heap, node.attribute_value("ms", 2));
    root.announce();
  } else visit(env, u32(node.attribute_value("turns", 6)), u32(node.attribute_value("threads", 2)));
}
