// The load generator of the key-value server: pseudo-random puts, gets and removals of its own keys, each checked against
// what it knows must be there.
//
//   <config operations="1000" keys="64" seed="1" report="250"/>
#include "kv.h"

using namespace Rtcr;

class Load {
  static constexpr u32 MOST_KEYS = 256;

  const Kv::Connection _kv;
  /** Keys are this generator's own: its seed is in them. */
  const u32 _own;
  u32 _seed, _keys;
  /** Version of a key's value; 0: it is not there. */
  u32 _versions[MOST_KEYS]{};
  u32 _puts = 0, _gets = 0, _removals = 0, _wrong = 0;

  u32 _random() {
    _seed = _seed * 1664525 + 1013904223;
    return _seed >> 8;
  }
  Kv::Key _key(u32 number) const { return Kv::Key("key-").append(u64(_own)).append("-").append(u64(number)); }
  Kv::Value _value(u32 number) const {
    Kv::Value value("value ");
    value.append(u64(number)).append(" version ").append(u64(_versions[number]));
    for (u32 i = 0; i < _versions[number] % 8; i++) value.append(" and more of it");
    return value;
  }

 public:
  Load(Env &env, u32 seed, u32 keys) : _kv(env), _own(seed), _seed(seed), _keys(min(keys, MOST_KEYS)) {}

  void step() {
    const u32 number = _random() % _keys;
    const Kv::Key key = _key(number);
    u32 &version = _versions[number];
    switch (_random() % 4) {
      case 0:
      case 1:
        _puts++;
        version++;
        if (_kv.put(key.text(), _value(number).text()) != Error::OK) _wrong++;
        break;
      case 2: {
        _gets++;
        const auto found = _kv.get(key.text());
        if (version ? !found.ok() || !(found.value == _value(number).text()) : found.error != Error::NONEXISTENT_SUBJECT)
          _wrong++;
        break;
      }
      default:
        _removals++;
        if (_kv.remove(key.text()) != (version ? Error::OK : Error::NONEXISTENT_SUBJECT)) _wrong++;
        version = 0;
    }
  }
  void report(u64 operations) const {
    log(operations, " operations: ", _puts, " puts, ", _gets, " gets, ", _removals, " removals, ", _wrong, " wrong, ",
        _kv.count(), " keys");
  }
};

void Component::construct(Env &env) {
  u64 operations = 1000, report = 250, keys = 64, seed = 1;
  {
    const Attached_rom_dataspace config(env, "config");
    if (config.valid()) {
      operations = config.xml().attribute_value("operations", operations);
      report = config.xml().attribute_value("report", report);
      keys = config.xml().attribute_value("keys", keys);
      seed = config.xml().attribute_value("seed", seed);
    }
  }
  Load load(env, u32(seed), u32(keys));
  for (u64 operation = 1; operation <= operations; operation++) {
    load.step();
    if (operation % report == 0) load.report(operation);
  }
  env.parent().exit(0);
}
