/** Instructions on single flags. SDM: Vol. 1, "Flag Control (EFLAG) Instructions"; Vol. 2, each instruction. */
import { AH, RAX } from '../../arch/registers.ts';
import { AF, bitAt, CF, DF, notTruth, PF, SF, ZF } from './flags.ts';
import type { Meaning } from './meaning.ts';

export const clc: Meaning = (ops) => ops.writeFlag(CF, ops.constant(8, 0n));
export const stc: Meaning = (ops) => ops.writeFlag(CF, ops.constant(8, 1n));
export const cmc: Meaning = (ops) => ops.writeFlag(CF, notTruth(ops, ops.readFlag(CF)));
export const cld: Meaning = (ops) => ops.writeFlag(DF, ops.constant(8, 0n));
export const std: Meaning = (ops) => ops.writeFlag(DF, ops.constant(8, 1n));

/** The flags that AH carries for LAHF and SAHF; the bit in AH is the bit of RFLAGS. */
const IN_AH = [CF, PF, AF, ZF, SF] as const;

/** LAHF: AH = SF:ZF:0:AF:0:PF:1:CF. */
export const lahf: Meaning = (ops) => {
  let image = ops.constant(8, 2n);
  for (const flag of IN_AH) {
    image = ops.or(8, image, ops.shiftLeft(8, ops.readFlag(flag), ops.constant(8, BigInt(flag))));
  }
  ops.writeGpr(8, AH, image);
};

export const sahf: Meaning = (ops) => {
  const image = ops.readGpr(8, AH);
  for (const flag of IN_AH) ops.writeFlag(flag, bitAt(ops, 8, image, flag));
};

/** SALC: AL = CF in every bit. */
export const salc: Meaning = (ops) => ops.writeGpr(8, RAX, ops.negate(8, ops.readFlag(CF)));
