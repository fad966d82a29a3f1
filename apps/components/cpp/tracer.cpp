// Traces its own entrypoint: which threads there are, what the entrypoint calls, and that nothing is recorded in a pause.
// Asks Native_cpu what a thread of the platform is doing.
#include <rtcr/component.h>
#include <rtcr/trace.h>

using namespace Rtcr;

namespace {

/** Entries of a ring from its beginning; calls `function` with each. */
template <typename F> void for_each_entry(const Attached_dataspace &ring, const F &function) {
  const u32 *const words = ring.local_addr<u32>();
  const u32 head = words[0];
  const char *const entries = ring.local_addr<char>() + 16;
  for (u32 at = 0; at < head;) {
    const u32 length = *reinterpret_cast<const u32 *>(entries + at);
    function(Text(entries + at + 4, length));
    at += 4 + ((length + 3) & ~3u);
  }
}

} // namespace

void Component::construct(Env &env) {
  Trace_connection trace(env, 16 * 1024);
  u32 ep = 0;
  trace.for_each_subject([&](u32 id) {
    const auto info = trace.subject_info(id);
    if (!info.ok()) return;
    log("subject ", info.value.thread.text(), " ", info.value.state.text());
    if (info.value.thread == "ep") ep = id;
  });
  const auto policy = trace.alloc_policy("rpc_call");
  if (!ep || !policy.ok() || trace.trace(ep, policy.value, 4096) != Error::OK) return error("cannot trace");
  env.pd().ram_quota();
  trace.pause(ep);
  env.pd().cap_quota();
  const auto buffer = trace.buffer(ep);
  if (!buffer.ok()) return error("no buffer");
  {
    const Attached_dataspace ring(env.rm(), buffer.value);
    for_each_entry(ring, [](Text entry) { log("traced ", entry); });
  }
  log("policy unloaded: ", trace.unload_policy(policy.value) == Error::OK ? "yes" : "no");
  log("and again: ", trace.unload_policy(policy.value) == Error::NONEXISTENT_POLICY ? "refused" : "NOT refused");

  Slot native, real;
  Abi::Cpu::native_cpu(env.cpu().cap().slot(), native);
  const Capability cpu = Capability::adopt(native);
  const Error error = Abi::Native_cpu::native_cap(cpu.slot(), env.ep().thread_cap().slot(), real);
  log("native thread: ", error == Error::OK && Capability::adopt(real).valid() ? "there" : "missing");
  env.parent().exit(0);
}
