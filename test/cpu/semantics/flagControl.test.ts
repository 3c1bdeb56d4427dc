import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { statusFlags } from '../../arbitraries/operands.ts';
import { execute } from './oneInstruction.ts';
import { CF } from './sdmModel.ts';

const DF = 0x400;

test('CLC, STC, CMC, CLD and STD change one flag each', () => {
  fc.assert(
    fc.property(statusFlags, fc.boolean(), (status, down) => {
      const flags = status | (down ? DF : 0);
      const after = [0xf8, 0xf9, 0xf5, 0xfc, 0xfd].map((opcode) => execute(64, [opcode], { flags }).flags);
      expect(after).toEqual([flags & ~CF, flags | CF, flags ^ CF, flags & ~DF, flags | DF]);
    }),
  );
});

test('LAHF and SAHF carry five flags through AH', () => {
  fc.assert(
    fc.property(statusFlags, fc.nat(255), (flags, ah) => {
      expect(execute(64, [0x9f], { gpr: { 0: 0xffffn }, flags }).gpr[0]).toBe(BigInt(((flags & 0xd5) | 2) << 8) | 0xffn);
      expect(execute(64, [0x9e], { gpr: { 0: BigInt(ah << 8) }, flags }).flags).toBe((flags & ~0xd5) | (ah & 0xd5));
    }),
  );
});

test('SALC spreads CF over AL', () => {
  expect(execute(32, [0xd6], { gpr: { 0: 0x1234n }, flags: 3 }).gpr[0]).toBe(0x12ffn);
  expect(execute(32, [0xd6], { gpr: { 0: 0x1234n }, flags: 2 }).gpr[0]).toBe(0x1200n);
});
