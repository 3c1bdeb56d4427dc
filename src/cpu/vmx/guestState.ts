import { CR0_PG, EFER_LMA, EFER_LME } from '../../arch/controlRegisters.ts';
import { RSP } from '../../arch/registers.ts';
import {
  VMCS_ENTRY_CONTROLS,
  VMCS_EXIT_CONTROLS,
  VMCS_GUEST_ACTIVITY,
  VMCS_GUEST_CR0,
  VMCS_GUEST_CR3,
  VMCS_GUEST_CR4,
  VMCS_GUEST_DR7,
  VMCS_GUEST_EFER,
  VMCS_GUEST_ES_ACCESS,
  VMCS_GUEST_ES_BASE,
  VMCS_GUEST_ES_LIMIT,
  VMCS_GUEST_ES_SELECTOR,
  VMCS_GUEST_GDTR_BASE,
  VMCS_GUEST_GDTR_LIMIT,
  VMCS_GUEST_IDTR_BASE,
  VMCS_GUEST_IDTR_LIMIT,
  VMCS_GUEST_INTERRUPTIBILITY,
  VMCS_GUEST_PAT,
  VMCS_GUEST_RFLAGS,
  VMCS_GUEST_RIP,
  VMCS_GUEST_RSP,
  VMCS_GUEST_SS_ACCESS,
  VMCS_GUEST_SYSENTER_CS,
  VMCS_GUEST_SYSENTER_EIP,
  VMCS_GUEST_SYSENTER_ESP,
} from '../../arch/vmcs.ts';
import {
  ENTRY_CONTROL_IA32E_GUEST,
  ENTRY_CONTROL_LOAD_EFER,
  ENTRY_CONTROL_LOAD_PAT,
  EXIT_CONTROL_SAVE_EFER,
  EXIT_CONTROL_SAVE_PAT,
} from '../../arch/vmxControls.ts';
import {
  type CoreState,
  I32_ACTIVITY,
  I32_CPL,
  I32_GDTR_LIMIT,
  I32_IDTR_LIMIT,
  I32_INTERRUPTIBILITY,
  I32_RFLAGS,
  I32_SEGMENT_ACCESS,
  I32_SEGMENT_LIMIT,
  I32_SEGMENT_SELECTOR,
  U64_CR0,
  U64_CR3,
  U64_CR4,
  U64_DR7,
  U64_EFER,
  U64_GDTR_BASE,
  U64_IDTR_BASE,
  U64_PAT,
  U64_RIP,
  U64_SEGMENT_BASE,
  U64_SYSENTER_CS,
  U64_SYSENTER_EIP,
  U64_SYSENTER_ESP,
} from '../state.ts';
import { slotOf, type Vmcs } from './vmcs.ts';

/** 64-bit guest-state fields and where a core keeps them. */
const WIDE: readonly (readonly [field: number, index: number])[] = [
  [VMCS_GUEST_CR0, U64_CR0],
  [VMCS_GUEST_CR3, U64_CR3],
  [VMCS_GUEST_CR4, U64_CR4],
  [VMCS_GUEST_DR7, U64_DR7],
  [VMCS_GUEST_RSP, RSP],
  [VMCS_GUEST_RIP, U64_RIP],
  [VMCS_GUEST_GDTR_BASE, U64_GDTR_BASE],
  [VMCS_GUEST_IDTR_BASE, U64_IDTR_BASE],
  [VMCS_GUEST_SYSENTER_CS, U64_SYSENTER_CS],
  [VMCS_GUEST_SYSENTER_ESP, U64_SYSENTER_ESP],
  [VMCS_GUEST_SYSENTER_EIP, U64_SYSENTER_EIP],
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((segment): [number, number] => [VMCS_GUEST_ES_BASE + 2 * segment, U64_SEGMENT_BASE + segment]),
];

/** 32-bit and narrower guest-state fields. */
const NARROW: readonly (readonly [field: number, index: number])[] = [
  [VMCS_GUEST_RFLAGS, I32_RFLAGS],
  [VMCS_GUEST_GDTR_LIMIT, I32_GDTR_LIMIT],
  [VMCS_GUEST_IDTR_LIMIT, I32_IDTR_LIMIT],
  [VMCS_GUEST_INTERRUPTIBILITY, I32_INTERRUPTIBILITY],
  [VMCS_GUEST_ACTIVITY, I32_ACTIVITY],
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((segment): [number, number][] => [
    [VMCS_GUEST_ES_SELECTOR + 2 * segment, I32_SEGMENT_SELECTOR + segment],
    [VMCS_GUEST_ES_LIMIT + 2 * segment, I32_SEGMENT_LIMIT + segment],
    [VMCS_GUEST_ES_ACCESS + 2 * segment, I32_SEGMENT_ACCESS + segment],
  ]),
];

const WIDE_SLOTS = Uint16Array.from(WIDE, ([field]) => slotOf(field));
const WIDE_INDICES = Uint16Array.from(WIDE, ([, index]) => index);
const NARROW_SLOTS = Uint16Array.from(NARROW, ([field]) => slotOf(field));
const NARROW_INDICES = Uint16Array.from(NARROW, ([, index]) => index);

/** The guest's registers are in the guest-state area, EFER and PAT as the exit controls say. SDM: Vol. 3, "Saving Guest State". */
export function saveGuestState({ u64, i32 }: CoreState, vmcs: Vmcs): void {
  const { words } = vmcs;
  for (let i = 0; i < WIDE_SLOTS.length; i++) {
    const to = 2 * WIDE_SLOTS[i]!;
    const from = 2 * WIDE_INDICES[i]!;
    words[to] = i32[from]!;
    words[to + 1] = i32[from + 1]!;
  }
  for (let i = 0; i < NARROW_SLOTS.length; i++) {
    const to = 2 * NARROW_SLOTS[i]!;
    words[to] = i32[NARROW_INDICES[i]!]!;
    words[to + 1] = 0;
  }
  const controls = vmcs.readNumber(VMCS_EXIT_CONTROLS);
  if (controls & EXIT_CONTROL_SAVE_EFER) vmcs.write(VMCS_GUEST_EFER, u64[U64_EFER]!);
  if (controls & EXIT_CONTROL_SAVE_PAT) vmcs.write(VMCS_GUEST_PAT, u64[U64_PAT]!);
}

/**
 * The core has the registers of the guest-state area, EFER and PAT as the entry controls say; the CPL is SS's DPL.
 * SDM: Vol. 3, "Loading Guest Control Registers, Debug Registers, and MSRs" and the sections that follow.
 */
export function loadGuestState({ u64, i32 }: CoreState, vmcs: Vmcs): void {
  const { words } = vmcs;
  for (let i = 0; i < WIDE_SLOTS.length; i++) {
    const to = 2 * WIDE_INDICES[i]!;
    const from = 2 * WIDE_SLOTS[i]!;
    i32[to] = words[from]!;
    i32[to + 1] = words[from + 1]!;
  }
  for (let i = 0; i < NARROW_SLOTS.length; i++) i32[NARROW_INDICES[i]!] = words[2 * NARROW_SLOTS[i]!]!;
  const controls = vmcs.readNumber(VMCS_ENTRY_CONTROLS);
  if (controls & ENTRY_CONTROL_LOAD_EFER) u64[U64_EFER] = vmcs.read(VMCS_GUEST_EFER);
  else u64[U64_EFER] = eferInMode(u64[U64_EFER]!, (controls & ENTRY_CONTROL_IA32E_GUEST) !== 0, (u64[U64_CR0]! & BigInt(CR0_PG)) !== 0n);
  if (controls & ENTRY_CONTROL_LOAD_PAT) u64[U64_PAT] = vmcs.read(VMCS_GUEST_PAT);
  i32[I32_CPL] = (vmcs.readNumber(VMCS_GUEST_SS_ACCESS) >> 5) & 3;
}

/** Without its own field EFER follows the mode: LMA always, LME when paging is on. */
function eferInMode(efer: bigint, longMode: boolean, paging: boolean): bigint {
  const bits = BigInt(paging ? EFER_LMA | EFER_LME : EFER_LMA);
  return longMode ? efer | bits : efer & ~bits;
}
