// Signals of I/O level and of application level at one entrypoint: what is deferred, and how often handlers run.
#include <rtcr/component.h>

using namespace Rtcr;

class Main {
  Env &_env;
  u32 _apps = 0, _ios = 0;
  Signal_handler<Main> _app{_env.ep(), *this, &Main::_handle_app};
  Io_signal_handler<Main> _io{_env.ep(), *this, &Main::_handle_io};

  void _handle_app() {
    _apps++;
    log("application handler, run ", _apps);
    if (_apps == 1) {
      // waits inside a handler: the second application signal must wait, too
      _app.local_submit();
      _io.local_submit();
      _env.ep().wait_and_dispatch_one_io_signal();
      log("waited inside: ", _apps, " application, ", _ios, " I/O");
    } else _env.parent().exit(0);
  }
  void _handle_io() { log("I/O handler, run ", ++_ios); }

 public:
  explicit Main(Env &env) : _env(env) {
    for (u32 i = 0; i < 3; i++) _app.local_submit();
    _io.local_submit();
    env.ep().wait_and_dispatch_one_io_signal();
    log("waited: ", _apps, " application, ", _ios, " I/O");
  }
};

void Component::construct(Env &env) {
  static Main main(env);
}
