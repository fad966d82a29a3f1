// validator of RTCR v1: memory that must begin with "HALLO" in every turn, whatever happened between two of them.
#include "counter.h"

using namespace Rtcr;

void Component::construct(Env &env) {
  const Counter_config config(env);
  Attached_ram_dataspace dataspace(env.ram(), env.rm(), PAGE_SIZE);
  char *text = dataspace.local_addr<char>();
  memcpy(text, "HALLO", 5);
  for (u64 turn = 0; config.goes_on(turn); turn++) {
    log(memcmp(text, "HALLO", 5) == 0 ? "valid" : "INVALID");
    config.delay();
  }
  config.finish(env);
}
