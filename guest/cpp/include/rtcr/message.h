// One call: arguments into a message buffer, the call, results out of it. Used by the generated stubs and by clients of
// RPC objects that other components serve.
#pragma once
#include "base.h"

namespace Rtcr {

/** Writes a message from its beginning. What does not fit makes the message bad as a whole. */
class Message_writer {
  Abi::Message &_message;
  bool _full = false;

  u8 *_take(size_t bytes);

 public:
  explicit Message_writer(Abi::Message &message) : _message(message) { message.bytes = message.capabilities = 0; }

  bool full() const { return _full; }
  void put(u32 value);
  void put(i32 value) { put(u32(value)); }
  void put(bool value) { put(u32(value)); }
  void put(u64 value);
  void put(Text text);
  void put(Location location);
  void put(Slot slot);
};

/** Reads a message from its beginning. Beyond its end there are zeros, and `failed` says so. */
class Message_reader {
  const Abi::Message &_message;
  size_t _at = 0;
  u32 _slot = 0;
  bool _failed = false;

  const u8 *_take(size_t bytes);

 public:
  explicit Message_reader(const Abi::Message &message) : _message(message) {}

  bool failed() const { return _failed; }
  u32 get_u32();
  void get(u32 &value) { value = get_u32(); }
  void get(i32 &value) { value = i32(get_u32()); }
  void get(bool &value) { value = get_u32() != 0; }
  void get(u64 &value);
  /** Lies in the message. */
  void get(Text &text);
  void get(Text_buffer &text);
  void get(Location &location);
  void get(Slot &slot);
};

/** A call with its message buffer of 1064 bytes; lives on the stack. */
class Call : Noncopyable {
  Abi::Message _message;
  Message_writer _writer{_message};
  Message_reader _reader{_message};
  u32 _outcome = 0;

 public:
  template <typename T> void put(T value) { _writer.put(value); }
  template <typename T> void get(T &value) { _reader.get(value); }

  /** @param errors what the function declares, in order; they are the first word of the reply */
  Error invoke(Slot target, u32 opcode, const Error *errors, u32 count);
  /** The first word of the reply. */
  u32 outcome() const { return _outcome; }
};

} // namespace Rtcr
