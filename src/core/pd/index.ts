// PD and RM sessions: accounts, signals, RPC objects, and where a component's areas lie.
export { Account, Budget, clampAmount, Guard, MetaStore } from "./account.ts";
export {
  LAYOUTS,
  type Layout,
  type LayoutName,
  LINKER_AREA_BYTES,
  STACK_AREA_BYTES,
  STACK_SLOT_BYTES,
} from "./areas.ts";
export {
  type Area,
  type DataspaceListOptions,
  type DataspaceRow,
  formatDataspaces,
  listDataspaces,
} from "./dataspace-list.ts";
export { CorePd, createPd, createRootPd, PD_COST, type PdOptions } from "./pd.ts";
export {
  adoptProgram,
  growLinearMemory,
  growthRequest,
  ProgramMemory,
  type ProgramMemoryOptions,
  type ProgramMemoryRefusal,
} from "./program-memory.ts";
export { CoreRm, createRm, MAP_COST, RM_COST, type RmOptions } from "./rm.ts";
export { CoreRpcObject, type DeliverCall } from "./rpc-object.ts";
export { CoreSignalContext, CoreSignalSource } from "./signals.ts";
