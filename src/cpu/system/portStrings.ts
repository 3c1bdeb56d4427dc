/**
 * INS and OUTS: one element per execution; under a repeat prefix RIP stays until the count is used up.
 *
 * SDM: Vol. 2, "INS/INSB/INSW/INSD—Input from Port to String"; "OUTS/OUTSB/OUTSW/OUTSD—Output String to Port".
 */
import { CANONICAL_LIMIT } from '../../arch/addresses.ts';
import { ES, FS, RCX, RDI, RDX, RSI, SS } from '../../arch/registers.ts';
import { RFLAGS_DF } from '../../arch/rflags.ts';
import { VECTOR_GP, VECTOR_SS } from '../../arch/vectors.ts';
import { ACCESS_READ, ACCESS_WRITE } from '../../mmu/access.ts';
import type { Core } from '../core.ts';
import { type Instruction, REPEAT_NONE } from '../decode/instruction.ts';
import { loadLinear, signedNumber, storeLinear } from '../linearMemory.ts';
import { segmentAllows } from '../segmentCheck.ts';
import { I32_RFLAGS, U64_SEGMENT_BASE } from '../state.ts';
import { exitOnStringIo } from '../vmx/intercepts.ts';
import { checkPort } from './ports.ts';
import { mergedPointer } from './stack.ts';

/** INS: ES:[rDI] = port DX. Raises: #GP(0), #PF. */
export function inputString(core: Core, insn: Instruction): void {
  element(core, insn, true, (bytes, port) => {
    const la = address(core, insn, ES, RDI, bytes, true);
    // A fault must come before the device is asked.
    storeLinear(core, bytes, la, loadLinear(core, bytes, la, ACCESS_WRITE | core.userAccess), ACCESS_WRITE | core.userAccess);
    storeLinear(core, bytes, la, BigInt(core.ports.read(port, bytes) >>> 0), ACCESS_WRITE | core.userAccess);
  });
}

/** OUTS: port DX = source segment:[rSI]. */
export function outputString(core: Core, insn: Instruction): void {
  element(core, insn, false, (bytes, port) => {
    const value = loadLinear(core, bytes, address(core, insn, insn.segment, RSI, bytes, false), ACCESS_READ | core.userAccess);
    core.ports.write(port, Number(value), bytes);
  });
}

function element(core: Core, insn: Instruction, input: boolean, move: (bytes: 1 | 2 | 4, port: number) => void): void {
  const index = input ? RDI : RSI;
  const { u64, i32 } = core.state;
  const width = insn.addressWidth;
  const bytes = (insn.width / 8) as 1 | 2 | 4;
  const port = Number(u64[RDX]! & 0xffffn);
  checkPort(core, port, bytes);
  const counted = insn.repeat !== REPEAT_NONE;
  const count = BigInt.asUintN(width, u64[RCX]!);
  core.attention = true;
  if (counted && count === 0n) {
    core.retire(insn);
    return;
  }
  if (exitOnStringIo(core, insn, port, bytes, input, linearBits(core, insn, input ? ES : insn.segment, index))) return;
  move(bytes, port);
  const step = i32[I32_RFLAGS]! & RFLAGS_DF ? -BigInt(bytes) : BigInt(bytes);
  u64[index] = mergedPointer(width, u64[index]!, u64[index]! + step);
  core.charge(core.costs.portAccess);
  if (counted) u64[RCX] = mergedPointer(width, u64[RCX]!, count - 1n);
  if (!counted || count === 1n) core.retire(insn);
}

/** The 64-bit linear address of the element, before any check. */
function linearBits(core: Core, insn: Instruction, segment: number, index: number): bigint {
  const { u64 } = core.state;
  const offset = BigInt.asUintN(insn.addressWidth, u64[index]!);
  const based = core.codeSize !== 64 || segment >= FS;
  return BigInt.asUintN(core.codeSize === 64 ? 64 : 32, based ? offset + u64[U64_SEGMENT_BASE + segment]! : offset);
}

function address(core: Core, insn: Instruction, segment: number, index: number, bytes: number, write: boolean): number {
  const { u64, i32 } = core.state;
  const offset = BigInt.asUintN(insn.addressWidth, u64[index]!);
  const fault = segment === SS ? VECTOR_SS : VECTOR_GP;
  const la = signedNumber(linearBits(core, insn, segment, index));
  if (core.codeSize !== 64) {
    if (!segmentAllows(i32, segment, Number(offset), bytes, write)) core.raise(fault, 0);
    return la;
  }
  if (la < -CANONICAL_LIMIT || la + bytes > CANONICAL_LIMIT) core.raise(fault, 0);
  return la;
}
