#include "rtcr/lock.h"

namespace Rtcr {

void Mutex::acquire() {
  if (_state.compare_exchange(0, 1)) return;
  while (_state.exchange(2) != 0) _state.wait(2);
}

void Mutex::release() {
  if (_state.exchange(0) == 2) _state.wake(1);
}

void Semaphore::up() {
  _count.add(1);
  _count.wake(1);
}

void Semaphore::down() {
  for (;;) {
    const u32 count = _count.load();
    if (count == 0) _count.wait(0);
    else if (_count.compare_exchange(count, count - 1)) return;
  }
}

} // namespace Rtcr
