// What of a child names something else: attachments, handlers, capability tables. Everything that is named is there.
import type { CpuInfo, FurtherCpuInfo, RegionMapInfo } from "../checkpoint/index.ts";
import type { Capability, CpuSession, Dataspace, SignalContext } from "../session/index.ts";
import type { RtcrRegionMap } from "./region-map.ts";
import type { CpuPart } from "./restore-allocations.ts";
import type { RestoreFaults } from "./restore-faults.ts";
import type { RestoredPart } from "./restore-part.ts";
import type { Translation } from "./translation.ts";

export class Relations {
  readonly #translation: Translation;
  readonly #faults: RestoreFaults;

  constructor(translation: Translation, faults: RestoreFaults) {
    this.#translation = translation;
    this.#faults = faults;
  }

  /** The three maps of a component. */
  attachAreas({ pd, info }: RestoredPart): void {
    const { addressSpace, stackArea, linkerArea } = pd.maps;
    this.attachAll(stackArea, info.stackArea);
    this.attachAll(linkerArea, info.linkerArea);
    this.attachAll(addressSpace, info.addressSpace);
  }

  /** What is attached elsewhere, or is not recorded, goes. @throws RtcrFault "refused" */
  attachAll(map: RtcrRegionMap, info: RegionMapInfo): void {
    const { regions, faultHandlerBadge } = info;
    if (info.behindBadge !== undefined) return this.#noteAll(map, info);
    this.contextThen(faultHandlerBadge, (context) => map.faultHandler(context));
    const wanted = new Map(regions.map((region) => [region.address, region]));
    for (const { address, dataspace, size } of map.regions()) {
      const region = wanted.get(address);
      const same = region?.size === size && this.#translation.get(region.dataspaceBadge) === dataspace;
      if (same) wanted.delete(address);
      else map.detach(address);
    }
    for (const { dataspaceBadge, ...options } of wanted.values()) {
      const attached = map.attach(this.#translation.get<Dataspace>(dataspaceBadge), options);
      if (attached.ok && attached.value === options.address) continue;
      const why = attached.ok ? `came to 0x${attached.value.toString(16)}` : attached.reason;
      throw this.#faults.refused(`the attachment of ${options.size} bytes at 0x${options.address.toString(16)}`, why);
    }
  }

  /** The map behind it has the attachments, or will have them. */
  #noteAll(map: RtcrRegionMap, info: RegionMapInfo): void {
    const handler = this.#translation.get<SignalContext>(info.faultHandlerBadge);
    map.takeUp(info, handler, (badge) => this.#translation.get<Dataspace>(badge));
  }

  handleExceptions({ cpu, info }: CpuPart): void {
    const { faultHandlerBadge, nativeBehindBadge, accountBadge = 0 } = info as CpuInfo & Partial<FurtherCpuInfo>;
    const handler = this.#translation.get<SignalContext>(faultHandlerBadge);
    if (nativeBehindBadge !== undefined) cpu.takeUp(handler, this.#translation.get<CpuSession>(accountBadge));
    else if (handler.valid) cpu.exceptionSigh(handler);
  }

  installCapabilities({ pd: { native }, record }: RestoredPart): void {
    native.clearSlots();
    for (const { slot, badge, references } of record.capabilities) {
      const installed = native.install(slot, this.#translation.orDead(badge), references);
      if (!installed.ok) throw this.#faults.refused(`capability slot ${slot}`, installed.reason);
    }
  }

  /** @param then is called with the context that a badge stands for, if there is one */
  contextThen(badge: number, then: (context: Capability<SignalContext>) => void): void {
    const context = this.#translation.get<SignalContext>(badge);
    if (context.valid) then(context);
  }
}
