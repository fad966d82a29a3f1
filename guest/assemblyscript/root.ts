// Servers (spec 2.12): the parent tells of requests in the ROM module "session_requests"; a Root answers them with
// sessions of its service. Texts of requests are allocated, so their memory stays with each request.
import { parent } from "../../build/guest-abi/assemblyscript/abi";
import { RpcObject } from "./entrypoint";
import { parentSlot } from "./memory";
import { AttachedRom } from "./session";
import { SignalContext } from "./signal";
import { ep } from "./startup";
import { XmlNode } from "./xml";

/** Answers to requests, as the parent has them. */
export enum Response {
  Ok = 0,
  Closed = 1,
  Denied = 2,
  InsufficientRam = 3,
  InsufficientCaps = 4,
}

class Requests extends SignalContext {
  constructor(private root: Root) {
    super();
  }
  handle(count: u32): void {
    this.root.handleRequests();
  }
}

export class Root {
  private requests: AttachedRom = new AttachedRom("session_requests");
  private ids: Array<u32> = [];
  private sessions: Array<RpcObject> = [];

  constructor(readonly service: string) {}

  /** @returns the session's object; null: denied */
  create(label: string, args: string): RpcObject | null {
    return null;
  }
  /** The session has been dissolved from the entrypoint already. */
  destroy(session: RpcObject): void {}
  /** Both of what was added; 0 if nothing was. */
  upgrade(session: RpcObject, ram: u64, caps: u32): void {}

  /** Answers what is waiting already, and tells the parent that the service exists. */
  announce(): void {
    this.requests.sigh(ep().manage(new Requests(this)));
    parent.announce(parentSlot, this.service);
    this.handleRequests();
  }

  handleRequests(): void {
    this.requests.update();
    for (let node = new XmlNode(this.requests.text).first; node.valid; node = node.next) {
      const id = <u32>node.number("id", 0);
      if (node.type == "create") this.open(id, node.attribute("label"), node.subNode("args").text);
      else if (node.type == "upgrade") this.raise(id, node);
      else if (node.type == "close") this.close(id);
    }
  }

  private open(id: u32, label: string, args: string): void {
    if (this.ids.indexOf(id) >= 0) return;
    const session = this.create(label, args);
    if (session === null || (!session.capability && !ep().manageObject(session))) {
      parent.sessionResponse(parentSlot, id, Response.Denied);
      return;
    }
    this.ids.push(id);
    this.sessions.push(session);
    parent.deliverSessionCap(parentSlot, id, session.capability);
  }

  private raise(id: u32, node: XmlNode): void {
    const index = this.ids.indexOf(id);
    if (index < 0) return;
    this.upgrade(this.sessions[index], node.number("ram_quota", 0), <u32>node.number("cap_quota", 0));
    parent.sessionResponse(parentSlot, id, Response.Ok);
  }

  private close(id: u32): void {
    const index = this.ids.indexOf(id);
    if (index >= 0) {
      const session = this.sessions[index];
      this.ids.splice(index, 1);
      this.sessions.splice(index, 1);
      ep().dissolveObject(session);
      this.destroy(session);
    }
    parent.sessionResponse(parentSlot, id, Response.Closed);
  }
}
