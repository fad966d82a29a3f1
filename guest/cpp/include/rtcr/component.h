// What a component includes. It defines Component::construct; the library does the rest (docs/GUEST-ABI.md, "Start").
#pragma once
#include "root.h"

namespace Component {

/** Called once on the entrypoint's thread; signals and RPCs are served when it has returned. */
void construct(Rtcr::Env &env);
/** Bytes of the entrypoint's stack; 64 KiB unless the component defines it. */
Rtcr::size_t stack_size();

} // namespace Component
