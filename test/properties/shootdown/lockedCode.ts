/** What a core of a guest executes next, as far as it is locked. The kernel is mapped one to one. */
import type { Core } from '../../../src/cpu/core.ts';
import type { Vm } from '../../../src/vmm/vm.ts';

const LOCK = 0xf0;
/** Upper half of a REX prefix. */
const REX = 4;
const TWO_BYTE_OPCODE = 0x0f;
/** Second byte of the opcode, but for bit 0. */
const CMPXCHG = 0xb0;

const byteAt = (core: Core, vm: Vm, offset: number): number => core.memory.bytes[vm.base + core.rip + offset]!;

export const isAtLockedInstruction = (core: Core, vm: Vm): boolean => byteAt(core, vm, 0) === LOCK;

export function isAtLockedCompareExchange(core: Core, vm: Vm): boolean {
  if (!isAtLockedInstruction(core, vm)) return false;
  const opcode = byteAt(core, vm, 1) >> 4 === REX ? 2 : 1;
  return byteAt(core, vm, opcode) === TWO_BYTE_OPCODE && (byteAt(core, vm, opcode + 1) & ~1) === CMPXCHG;
}
