// Allocates a dataspace of 1 MiB again and again and says so: when its quota is used up, the library asks the parent for
// more and waits until some comes.
//
//   <config mib="0"/>   exit(0) after so many; 0: never
#include <rtcr/component.h>

using namespace Rtcr;

void Component::construct(Env &env) {
  u64 most = 0;
  {
    const Attached_rom_dataspace config(env, "config");
    if (config.valid()) most = config.xml().attribute_value("mib", most);
  }
  for (u64 mib = 1; most == 0 || mib <= most; mib++) {
    if (!env.ram().alloc(1 << 20).ok()) {
      error("alloc failed although it asks for more");
      break;
    }
    log("ate ", mib, " MiB");
  }
  env.parent().exit(0);
}
