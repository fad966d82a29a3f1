// The `session_requests` module: what a parent wants of a server (spec 2.12), written for servers among the children and
// read by init itself when it offers services upwards.
import type { Location, Quota } from "../../session/index.ts";
import { readNumber } from "../../session/index.ts";
import { tryXml, type XmlNode } from "../config/xml.ts";
import { writeXml, type XmlOut } from "../config/xml-writer.ts";

export type ServerRequest =
  | {
      readonly kind: "create";
      readonly id: number;
      readonly service: string;
      readonly label: string;
      readonly args: string;
      readonly affinity: Location;
    }
  | { readonly kind: "upgrade"; readonly id: number; readonly quota: Quota }
  | { readonly kind: "close"; readonly id: number };

/** The module's text. */
export function writeRequests(requests: readonly ServerRequest[]): string {
  return writeXml({ name: "session_requests", children: requests.map(elementOf) });
}

function elementOf(request: ServerRequest): XmlOut {
  const { kind, id } = request;
  if (kind === "close") return { name: kind, attributes: { id } };
  if (kind === "upgrade") {
    return { name: kind, attributes: { id, ram_quota: request.quota.ram, cap_quota: request.quota.caps } };
  }
  const { service, label, args, affinity } = request;
  const { x, y, width, height } = affinity;
  return {
    name: kind,
    attributes: { id, service, label },
    children: [
      { name: "args", text: args },
      { name: "affinity", attributes: { xpos: x, ypos: y, width, height } },
    ],
  };
}

/** The requests in a module's text; what is not understood is left out. */
export function readRequests(text: string): readonly ServerRequest[] {
  const root = tryXml(text);
  if (!root.ok || root.value.name !== "session_requests") return [];
  return root.value.children.map(readRequest).filter((request) => request !== undefined);
}

function readRequest(node: XmlNode): ServerRequest | undefined {
  const id = attributeNumber(node, "id");
  if (!node.attributes.has("id")) return undefined;
  switch (node.name) {
    case "create": {
      const place = node.child("affinity");
      const [x, y, width, height] = ["xpos", "ypos", "width", "height"].map((name) => attributeNumber(place, name));
      return {
        kind: "create",
        id,
        service: node.attributes.get("service") ?? "",
        label: node.attributes.get("label") ?? "",
        args: node.child("args")?.text ?? "",
        affinity: { x: x!, y: y!, width: width!, height: height! },
      };
    }
    case "upgrade":
      return {
        kind: "upgrade",
        id,
        quota: { ram: attributeNumber(node, "ram_quota"), caps: attributeNumber(node, "cap_quota") },
      };
    case "close":
      return { kind: "close", id };
    default:
      return undefined;
  }
}

function attributeNumber(node: XmlNode | undefined, name: string): number {
  return readNumber(node?.attributes.get(name) ?? "") ?? 0;
}
