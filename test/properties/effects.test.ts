import { describe, expect, test } from 'vitest';
import { RFLAGS_AC, RFLAGS_DF, RFLAGS_IF, RFLAGS_STATUS } from '../../src/arch/rflags.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { Effects } from '../../src/cpu/semantics/effects.ts';
import { SEMANTICS } from '../../src/cpu/semantics/table.ts';
import { everyForm } from '../arbitraries/everyForm.ts';

const forms = everyForm();
/** Flags that the decoder tells about. */
const TOLD = RFLAGS_STATUS | RFLAGS_DF | RFLAGS_IF | RFLAGS_AC;

/** Lines about the instructions for which `check` finds something. */
const complaints = (check: (insn: Instruction, effects: Effects) => string): string[] =>
  forms.flatMap((insn) => {
    const complaint = check(insn, Effects.of(insn));
    return complaint === '' ? [] : [`${insn.form} (${insn.mode}-bit): ${complaint}`];
  });

const hex = (mask: number): string => mask.toString(16);

test('the forms reach every meaning of the table', () => {
  const reached = new Set(forms.map((insn) => insn.mnemonic));
  const missing = [...SEMANTICS].filter(([mnemonic, row]) => row.kind !== 'system' && !reached.has(mnemonic)).map(([mnemonic]) => mnemonic);
  // Names of other encodings: 16-bit code has JCXZ; PREFETCHIT and PREFETCHWT1 need operands that no register form has.
  expect(missing.filter((mnemonic) => !/^(?:Jcxz|Prefetchit[01])$/.test(mnemonic))).toEqual([]);
});

describe('every meaning', () => {
  test('reads the flags that the decoder says it reads', () => {
    expect(
      complaints((insn, effects) => {
        const read = effects.flagsRead & TOLD;
        // PUSHF with 16 bits reads the whole word and drops AC.
        const expected = insn.mnemonic === 'Pushf' ? insn.flagsRead | RFLAGS_AC : insn.flagsRead;
        return read === expected ? '' : `reads ${hex(read)}, decoder ${hex(expected)}`;
      }),
    ).toEqual([]);
  });

  test('writes the flags that are defined, and none that must be kept', () => {
    expect(
      complaints((insn, { flagsWritten }) => {
        const unexpected = flagsWritten & ~insn.flagsWritten;
        const forgotten = insn.flagsWritten & ~insn.flagsUndefined & ~flagsWritten;
        return unexpected === 0 && forgotten === 0 ? '' : `writes ${hex(unexpected)} too much, forgets ${hex(forgotten)}`;
      }),
    ).toEqual([]);
  });

  test('jumps only when it is a branch, and then always', () => {
    expect(complaints((insn, { jumps }) => (jumps === (insn.kind === 'branch') ? '' : `jumps: ${jumps}`))).toEqual([]);
  });

  test('touches memory when it has a memory operand, except for address computations and hints', () => {
    expect(
      complaints((insn, { loads, stores }) => {
        if (insn.memory === undefined || /^(?:Lea|Nop|Reservednop|Prefetch\w*|Cldemote)$/.test(insn.mnemonic)) return '';
        return loads + stores > 0 ? '' : 'does not touch it';
      }),
    ).toEqual([]);
  });
});

test('the effects of an instruction name its registers', () => {
  const find = (form: string) => Effects.of(forms.find((insn) => insn.form === form && insn.memory === undefined)!);
  expect(find('Add_rm64_r64')).toMatchObject({ gprRead: 0b11, gprWritten: 0b10, gprMerged: 0, flagsRead: 0, flagsWritten: RFLAGS_STATUS });
  expect(find('Mov_rm8_r8')).toMatchObject({ gprRead: 0b1, gprWritten: 0b10, gprMerged: 0b10 });
});
