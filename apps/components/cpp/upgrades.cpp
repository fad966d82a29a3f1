// Upgrades of sessions at servers that take their time: each returns when its own server has answered.
//
//   <config role="server" ms="10"/>   otherwise the client: threads with sessions at both
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

/** There is nothing to call. */
struct Slow_session final : Rpc_object {
  u32 dispatch(u32, Rpc_request &) override { return Rpc_request::invalid_opcode(); }
};

class Slow_root final : public Root_component {
  Allocator &_alloc;
  Timer::Connection _timer;
  const u64 _ms;

  Created create_session(Text, Text) override { return {Response::SESSION_OK, new (_alloc) Slow_session}; }
  void upgrade_session(Rpc_object &, Quota more) override {
    _timer.msleep(_ms);
    log("has ", more.ram, " more");
  }
  void destroy_session(Rpc_object &session) override { destroy(_alloc, &static_cast<Slow_session &>(session)); }

 public:
  Slow_root(Env &env, Allocator &alloc, u64 ms) : Root_component(env, alloc, "Slow"), _alloc(alloc), _timer(env), _ms(ms) {}
};

class Upgrader : public Thread {
  Connection &_session;
  const Text _name;
  const size_t _bytes;

 public:
  Upgrader(Env &env, Connection &session, Text name, size_t bytes)
      : Thread(env, "upgrader"), _session(session), _name(name), _bytes(bytes) {}
  void entry() override {
    const Error error = _session.upgrade_ram(_bytes);
    log(_name, " gave ", _bytes, ": ", error);
  }
};

void give(Env &env) {
  Connection far(env, "Slow", "label=\"far\"", {8192, 3});
  {
    Connection near(env, "Slow", "label=\"near\"", {8192, 3});
    Upgrader upgraders[]{{env, near, "near", 1000}, {env, far, "far", 2000}, {env, far, "far", 3000}};
    for (Upgrader &each : upgraders) each.start();
    for (Upgrader &each : upgraders) each.join();
  }
  // "near" tells the parent meanwhile that its session is closed
  log("closed");
  Upgrader(env, far, "far", 4000).entry();
  env.parent().exit(0);
}

} // namespace

void Component::construct(Env &env) {
  const Attached_rom_dataspace config(env, "config");
  const Xml_node node = config.xml();
  if (node.attribute("role") != "server") return give(env);
  static Heap heap(env);
  static Slow_root root(env, heap, node.attribute_value("ms", 10));
  root.announce();
}
