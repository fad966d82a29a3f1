#include "rtcr/thread.h"
#include "rtcr/log.h"
#include "state.h"

namespace Rtcr {

namespace {

addr_t stack_pointer() {
  addr_t sp;
  __asm__ volatile("global.get __stack_pointer\n local.set %0" : "=r"(sp));
  return sp;
}

} // namespace

Thread::Thread(Env &env, Text name, size_t stack_size, Location affinity, u32 weight)
    : _name(name), _stack_size(align_up(max<size_t>(stack_size, PAGE_SIZE), PAGE_SIZE)), _weight(weight),
      _affinity(affinity) {
  {
    Mutex::Guard guard(stack_slots.mutex);
    // The initial thread's stack is slot 0.
    for (_slot = 1; _slot < Stack_slots::COUNT && stack_slots.threads[_slot]; _slot++) {}
    if (_slot < Stack_slots::COUNT) stack_slots.threads[_slot] = this;
  }
  if (_slot == Stack_slots::COUNT || _stack_size > SLOT_SIZE - PAGE_SIZE) _error = Error::OUT_OF_RAM;
  if (_error != Error::OK) return;
  const auto stack = env.ram().alloc(_stack_size);
  _error = stack.error;
  if (_error != Error::OK) return;
  _stack = stack.value;
  const auto at = env.stack_area().attach_at(_stack, (_slot + 1) * SLOT_SIZE - _stack_size);
  _error = at.error;
  if (_error != Error::OK) return;
  const auto cap = env.cpu().create_thread(env.pd_session_cap(), _name.text(), _affinity, _weight);
  _error = cap.error;
  _cap = cap.value;
}

Thread::~Thread() {
  Env &env = own_env();
  if (_cap.valid()) env.cpu().kill_thread(_cap);
  if (_stack.valid()) env.ram().free(_stack);
  Mutex::Guard guard(stack_slots.mutex);
  if (_slot < Stack_slots::COUNT) stack_slots.threads[_slot] = nullptr;
}

addr_t Thread::stack_top() const { return stack_slots.top_of(_slot); }

Thread *Thread::myself() {
  const u32 slot = stack_slots.slot_of(stack_pointer());
  return slot < Stack_slots::COUNT ? stack_slots.threads[slot] : nullptr;
}

void Thread::_start() {
  Thread &thread = *myself();
  thread.entry();
  thread._done.wakeup();
}

void Thread::start() {
  if (_error == Error::OK) _error = client().start(u32(reinterpret_cast<addr_t>(&_start)), stack_top());
  if (_error != Error::OK) Rtcr::error("thread \"", _name, "\" did not start: ", _error);
}

} // namespace Rtcr
