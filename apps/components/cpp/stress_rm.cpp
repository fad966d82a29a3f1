// stress_rm_creation of RTCR v1: region maps until the session's donation is used up, then an upgrade, and on.
//
//   <config rounds="1" iterations="10000000"/>   so often, with a delay behind each
#include "counter.h"

using namespace Rtcr;

/** @returns false if a map could not be made for another reason, which it has said. */
static bool use_up(Env &env) {
  constexpr u32 MAPS = 64;
  Rm_connection rm(env);
  Region_map_client maps[MAPS];
  u32 upgrades = 0, destroyed = 0;
  for (u32 i = 0; i < MAPS;) {
    const auto map = rm.try_create(16 * PAGE_SIZE);
    if (map.ok()) maps[i++] = map.value;
    else if (map.error == Error::OUT_OF_RAM) rm.upgrade_ram(8 * 1024), upgrades++;
    else if (map.error == Error::OUT_OF_CAPS) rm.upgrade_caps(8), upgrades++;
    else return error("region map: ", map.error), false;
  }
  for (Region_map_client &map : maps) {
    rm.destroy(map);
    if (map.cap().badge() == 0) destroyed++;
  }
  log(MAPS, " region maps, upgrades: ", upgrades > 0 ? "yes" : "no", ", destroyed: ", destroyed);
  return true;
}

void Component::construct(Env &env) {
  const Counter_config config(env, "rounds", 1);
  for (u64 round = 0; config.begins(round); round++) {
    if (!use_up(env)) return;
    config.delay();
  }
  config.finish(env);
}
