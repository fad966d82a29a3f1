// Client of the service "Adder": adds 1, 2, 3 ... by calls and compares with what the shared dataspace says.
//
//   <config numbers="10" sessions="1" keep="no"/>   one session after the other; `keep` leaves the last one open
#include "adder.h"

using namespace Rtcr;

namespace {

bool add_up(Env &env, Connection &connection, u32 numbers) {
  const Rpc_client adder(connection.cap());
  const auto shared = adder.call<Dataspace_capability>(Adder::DATASPACE);
  if (!shared.ok()) return false;
  const Attached_dataspace attached(env.rm(), shared.value);
  const auto &ledger = *attached.local_addr<volatile Adder::Ledger>();
  for (u32 number = 1; number <= numbers; number++) {
    const auto sum = adder.call<u32>(Adder::ADD, number);
    if (!sum.ok() || sum.value != number * (number + 1) / 2) return false;
    if (ledger.count != number || ledger.sum != sum.value) return false;
  }
  log("sum ", ledger.sum);
  return adder.call_void(99) == Error::INVALID_OPCODE;
}

} // namespace

void Component::construct(Env &env) {
  u32 numbers = 10, sessions = 1;
  bool keep = false;
  {
    const Attached_rom_dataspace config(env, "config");
    if (config.valid()) {
      numbers = u32(config.xml().attribute_value("numbers", u64(numbers)));
      sessions = u32(config.xml().attribute_value("sessions", u64(sessions)));
      keep = config.xml().attribute_value("keep", u64(0)) != 0;
    }
  }
  for (u32 session = 1; session <= sessions; session++) {
    Connection connection(env, "Adder", "label=\"sum\"", {2048, 1});
    if (!connection.ok()) error("no session: ", connection.error());
    else if (!add_up(env, connection, numbers)) error("the sums differ");
    connection.upgrade({1024, 1});
    if (keep && session == sessions) {
      log("stays");
      Blockade().block();
    }
  }
  env.parent().exit(0);
}
