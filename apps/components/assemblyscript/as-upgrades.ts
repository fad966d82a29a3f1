// Upgrades of sessions at servers that take their time, as the client of upgrades.cpp.
import { exit, print, Session, start, Thread } from "../../../guest/assemblyscript/index";

export { __stack_pointer } from "../../../guest/assemblyscript/index";

class Upgrader extends Thread {
  constructor(
    private session: Session,
    private label: string,
    private bytes: u32,
  ) {
    super("upgrader");
  }
  run(): void {
    const status = this.session.upgrade(this.bytes, 0);
    print().text(this.label).text(" gave ").num(this.bytes).text(": ").status(status).end();
  }
}

function construct(): void {
  const far = new Session("Slow", 'label="far"', 8192, 3);
  const near = new Session("Slow", 'label="near"', 8192, 3);
  const upgraders = [new Upgrader(near, "near", 1000), new Upgrader(far, "far", 2000), new Upgrader(far, "far", 3000)];
  for (let i = 0; i < upgraders.length; i++) upgraders[i].start();
  for (let i = 0; i < upgraders.length; i++) {
    upgraders[i].join();
    upgraders[i].destroy();
  }
  near.close();
  print().text("closed").end();
  new Upgrader(far, "far", 4000).run();
  exit(0);
}

export function rtcr_component_start(): void {
  start(construct, 64 << 10);
}
