/**
 * The assembler in which guests are written.
 *
 *   const a = assembler();
 *   a.proc('acquire', {}, () => {
 *     a.label('.retry');
 *     a.mov(eax, 1);
 *     a.xchg(mem32(rdi), eax);
 *     a.test(eax, eax);
 *     a.jne('.retry');
 *   });
 *   const { image, listing } = a.assemble({ base: GUEST_IMAGE_BASE, entry: 'start' });
 */
import { CONDITIONS, type InstructionSet, LOCKABLE, MNEMONICS, STRING_MNEMONICS, type Target } from './instructionSet.ts';
import type { Operand } from './operand.ts';
import { StructuredProgram } from './structured.ts';

export type { Assembled } from './program.ts';
export type Assembler = StructuredProgram & InstructionSet;

/** A new, empty program, with a method for every instruction of the instruction set. */
export function assembler(): Assembler {
  const program = new StructuredProgram();
  const methods: Record<string, unknown> = {};
  const lock: Record<string, unknown> = {};
  const rep: Record<string, unknown> = {};
  for (const mnemonic of Object.keys(MNEMONICS)) methods[mnemonic] = (...operands: Operand[]) => program.emit(mnemonic, operands);
  for (const mnemonic of LOCKABLE) lock[mnemonic] = (...operands: Operand[]) => program.emit(mnemonic, operands, true);
  for (const mnemonic of STRING_MNEMONICS) {
    methods[mnemonic] = () => program.emitString(mnemonic, false);
    rep[mnemonic] = () => program.emitString(mnemonic, true);
  }
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    methods[`j${name}`] = (label: string) => program.branch(`j${condition}`, label);
    methods[`set${name}`] = (...operands: Operand[]) => program.emit(`set${condition}`, operands);
    methods[`cmov${name}`] = (...operands: Operand[]) => program.emit(`cmov${condition}`, operands);
  }
  for (const mnemonic of ['jmp', 'call']) {
    methods[mnemonic] = (target: Target) =>
      typeof target === 'string' ? program.branch(mnemonic, target) : program.emit(mnemonic, [target]);
  }
  for (const name of [...Object.keys(methods), 'lock', 'rep']) {
    if (name in program) throw new Error(`the instruction ${name} hides a method of the program`);
  }
  return Object.assign(program, methods, { lock, rep }) as unknown as Assembler;
}
