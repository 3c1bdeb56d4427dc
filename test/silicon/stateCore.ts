/** A core without a machine that knows the long operations which save and restore the x87 unit. */
import { CR0_PE } from '../../src/arch/controlRegisters.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { writeRip } from '../../src/cpu/engines/reference/ripWords.ts';
import { guestFault } from '../../src/cpu/guestFault.ts';
import { U64_CR0 } from '../../src/cpu/state.ts';
import { SYSTEM_OPERATIONS } from '../../src/cpu/system/operations.ts';
import { FlatCore } from '../cpu/flatCore.ts';

const KEYS = ['Fnstenv', 'Fldenv', 'Fnsave', 'Frstor', 'Fxsave', 'Fxsave64', 'Fxrstor', 'Fxrstor64'];

export class StateCore extends FlatCore {
  readonly codeSize = 64;

  constructor() {
    super(64, undefined, Object.fromEntries(KEYS.map((key) => [key, SYSTEM_OPERATIONS[key]!])));
    this.state.u64[U64_CR0] = BigInt(CR0_PE);
  }

  raise(vector: number, errorCode = -1): never {
    throw guestFault.set(vector, errorCode);
  }

  retire(insn: Instruction): void {
    writeRip(this.state.i32, this.rip + insn.length);
  }

  loadPhysical(bytes: number, hpa: number): bigint {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.memory.bytes[hpa + i]!);
    return value;
  }

  storePhysical(bytes: number, hpa: number, value: bigint): void {
    for (let i = 0; i < bytes; i++) this.memory.bytes[hpa + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
}
