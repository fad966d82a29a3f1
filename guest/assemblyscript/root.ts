// Servers (spec 2.12): the parent tells of requests in the ROM module "session_requests"; a Root answers them with
// sessions of its service. Texts of requests are allocated, so their memory stays with each request.
import { parent } from "../../build/guest-abi/assemblyscript/abi";
import { RpcObject } from "./entrypoint";
import { parentSlot } from "./memory";
import { AttachedRom } from "./session";
import { SignalContext } from "./signal";
import { ep } from "./startup";

/** Answers to requests, as the parent has them. */
export enum Response {
  Ok = 0,
  Closed = 1,
  Denied = 2,
  InsufficientRam = 3,
  InsufficientCaps = 4,
}

/** The value of an attribute within the text of a tag; empty if it is absent. The five entities are decoded. */
function attribute(tag: string, name: string): string {
  const key = " " + name + '="';
  const at = tag.indexOf(key);
  if (at < 0) return "";
  return decode(tag.substring(at + key.length, tag.indexOf('"', at + key.length)));
}

function decode(text: string): string {
  if (text.indexOf("&") < 0) return text;
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&apos;", "'").replaceAll("&amp;", "&");
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
    const text = this.requests.text;
    for (let at = text.indexOf("<"); at >= 0; at = text.indexOf("<", at + 1)) {
      const tag = text.substring(at + 1, text.indexOf(">", at));
      const id = <u32>u64.parse(attribute(tag, "id"));
      if (tag.startsWith("create ")) this.open(id, attribute(tag, "label"), this.argsBehind(text, at));
      else if (tag.startsWith("upgrade ")) this.raise(id, tag);
      else if (tag.startsWith("close ")) this.close(id);
    }
  }

  private argsBehind(text: string, at: i32): string {
    const begin = text.indexOf("<args>", at);
    return begin < 0 ? "" : decode(text.substring(begin + 6, text.indexOf("</args>", begin)));
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

  private raise(id: u32, tag: string): void {
    const index = this.ids.indexOf(id);
    if (index < 0) return;
    const ram = attribute(tag, "ram_quota");
    const caps = attribute(tag, "cap_quota");
    this.upgrade(this.sessions[index], ram.length ? u64.parse(ram) : 0, caps.length ? <u32>u64.parse(caps) : 0);
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
