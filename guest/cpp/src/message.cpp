#include "rtcr/message.h"
#include "rtcr/rpc.h"

namespace Rtcr {

u8 *Message_writer::_take(size_t bytes) {
  const size_t at = align_up(_message.bytes, 4);
  if (bytes > Abi::MAX_BYTES - min<size_t>(at, Abi::MAX_BYTES)) {
    _full = true;
    return nullptr;
  }
  _message.bytes = u32(at + bytes);
  return _message.data + at;
}

void Message_writer::put(u32 value) {
  if (u8 *to = _take(4)) memcpy(to, &value, 4);
}

void Message_writer::put(u64 value) {
  if (u8 *to = _take(8)) memcpy(to, &value, 8);
}

void Message_writer::put(Text text) {
  put(u32(text.length));
  if (u8 *to = _take(text.length)) memcpy(to, text.start, text.length);
}

void Message_writer::put(Location location) {
  put(location.x);
  put(location.y);
  put(location.width);
  put(location.height);
}

void Message_writer::put(Slot slot) {
  if (_message.capabilities == Abi::MAX_CAPABILITIES) _full = true;
  else _message.slots[_message.capabilities++] = slot.number;
}

const u8 *Message_reader::_take(size_t bytes) {
  const size_t end = min<size_t>(_message.bytes, Abi::MAX_BYTES);
  if (_at > end || bytes > end - _at) {
    _failed = true;
    return nullptr;
  }
  const u8 *from = _message.data + _at;
  _at = align_up(_at + bytes, 4);
  return from;
}

u32 Message_reader::get_u32() {
  u32 value = 0;
  if (const u8 *from = _take(4)) memcpy(&value, from, 4);
  return value;
}

void Message_reader::get(u64 &value) {
  value = 0;
  if (const u8 *from = _take(8)) memcpy(&value, from, 8);
}

void Message_reader::get(Text &text) {
  const u32 length = get_u32();
  const u8 *from = _take(length);
  text = from ? Text(reinterpret_cast<const char *>(from), length) : Text();
}

void Message_reader::get(Text_buffer &text) {
  Text bytes;
  get(bytes);
  text = Text_buffer(bytes);
}

void Message_reader::get(Location &location) {
  location.x = get_u32();
  location.y = get_u32();
  location.width = get_u32();
  location.height = get_u32();
}

void Message_reader::get(Slot &slot) {
  if (_slot >= min<u32>(_message.capabilities, Abi::MAX_CAPABILITIES)) {
    _failed = true;
    slot = {};
  } else slot = {_message.slots[_slot++]};
}

Error Call::invoke(Slot target, u32 opcode, const Error *errors, u32 count) {
  if (_writer.full()) return Error::BAD_MESSAGE;
  if (const u32 status = Abi::rtcr_call(target.number, opcode, &_message)) return Error(status);
  _outcome = _reader.get_u32();
  if (_reader.failed()) return Error::BAD_MESSAGE;
  if (_outcome == 0) return Error::OK;
  return _outcome <= count ? errors[_outcome - 1] : Error::FAILED;
}

Rpc_request::Rpc_request(Abi::Message &message)
    : _message(message), _reader(message), _count(min<u32>(message.capabilities, Abi::MAX_CAPABILITIES)) {
  for (u32 i = 0; i < _count; i++) _slots[i] = {message.slots[i]};
}

Rpc_request::~Rpc_request() {
  for (u32 i = _taken; i < _count; i++) Capability::adopt(_slots[i]);
}

void Rpc_request::get(Capability &value) {
  Slot slot;
  _reader.get(slot);
  if (_taken < _count) _taken++;
  value = Capability::adopt(slot);
}

} // namespace Rtcr
