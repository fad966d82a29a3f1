// ROM modules that change under their readers: one writes reports that others see as modules, larger and smaller ones;
// readers keep two sessions of the same module and compare.
//
//   <config role="writer" turns="8"/>   <config role="reader" last="8"/>
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

class Reader {
  Env &_env;
  const u64 _last;
  Attached_rom_dataspace _news{_env, "news"}, _again{_env, "news"};
  Signal_handler<Reader> _changed{_env.ep(), *this, &Reader::_handle};
  u64 _seen = 0;

  void _handle() {
    _news.update();
    const u64 turn = _news.xml().attribute_value("turn", 0);
    const u64 before = _again.xml().attribute_value("turn", 0);
    if (turn < _seen) error("news ", turn, " after ", _seen);
    _seen = turn;
    u64 sum = 0;
    for (size_t i = 0; i < _news.text().length; i++) sum += u8(_news.text().start[i]);
    log("news ", turn, ", was ", before, ", ", u64(_news.text().length), " bytes, sum ", sum);
    _again.update();
    if (turn >= _last) _env.parent().exit(0);
  }

 public:
  Reader(Env &env, u64 last) : _env(env), _last(last) {
    _news.sigh(_changed);
    _handle();
  }
};

void write(Env &env, u32 turns) {
  Report_connection report(env, "news", 3 * PAGE_SIZE);
  Timer::Connection timer(env);
  static String<2 * PAGE_SIZE> text;
  for (u32 turn = 1; turn <= turns; turn++) {
    text = String<2 * PAGE_SIZE>("<news turn=\"");
    text.append(u64(turn)).append("\">");
    const u32 length = turn % 3 == 0 ? 5000 : turn * 40;
    for (u32 i = 0; i < length; i++) text.append("x");
    text.append("</news>");
    if (!report.report(text.text())) error("too long");
    if (turn % 3) timer.usleep(700 * turn);
  }
  timer.msleep(3);
  env.parent().exit(0);
}

} // namespace

void Component::construct(Env &env) {
  const Attached_rom_dataspace config(env, "config");
  const Xml_node node = config.xml();
  if (node.attribute("role") == "writer") return write(env, u32(node.attribute_value("turns", 8)));
  static Heap heap(env);
  new (heap) Reader(env, node.attribute_value("last", 8));
}
