/** Instructions whose operand ends, byte by byte, in a page that is not there. */
import { DS, RSP, SS } from '../../src/arch/registers.ts';
import type { Form } from '../../src/cpu/decode/formCatalogue.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { type Encoded, encodeForm } from './encodings.ts';
import { userForms } from './generator.ts';
import { placeCase } from './placement.ts';
import { RandomSource } from './random.ts';
import type { CodeSize, SiliconCase } from './siliconCase.ts';
import { DATA, WRITABLE_SIZE } from './surroundings.ts';

/** Where the absent page begins. */
export const EDGE = DATA + WRITABLE_SIZE;

const PUSHES = /^(?:Push|Call|Enter)/;
const POPS = /^(?:Pop[adfq]*$|Ret|Leave|Iret)/;
const STRINGS = /^(?:Movs|Stos|Lods|Cmps|Scas)[bwdq]$/;
/** They have a memory operand and do not access it, or are not meant to succeed. */
const NO_ACCESS = /^(?:Lea|Nop|Reservednop|Prefetch|Cldemote|Ud[012]$|L[gi]dt|Lldt|Ltr|Lmsw|Invlpg|Invpcid|In|Out|Ins|Vm|Inv)/;

export interface RestartForm {
  readonly form: Form;
  readonly size: CodeSize;
  readonly encoded: Encoded;
}

/** One encoding with an access to memory of every form of level 3 that has one. */
export function restartForms(sizes: readonly CodeSize[]): RestartForm[] {
  const random = new RandomSource(7);
  const found: RestartForm[] = [];
  for (const { form, size } of userForms()) {
    // A direct far call fails by its selector first.
    if (!sizes.includes(size) || form.form.startsWith('Call_ptr') || NO_ACCESS.test(form.mnemonic)) continue;
    for (let i = 0; i < 60; i++) {
      const encoded = encodeForm(form, size, random, () => EDGE - 1);
      if (encoded === undefined || !reachesMemory(encoded.insn)) continue;
      found.push({ form, size, encoded });
      break;
    }
  }
  return found;
}

/** The access can be led to any address, and the instruction is one that ends. */
function reachesMemory({ mnemonic, memory, lock, repeat, length, delta, segment, addressWidth, mode }: Instruction): boolean {
  if (lock || repeat !== 0 || segment >= 4 || (mode !== 16 && addressWidth === 16) || (mode === 16 && addressWidth === 32)) return false;
  // A branch that ends in the page of the code.
  if (Math.abs(delta) > 0x600 || (delta < 0 && delta >= -length)) return false;
  if (STRINGS.test(mnemonic) || mnemonic === 'Xlatb') return true;
  if (memory !== undefined && memory.segment !== DS && memory.segment !== SS) return false;
  if (memory === undefined) return PUSHES.test(mnemonic) || POPS.test(mnemonic);
  return memory.base >= 0 && memory.base !== memory.index && memory.base !== RSP && memory.index < 0;
}

/** A state in which `below` bytes of the access lie in the page before the absent one. */
export function restartCase({ size, encoded }: RestartForm, below: number, seed: number): SiliconCase {
  const { insn, bytes } = encoded;
  const one = placeCase(bytes, insn, size, false, new RandomSource(seed), () => EDGE - below);
  const gpr = [...one.gpr];
  // No traps, no alignment checks.
  const flags = (one.flags & 0xcd5) | 0x202;
  if (insn.memory === undefined && !STRINGS.test(insn.mnemonic)) {
    const word = insn.width >> 3;
    const base = size === 16 ? DATA : 0;
    if (PUSHES.test(insn.mnemonic)) gpr[RSP] = BigInt(EDGE - below + word - base);
    else if (POPS.test(insn.mnemonic)) gpr[RSP] = BigInt(EDGE - below - base);
    if (insn.mnemonic === 'Leave') gpr[5] = BigInt(EDGE - below - base);
  }
  return { ...one, gpr, flags, origin: 0x4_0800 };
}
