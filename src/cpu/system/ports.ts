import { CR4_DE } from '../../arch/controlRegisters.ts';
import { RAX, RDX, TR } from '../../arch/registers.ts';
import { AR_UNUSABLE, TSS64_IO_MAP_BASE } from '../../arch/segments.ts';
import { VECTOR_GP } from '../../arch/vectors.ts';
import type { Core } from '../core.ts';
import { type Instruction, OPERAND_IMMEDIATE } from '../decode/instruction.ts';
import { loadLinear, SYSTEM_READ, signedNumber } from '../linearMemory.ts';
import { isVirtual8086 } from '../mode.ts';
import { I32_SEGMENT_ACCESS, I32_SEGMENT_LIMIT, U64_CR4, U64_SEGMENT_BASE } from '../state.ts';
import { exitOnIo } from '../vmx/intercepts.ts';
import { writeRegister } from './operands.ts';
import { hasIoPrivilege } from './privilege.ts';

/** IN. Raises: #GP(0) when CPL > IOPL and the TSS's I/O bitmap does not allow the port. SDM: Vol. 2, "IN—Input From Port". */
export function input(core: Core, insn: Instruction): void {
  const width = insn.operands[0]!.width;
  const port = portNumber(core, insn, 1);
  checkPort(core, port, width / 8);
  if (exitOnIo(core, insn, port, width / 8, true)) return;
  core.charge(core.costs.portAccess);
  notePort(core, port, width / 8);
  const value = BigInt(core.ports.read(port, width / 8) >>> 0);
  if (width === 8) core.state.u64[RAX] = (core.state.u64[RAX]! & ~0xffn) | (value & 0xffn);
  else writeRegister(core, RAX, width, value);
  core.retire(insn);
  core.attention = true;
}

/** OUT. */
export function output(core: Core, insn: Instruction): void {
  const width = insn.operands[1]!.width;
  const port = portNumber(core, insn, 0);
  checkPort(core, port, width / 8);
  if (exitOnIo(core, insn, port, width / 8, false)) return;
  core.charge(core.costs.portAccess);
  notePort(core, port, width / 8);
  core.retire(insn);
  core.ports.write(port, Number(BigInt.asUintN(width, core.state.u64[RAX]!)), width / 8);
  core.attention = true;
}

/** Under CR4.DE a breakpoint may watch ports. */
function notePort(core: Core, port: number, bytes: number): void {
  if (core.watch !== null && Number(core.state.u64[U64_CR4]!) & CR4_DE) core.watch.notePort(port, bytes);
}

function portNumber(core: Core, insn: Instruction, index: number): number {
  const operand = insn.operands[index]!;
  return operand.kind === OPERAND_IMMEDIATE ? Number(operand.immediate & 0xffn) : Number(core.state.u64[RDX]! & 0xffffn);
}

/** Raises #GP(0) when neither IOPL nor the TSS's bit map allows the ports. SDM: Vol. 1, "I/O Permission Bit Map". */
export function checkPort(core: Core, port: number, bytes: number): void {
  if (hasIoPrivilege(core) && !isVirtual8086(core)) return;
  const { u64, i32 } = core.state;
  const limit = i32[I32_SEGMENT_LIMIT + TR]! >>> 0;
  const base = signedNumber(u64[U64_SEGMENT_BASE + TR]!);
  if (i32[I32_SEGMENT_ACCESS + TR]! & AR_UNUSABLE || limit < TSS64_IO_MAP_BASE + 1) core.raise(VECTOR_GP, 0);
  const offset = Number(loadLinear(core, 2, base + TSS64_IO_MAP_BASE, SYSTEM_READ)) + (port >> 3);
  if (offset + 1 > limit) core.raise(VECTOR_GP, 0);
  const bits = Number(loadLinear(core, 2, base + offset, SYSTEM_READ));
  if ((bits >> (port & 7)) & ((1 << bytes) - 1)) core.raise(VECTOR_GP, 0);
}
