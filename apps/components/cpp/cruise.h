// The adaptive cruise control: what its components share. All positions and speeds are fixed-point numbers (1/1000 m,
// 1/1000 m/s), so that every run computes the same.
//
//   sensor     owns the plant: each millisecond it moves both cars by one step, writes a sample into shared memory and
//              signals the controller; a step begins only when the command for the one before has arrived
//   actuator   takes commands by RPC, limits them, and shows what is in force in shared memory, where the sensor reads it
//   controller a signal handler: reads the sample, computes an acceleration, commands the actuator, tells the watchdog,
//              and every 100th sample the logger
//   watchdog   each 10 ms: has the controller been alive since the last look
//   logger     writes what it is told to the log
#pragma once
#include <rtcr/component.h>

namespace Cruise {

using namespace Rtcr;

constexpr u32 PERIOD_US = 1000;

/** Shared by the sensor; the sequence number is written last. */
struct Sample {
  i32 distance_mm, own_mm_s, front_mm_s;
  volatile u32 sequence;
};

/** Shared by the actuator. */
struct Command {
  i32 acceleration_mm_s2;
  volatile u32 sequence;
};

/** Sessions "Sensor" and "Actuator": both share one page; the sensor takes a handler of its samples. */
constexpr Rpc_function DATASPACE(0);
constexpr Rpc_function SIGH(1);
/** Actuator: (acceleration, sequence). */
constexpr Rpc_function APPLY(2);
/** Session "Watchdog": (sequence). */
constexpr Rpc_function ALIVE(0);
/** Session "Recorder": (sequence, distance, own speed, front speed, acceleration). */
constexpr Rpc_function RECORD(0);

class Part : public Rtcr::Connection, public Rpc_client {
 public:
  Part(Env &env, Text service)
      : Rtcr::Connection(env, service, label_args("cruise").text(), {32 * 1024, 6}), Rpc_client(Rtcr::Connection::cap()) {}
  using Rtcr::Connection::cap;
};

/** A root whose one object is every client's session. */
class Single_root : public Root_component {
  Rpc_object &_object;

 public:
  Single_root(Env &env, Heap &heap, Text service, Rpc_object &object) : Root_component(env, heap, service), _object(object) {}

 protected:
  Created create_session(Text, Text) override { return {Response::SESSION_OK, &_object}; }
  void destroy_session(Rpc_object &) override {}
};

} // namespace Cruise
