// Allocates a dataspace of 1 MiB again and again and says so: when its quota is used up, the library asks the parent for
// more and waits until some comes.
//
//   <config mib="0"/>   exit(0) after so many; 0: never; give="yes": they are given to another PD of the component instead
#include <rtcr/component.h>

using namespace Rtcr;

/** Says each time how it went: the library asks for more, but only twice. */
void give_away(Env &env, u64 most) {
  Pd_connection pd(env, "other");
  pd.ref_account(env.pd_session_cap());
  for (u64 mib = 1; mib <= most; mib++)
    log("gave ", mib, " MiB: ", env.pd().transfer_ram_quota(pd.cap(), 1 << 20));
  log("gave capabilities: ", env.pd().transfer_cap_quota(pd.cap(), 100));
  env.parent().exit(0);
}

void Component::construct(Env &env) {
  u64 most = 0;
  bool give = false;
  {
    const Attached_rom_dataspace config(env, "config");
    if (config.valid()) {
      most = config.xml().attribute_value("mib", most);
      give = config.xml().attribute_bool("give", give);
    }
  }
  if (give) return give_away(env, most);
  for (u64 mib = 1; most == 0 || mib <= most; mib++) {
    if (!env.ram().alloc(1 << 20).ok()) {
      error("alloc failed although it asks for more");
      break;
    }
    log("ate ", mib, " MiB");
  }
  env.parent().exit(0);
}
