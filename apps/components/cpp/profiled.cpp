// Scopes, one inside another, in two threads.
#include <rtcr/component.h>
#include <rtcr/scope.h>

using namespace Rtcr;

static u32 sum_up(u32 from) {
  Scope scope("sum", Color::BLUE);
  volatile u32 sum = 0;
  for (u32 i = 0; i < 1000; i++) sum = sum + from + i;
  return sum;
}

class Helper : public Thread {
 public:
  explicit Helper(Env &env) : Thread(env, "helper") {}
  void entry() override {
    for (u32 turn = 0; turn < 2; turn++) sum_up(turn);
  }
};

void Component::construct(Env &env) {
  Helper helper(env);
  helper.start();
  helper.join();
  for (u32 turn = 0; turn < 3; turn++) {
    Scope scope("turn", Color::RED);
    log("sum ", sum_up(turn));
  }
  env.parent().exit(0);
}
