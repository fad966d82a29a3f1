// A manager of an init beside it: reports configurations that the init takes up while its children run, and reads in the
// init's reports what has become of them; grants what they ask for.
//
//   <config turns="5"/>   reports `config`, reads the ROM module `state`
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

constexpr u32 GROWING = 3;

class Manager {
  Env &_env;
  const u32 _turns;
  u32 _turn = 0, _looks = 0, _ram_kib = 1200;
  Report_connection _config{_env, "config", 8192};
  Attached_rom_dataspace _state{_env, "state"};
  Signal_handler<Manager> _look{_env.ep(), *this, &Manager::_handle_state};
  Signal_handler<Manager> _tick{_env.ep(), *this, &Manager::_handle_tick};
  Timer::Connection _timer{_env};

  void _write() {
    String<4000> text("<config version=\"");
    text.append(u64(_turn)).append("\"><report requested=\"yes\" child_ram=\"yes\" delay_ms=\"1\"/>"
      "<parent-provides><service name=\"PD\"/><service name=\"CPU\"/><service name=\"ROM\"/><service name=\"LOG\"/>"
      "<service name=\"Timer\"/><service name=\"RM\"/><service name=\"Report\"/></parent-provides>"
      "<default-route><any-service><parent/></any-service></default-route>");
    // one that stays and gets more, one that is there every other turn, one that another version of is started
    text.append("<start name=\"eater\" caps=\"150\" ram=\"").append(u64(_ram_kib))
        .append("K\"><binary name=\"memory_eater\" growth_requests=\"yes\"/><config mib=\"").append(u64(GROWING)).append("\"/></start>");
    if (_turn % 2)
      text.append("<start name=\"sheep\" caps=\"150\" ram=\"1M\"><binary name=\"sheep_counter_timer\"/>"
                  "<config sleep_ms=\"1\"/></start>");
    text.append("<start name=\"counter\" caps=\"150\" ram=\"1M\" version=\"").append(u64(_turn / 2))
        .append("\"><binary name=\"sheep_counter_async\"/><config period_ms=\"2\"/></start></config>");
    if (!_config.report(text.text())) error("the configuration is too long");
  }

  void _handle_state() {
    _state.update();
    _looks++;
    _state.xml().for_each_sub_node([&](const Xml_node &child) {
      const Xml_node ram = child.sub_node("ram");
      if (!ram.valid() || !ram.has_attribute("requested")) return;
      if (child.attribute("name") == "eater" && _ram_kib < 5000) {
        _ram_kib += 1100;
        log("more for ", child.attribute("name").text(), ": ", _ram_kib);
        _write();
      }
    });
  }

  void _handle_tick() {
    if (++_turn > _turns) {
      log("looks: ", _looks > 2 ? "many" : "TOO FEW", ", ", _ram_kib);
      _env.parent().exit(0);
      return;
    }
    log("turn ", _turn);
    _write();
  }

 public:
  Manager(Env &env, u32 turns) : _env(env), _turns(turns) {
    _state.sigh(_look);
    _timer.sigh(_tick);
    _write();
    _timer.trigger_periodic(12'000);
  }
};

} // namespace

void Component::construct(Env &env) {
  u32 turns = 5;
  {
    const Attached_rom_dataspace config(env, "config");
    turns = u32(config.xml().attribute_value("turns", turns));
  }
  static Manager manager(env, turns);
}
