// Calls with capabilities in both directions: a client gives an object, a dataspace and a signal context, the server calls
// the object back while it serves the call, keeps some and gives others, which come back to whoever made them.
//
//   <config role="server"/>   <config role="client" turns="12"/>
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

enum Opcode : u32 { EXCHANGE = 0, CALLED = 1 };
constexpr u32 KEEP = 3;

/** What the client gives, and the server gives back later. */
class Gift final : public Rpc_object {
 public:
  u32 number = 0, calls = 0;
  u32 dispatch(u32 opcode, Rpc_request &request) override {
    if (opcode != CALLED) return Rpc_request::invalid_opcode();
    const u32 value = request.get<u32>();
    Capability back;
    request.get(back);
    calls++;
    return request.reply(number * 1000 + value, back.valid() ? back : cap());
  }
};

class Exchange_session final : public Rpc_object {
  Env &_env;
  Capability _kept[KEEP], _returned;
  u32 _count = 0;
  Gift _own[KEEP];

  u32 _exchange(Rpc_request &request) {
    Capability gift, dataspace, context;
    request.get(gift);
    request.get(dataspace);
    request.get(context);
    if (request.bad()) return u32(Error::BAD_MESSAGE);
    const u32 at = _count++ % KEEP;
    const Rpc_client back(gift);
    const auto answer = back.call<u32>(CALLED, _count, _own[at].cap());
    {
      const Attached_dataspace shared(_env.rm(), dataspace);
      auto &words = *shared.local_addr<volatile u32[2]>();
      words[1] = words[0] + answer.value;
    }
    Signal_transmitter(context).submit(at + 1);
    _returned = _kept[at]; // who replies with a capability holds it until the reply is there
    _kept[at] = gift;
    return request.reply(answer.value, _returned, _own[at].cap());
  }

 public:
  explicit Exchange_session(Env &env) : _env(env) {
    for (u32 i = 0; i < KEEP; i++) {
      _own[i].number = 7 + i;
      env.ep().manage(_own[i]);
    }
  }
  ~Exchange_session() override {
    for (Gift &own : _own) _env.ep().dissolve(own);
  }
  u32 dispatch(u32 opcode, Rpc_request &request) override {
    return opcode == EXCHANGE ? _exchange(request) : Rpc_request::invalid_opcode();
  }
};

class Exchange_root final : public Root_component {
  Env &_env;
  Allocator &_alloc;
  Created create_session(Text, Text) override { return {Response::SESSION_OK, new (_alloc) Exchange_session(_env)}; }
  void destroy_session(Rpc_object &session) override { destroy(_alloc, &static_cast<Exchange_session &>(session)); }

 public:
  Exchange_root(Env &env, Allocator &alloc) : Root_component(env, alloc, "Exchange"), _env(env), _alloc(alloc) {}
};

struct Gifts {
  Entrypoint ep;
  Gift gifts[4];
  explicit Gifts(Env &env) : ep(env, "gifts") {
    for (u32 i = 0; i < 4; i++) {
      gifts[i].number = i + 1;
      ep.manage(gifts[i]);
    }
  }
  /** 0: none of ours. */
  u32 number_of(const Capability &cap) const {
    for (const Gift &gift : gifts)
      if (gift.cap() == cap) return gift.number;
    return 0;
  }
};

void exchange(Env &env, u32 turns) {
  static Gifts gifts(env);
  Connection connection(env, "Exchange", "label=\"caps\"", {65536, 8});
  if (!connection.ok()) return error("no session");
  Signal_receiver receiver;
  Signal_context context;
  receiver.manage(context);
  const Rpc_client server(connection.cap());
  for (u32 turn = 0; turn < turns; turn++) {
    Attached_ram_dataspace shared(env.ram(), env.rm(), PAGE_SIZE);
    shared.local_addr<volatile u32[2]>()[0][0] = turn;
    Call call;
    call.put(gifts.gifts[turn % 4].cap().slot());
    call.put(shared.cap().slot());
    call.put(context.cap().slot());
    const Error error = call.invoke(connection.slot(), EXCHANGE, nullptr, 0);
    u32 answer = 0;
    Capability before, theirs;
    from_message(call, answer);
    from_message(call, before);
    from_message(call, theirs);
    const auto their_answer = Rpc_client(theirs).call<u32>(CALLED, turn, before);
    const u32 signals = receiver.wait_for_signal().num();
    log("turn ", turn, ": ", name_of(error), ", answer ", answer, ", wrote ",
        u32(shared.local_addr<volatile u32[2]>()[0][1]), ", back ", gifts.number_of(before), ", theirs ",
        their_answer.value, ", ", signals, " signals, dead ", u32(theirs.badge() == 0));
  }
  receiver.dissolve(context);
  log("calls ", gifts.gifts[0].calls, " ", gifts.gifts[1].calls, " ", gifts.gifts[2].calls, " ", gifts.gifts[3].calls);
  env.parent().exit(0);
}

} // namespace

void Component::construct(Env &env) {
  const Attached_rom_dataspace config(env, "config");
  if (config.xml().attribute("role") == "server") {
    static Heap heap(env);
    static Exchange_root root(env, heap);
    root.announce();
  } else exchange(env, u32(config.xml().attribute_value("turns", 12)));
}
