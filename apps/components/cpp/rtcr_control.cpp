// Keeps two checkpoints of a child under labels, and takes it back to the older one, then to the newer; then what is refused.
// In the end it lists what is kept, and forgets the older one.
//
//   <config child="sheep_counter_timer" sleep_ms="1000"/>
#include <rtcr/component.h>
#include <rtcr/rtcr_connection.h>

using namespace Rtcr;

void Component::construct(Env &env) {
  const Attached_rom_dataspace config(env, "config");
  const Xml_node node = config.xml();
  const auto child = node.attribute("child");
  const u64 sleep_ms = node.attribute_value("sleep_ms", u64(1000));
  Timer::Connection timer(env);
  Rtcr_connection rtcr(env);
  const auto told = [](Text what, Error error) { log(what, ": ", error); };
  const Text labels[] = {"older", "newer"};
  for (const Text label : labels) {
    timer.msleep(sleep_ms);
    told(label, rtcr.checkpoint_as(child.text(), label));
  }
  for (const Text label : labels) {
    timer.msleep(sleep_ms);
    told(label, rtcr.restore(label));
  }
  told("by its name", rtcr.restore(child.text()));
  told("a child that there is not", rtcr.checkpoint_as("cow", "cow"));
  told("a label that is none", rtcr.checkpoint_as(child.text(), "../newer"));
  const auto list = [&] {
    for (u32 index = 0;; index++) {
      const auto kept = rtcr.kept(index);
      if (!kept.ok()) break;
      log("kept: ", kept.name, kept.own && kept.bytes >= 4096 ? ", its own" : "");
    }
  };
  list();
  told("forgets the older", rtcr.forget("older"));
  told("forgets it again", rtcr.forget("older"));
  list();
  timer.msleep(sleep_ms);
  env.parent().exit(0);
}
