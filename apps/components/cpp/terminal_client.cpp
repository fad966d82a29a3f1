// A conversation with a terminal that another component serves: each answer is told by a signal, logged, and followed by
// the next line.
//
//   <config turns="6"/>
#include <rtcr/component.h>
#include <rtcr/terminal.h>

using namespace Rtcr;

namespace {

class Conversation {
  Env &_env;
  Terminal::Connection _terminal;
  Signal_handler<Conversation> _readable;
  const u64 _turns;
  u64 _turn = 0;
  String<200> _line;

  void _say(Text text) {
    for (size_t at = 0; at < text.length;) {
      u32 written = 0;
      const Errno errno = _terminal.write(Text(text.start + at, text.length - at), written);
      if (errno != Errno::SUCCESS && errno != Errno::AGAIN) return error("write: errno ", u32(errno));
      at += written;
    }
  }

  void _next() {
    if (_turn == _turns) return _say("bye\n");
    String<80> line;
    line.append("turn ").append(_turn++).append(" of ").append(_turns).append("\n");
    _say(line.text());
  }

  void _take(char byte) {
    if (byte != '\n') {
      _line.append(Text(&byte, 1));
      return;
    }
    log("answer: ", _line);
    const bool last = _line == Text("BYE");
    _line = String<200>();
    if (!last) _next();
  }

  void _read() {
    for (;;) {
      char bytes[10];
      u32 count = 0;
      const Errno errno = _terminal.read(bytes, sizeof bytes, count);
      if (errno == Errno::AGAIN) return;
      if (errno != Errno::SUCCESS) return error("read: errno ", u32(errno));
      if (!count) {
        log("end of input");
        return _env.parent().exit(0);
      }
      for (u32 i = 0; i < count; i++) _take(bytes[i]);
    }
  }

 public:
  Conversation(Env &env, u64 turns)
      : _env(env), _terminal(env, "console"), _readable(env.ep(), *this, &Conversation::_read), _turns(turns) {
    Terminal::Size size;
    const Errno errno = _terminal.size(size);
    log("size: errno ", u32(errno), ", ", size.columns, " x ", size.rows);
    _terminal.read_avail_sigh(_readable);
    _next();
  }
};

} // namespace

void Component::construct(Env &env) {
  const Attached_rom_dataspace config(env, "config");
  static Conversation conversation(env, config.valid() ? config.xml().attribute_value("turns", u64(6)) : 6);
}
