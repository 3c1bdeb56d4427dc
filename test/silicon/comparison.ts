/** What differs between two outcomes of a case, where the manual says what must be. */
import { RFLAGS_DEFINED, RFLAGS_RF } from '../../src/arch/rflags.ts';
import { VECTOR_DB, VECTOR_PF } from '../../src/arch/vectors.ts';
import { type Instruction, OPERAND_SEGMENT } from '../../src/cpu/decode/instruction.ts';
import type { Processor } from './processor.ts';
import type { Outcome, SiliconCase } from './siliconCase.ts';
import { FS_BASE, GS_BASE, PROCESSOR_NUMBER_LIMIT } from './surroundings.ts';

const NAMES = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];
/** Where the kernel's part begins: one page below the limit of canonical addresses. */
const KERNEL_HALF = (1n << 47n) - 0x1000n;

const hex = (value: bigint | number): string => value.toString(16);

/** Flags that an instruction leaves undefined count for nothing, from there on. */
export const undefinedFlags = (insns: readonly Instruction[]): number => insns.reduce((mask, insn) => mask | insn.flagsUndefined, 0);

/** The differences in words, `expected | actual`; empty when there is none. */
export function differences(insns: readonly Instruction[], one: SiliconCase, expected: Outcome, actual: Outcome): string[] {
  // Where several things are wrong: whether the stack of the outer level is looked at, whether a call pushes before its target is checked, which operand of
  // CMPS comes first.
  if (
    expected.vector !== actual.vector &&
    expected.rip === actual.rip &&
    insns.some(({ mnemonic }) => /^(?:Retf|Iret|Call|Cmps[bwdq]$)/.test(mnemonic))
  )
    return [];
  if (expected.vector !== actual.vector)
    return [`vector ${expected.vector} at ${hex(expected.rip)} | ${actual.vector} at ${hex(actual.rip)}`];
  const found: string[] = [];
  const check = (what: string, a: bigint | number, b: bigint | number): void => {
    if (a !== b) found.push(`${what} ${hex(a)} | ${hex(b)}`);
  };
  // The kernel says of its own half that pages are present, whatever they are.
  const hidden = expected.vector === VECTOR_PF && expected.cr2 >= KERNEL_HALF ? 1 : 0;
  check('error code', expected.errorCode | hidden, actual.errorCode | hidden);
  // Processors differ about which operand of CMPS they look at first, when neither is there.
  const either = expected.vector === VECTOR_PF && insns.some(({ mnemonic }) => /^Cmps[bwdq]$/.test(mnemonic));
  if (!either) check('cr2', expected.cr2, actual.cr2);
  check('rip', expected.rip, actual.rip);
  // Processors differ about RF between two elements of a repeated string instruction.
  const repeated = expected.vector === VECTOR_DB && insns.some(({ repeat }) => repeat !== 0) ? RFLAGS_RF : 0;
  const mask = RFLAGS_DEFINED & ~(undefinedFlags(insns) | repeated);
  check('flags', expected.flags & mask, actual.flags & mask);
  // IRET to a small stack leaves in the upper part of RSP what the harness had there.
  const rsp = one.smallStack ? 0xffffn : ~0n;
  // What POPA has loaded before a fault is in the registers on some processors; it will be loaded again.
  const loaded = expected.vector === VECTOR_PF && insns.some(({ mnemonic }) => /^Popa/.test(mnemonic));
  for (let i = 0; i < 16 && !loaded; i++) {
    if (tellsProcessor(insns, i, actual.gpr[i]!)) continue;
    check(NAMES[i]!, expected.gpr[i]! & (i === 4 ? rsp : ~0n), actual.gpr[i]! & (i === 4 ? rsp : ~0n));
  }
  for (let i = 0; i < 6; i++) check(SEGMENTS[i]!, nullAsZero(expected.selectors[i]!), nullAsZero(actual.selectors[i]!));
  // A kernel that is a guest itself keeps no base in the upper half, and loses others when it is interrupted.
  const loads = insns.some(({ mnemonic, operands }) => /^(?:Wr[fg]sbase|L[fg]s)$/.test(mnemonic) || operands[0]?.kind === OPERAND_SEGMENT);
  const lost = (i: 0 | 1): boolean =>
    !one.localTable && (actual.bases[i] >> 63n === 1n || (!loads && actual.bases[i] === BigInt([FS_BASE, GS_BASE][i]!)));
  if (!lost(0)) check('fs base', expected.bases[0], actual.bases[0]);
  if (!lost(1)) check('gs base', expected.bases[1], actual.bases[1]);
  if (changesText(expected) !== changesText(actual)) found.push(`memory ${changesText(expected)} | ${changesText(actual)}`);
  return found;
}

/** LSL of the segment whose limit is the processor's number. */
const tellsProcessor = (insns: readonly Instruction[], register: number, value: bigint): boolean =>
  BigInt.asUintN(16, value) === BigInt(PROCESSOR_NUMBER_LIMIT & 0xffff) &&
  insns.some(({ mnemonic, operands }) => mnemonic === 'Lsl' && operands[0]!.register === register);

/** The kernel's return to the signal handler makes all null selectors 0. */
const nullAsZero = (selector: number): number => (selector <= 3 ? 0 : selector);

const changesText = ({ changes }: Outcome): string => changes.map(({ address, value }) => `${hex(address)}=${hex(value)}`).join(' ');

/**
 * True iff the processor, asked again, gives the model's answer: then what differed was the host's doing. A kernel that is a guest itself may lose an
 * FS or GS base when it is interrupted.
 */
export function isUnsteady(processor: Processor, insns: readonly Instruction[], one: SiliconCase, actual: Outcome): boolean {
  for (let time = 0; time < 3; time++) if (differences(insns, one, processor.run([one])[0]!, actual).length === 0) return true;
  return false;
}

/** Results that the manual leaves undefined, beyond flags; the processors at hand agree about some of them, and the model with those. */
export function isUndefined(insns: readonly Instruction[], one: SiliconCase): boolean {
  return insns.some((insn) => {
    // Counts beyond the width.
    if (/^Sh[lr]d$/.test(insn.mnemonic) && insn.width === 16) {
      const last = insn.operands[2]!;
      // Another instruction may change CL before.
      if (last.kind !== 2 && insns.length > 1) return true;
      return Number((last.kind === 2 ? last.immediate : one.gpr[1]!) & 31n) > 16;
    }
    return false;
  });
}
