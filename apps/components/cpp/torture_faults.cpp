// Region maps three deep, with several threads that wait at faults of each depth while handlers take their time: maps and
// pages are attached late, detached and attached elsewhere.
//
//   <config turns="3"/>
#include <rtcr/component.h>

using namespace Rtcr;

namespace {

constexpr u32 WALKERS = 3, PAGES = 3;

class Walker : public Thread {
  const addr_t _base;
  const u32 _number;

 public:
  u32 sum = 0;
  Walker(Env &env, addr_t base, u32 number) : Thread(env, "walker"), _base(base), _number(number) {}
  void entry() override {
    for (u32 i = 0; i < PAGES; i++) {
      const u32 page = (i + _number) % PAGES;
      auto &word = *reinterpret_cast<volatile u32 *>(_base + page * PAGE_SIZE + 4 * _number);
      if (_number == 1) word = 500 + page;
      else if (_number == 2) __atomic_fetch_add(const_cast<u32 *>(&word), 7 + page, __ATOMIC_SEQ_CST);
      sum += word;
    }
  }
};

/** Serves the faults of one map, after a while. */
class Pager : public Thread {
  Env &_env;
  Region_map_client _map;
  Region_map_client *_inner;
  const addr_t _at;

 public:
  Signal_receiver receiver;
  Signal_context context;
  u32 served = 0;
  volatile bool over = false;
  /** @param inner what belongs into the map, at `at`; null: pages of memory do */
  Pager(Env &env, Text name, Region_map_client map, Region_map_client *inner, addr_t at)
      : Thread(env, name), _env(env), _map(map), _inner(inner), _at(at) {
    _map.fault_handler(receiver.manage(context));
  }
  void entry() override {
    Timer::Connection timer(_env);
    for (;;) {
      receiver.wait_for_signal();
      if (over) return;
      timer.msleep(1);
      const auto state = _map.state();
      if (state.type == Region_map_client::Fault::READY) continue;
      served++;
      if (_inner) {
        const auto at = _map.attach_at(_inner->dataspace(), _at);
        log(name().start, ": the inner map, ", name_of(at.error));
        continue;
      }
      const auto ds = _env.ram().alloc(PAGE_SIZE);
      const auto here = _env.rm().attach(ds.value);
      for (u32 i = 0; i < WALKERS; i++) reinterpret_cast<volatile u32 *>(here.value)[i] = 100 + u32(state.addr / PAGE_SIZE);
      _env.rm().detach(here.value);
      const auto at = _map.attach_at(ds.value, state.addr & ~(PAGE_SIZE - 1));
      log(name().start, ": page ", u32(state.addr / PAGE_SIZE), ", ", name_of(at.error));
    }
  }
  void end() {
    over = true;
    Signal_transmitter(context.cap()).submit();
    join();
    receiver.dissolve(context);
  }
};

void turn(Env &env, u32 number) {
  Rm_connection rm(env);
  auto outer = rm.create(32 * PAGE_SIZE), middle = rm.create(16 * PAGE_SIZE), inner = rm.create(PAGES * PAGE_SIZE);
  if (!outer.ok() || !middle.ok() || !inner.ok()) return error("region maps");
  Pager first(env, "outer", outer.value, &middle.value, 8 * PAGE_SIZE);
  Pager second(env, "middle", middle.value, &inner.value, 4 * PAGE_SIZE);
  Pager third(env, "inner", inner.value, nullptr, 0);
  first.start();
  second.start();
  third.start();
  const auto at = env.rm().attach(outer.value.dataspace());
  if (!at.ok()) return error("attach: ", name_of(at.error));
  const addr_t base = at.value + 12 * PAGE_SIZE;
  {
    Walker a(env, base, 0), b(env, base, 1), c(env, base, 2);
    a.start();
    b.start();
    c.start();
    a.join();
    b.join();
    c.join();
    log("turn ", number, ": sums ", a.sum, " ", b.sum, " ", c.sum);
  }
  middle.value.detach(4 * PAGE_SIZE);
  {
    Walker again(env, base, 2);
    again.start();
    again.join();
    log("turn ", number, ": again ", again.sum, ", served ", first.served, " ", second.served, " ", third.served);
  }
  first.end();
  second.end();
  third.end();
  env.rm().detach(at.value);
  rm.destroy(inner.value);
  rm.destroy(middle.value);
  rm.destroy(outer.value);
}

} // namespace

void Component::construct(Env &env) {
  u32 turns = 3;
  {
    const Attached_rom_dataspace config(env, "config");
    turns = u32(config.xml().attribute_value("turns", turns));
  }
  for (u32 i = 0; i < turns; i++) turn(env, i);
  env.parent().exit(0);
}
