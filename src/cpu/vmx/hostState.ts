import { EFER_LMA, EFER_LME } from '../../arch/controlRegisters.ts';
import { CS, DS, ES, FS, GS, LDTR, RSP, SS, TR } from '../../arch/registers.ts';
import { RFLAGS_FIXED } from '../../arch/rflags.ts';
import { AR_DB, AR_G, AR_L, AR_P, AR_S, TYPE_ACCESSED, TYPE_CODE, TYPE_TSS_BUSY, TYPE_WRITABLE_OR_READABLE } from '../../arch/segments.ts';
import {
  VMCS_EXIT_CONTROLS,
  VMCS_HOST_CR0,
  VMCS_HOST_CR3,
  VMCS_HOST_CR4,
  VMCS_HOST_CS_SELECTOR,
  VMCS_HOST_DS_SELECTOR,
  VMCS_HOST_EFER,
  VMCS_HOST_ES_SELECTOR,
  VMCS_HOST_FS_BASE,
  VMCS_HOST_FS_SELECTOR,
  VMCS_HOST_GDTR_BASE,
  VMCS_HOST_GS_BASE,
  VMCS_HOST_GS_SELECTOR,
  VMCS_HOST_IDTR_BASE,
  VMCS_HOST_PAT,
  VMCS_HOST_RIP,
  VMCS_HOST_RSP,
  VMCS_HOST_SS_SELECTOR,
  VMCS_HOST_TR_BASE,
  VMCS_HOST_TR_SELECTOR,
} from '../../arch/vmcs.ts';
import { EXIT_CONTROL_HOST_64, EXIT_CONTROL_LOAD_EFER, EXIT_CONTROL_LOAD_PAT } from '../../arch/vmxControls.ts';
import type { Core } from '../core.ts';
import { setNullSegment, setSegment } from '../segmentation.ts';
import {
  ACTIVITY_ACTIVE,
  I32_ACTIVITY,
  I32_CPL,
  I32_GDTR_LIMIT,
  I32_IDTR_LIMIT,
  I32_INTERRUPTIBILITY,
  I32_RFLAGS,
  U64_CR0,
  U64_CR3,
  U64_CR4,
  U64_DR7,
  U64_EFER,
  U64_GDTR_BASE,
  U64_IDTR_BASE,
  U64_PAT,
  U64_RIP,
} from '../state.ts';
import type { Vmcs } from './vmcs.ts';

const DATA = AR_P | AR_S | TYPE_WRITABLE_OR_READABLE | TYPE_ACCESSED | AR_G | AR_DB;

/** The core has the registers of the host-state area. SDM: Vol. 3, "Loading Host State". */
export function loadHostState(core: Core, vmcs: Vmcs): void {
  const { u64, i32 } = core.state;
  u64[U64_CR0] = vmcs.read(VMCS_HOST_CR0);
  u64[U64_CR3] = vmcs.read(VMCS_HOST_CR3);
  u64[U64_CR4] = vmcs.read(VMCS_HOST_CR4);
  const wide = (vmcs.readNumber(VMCS_EXIT_CONTROLS) & EXIT_CONTROL_HOST_64) !== 0;
  const efer = vmcs.readNumber(VMCS_EXIT_CONTROLS) & EXIT_CONTROL_LOAD_EFER ? vmcs.read(VMCS_HOST_EFER) : u64[U64_EFER]!;
  const mode = BigInt(EFER_LMA | EFER_LME);
  u64[U64_EFER] = wide ? efer | mode : efer & ~mode;
  if (vmcs.readNumber(VMCS_EXIT_CONTROLS) & EXIT_CONTROL_LOAD_PAT) u64[U64_PAT] = vmcs.read(VMCS_HOST_PAT);
  u64[U64_DR7] = 0x400n;
  setSegment(core, CS, vmcs.readNumber(VMCS_HOST_CS_SELECTOR), 0n, -1, (DATA & ~(wide ? AR_DB : 0)) | TYPE_CODE | (wide ? AR_L : 0));
  for (const [segment, field, base] of DATA_SEGMENTS) {
    const selector = vmcs.readNumber(field);
    const address = base === undefined ? 0n : vmcs.read(base);
    setSegment(core, segment, selector, address, -1, DATA);
  }
  setSegment(core, TR, vmcs.readNumber(VMCS_HOST_TR_SELECTOR), vmcs.read(VMCS_HOST_TR_BASE), 0x67, AR_P | TYPE_TSS_BUSY);
  setNullSegment(core, LDTR, 0);
  u64[U64_GDTR_BASE] = vmcs.read(VMCS_HOST_GDTR_BASE);
  i32[I32_GDTR_LIMIT] = 0xffff;
  u64[U64_IDTR_BASE] = vmcs.read(VMCS_HOST_IDTR_BASE);
  i32[I32_IDTR_LIMIT] = 0xffff;
  u64[RSP] = vmcs.read(VMCS_HOST_RSP);
  u64[U64_RIP] = vmcs.read(VMCS_HOST_RIP);
  i32[I32_RFLAGS] = RFLAGS_FIXED;
  i32[I32_CPL] = 0;
  i32[I32_INTERRUPTIBILITY] = 0;
  i32[I32_ACTIVITY] = ACTIVITY_ACTIVE;
}

const DATA_SEGMENTS: readonly (readonly [segment: number, selector: number, base: number | undefined])[] = [
  [ES, VMCS_HOST_ES_SELECTOR, undefined],
  [SS, VMCS_HOST_SS_SELECTOR, undefined],
  [DS, VMCS_HOST_DS_SELECTOR, undefined],
  [FS, VMCS_HOST_FS_SELECTOR, VMCS_HOST_FS_BASE],
  [GS, VMCS_HOST_GS_SELECTOR, VMCS_HOST_GS_BASE],
];
