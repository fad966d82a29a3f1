#include "rtcr/log.h"
#include "rtcr/rpc_stubs.h"
#include "state.h"

namespace Rtcr {

void Log_line::print(Text text) {
  const size_t count = min(text.length, size_t(LIMIT) - _length);
  memcpy(_bytes + _length, text.start, count);
  _length += count;
}

void Log_line::print(u64 number) {
  char digits[20];
  size_t at = sizeof digits;
  do digits[--at] = char('0' + number % 10);
  while (number /= 10);
  print(Text(digits + at, sizeof digits - at));
}

void Log_line::print(i64 number) {
  if (number < 0) print('-');
  print(number < 0 ? -u64(number) : u64(number));
}

void Log_line::print(Hex number) {
  char digits[16];
  size_t at = sizeof digits;
  u64 rest = number.value;
  do digits[--at] = "0123456789abcdef"[rest % 16];
  while (rest /= 16);
  print("0x");
  print(Text(digits + at, sizeof digits - at));
}

void Log_line::write() {
  u32 written;
  Abi::Log::write(log_slot, Text(_bytes, _length), written);
}

} // namespace Rtcr
