/**
 * An instruction that faults has done nothing: with the page there, it runs as if it had been there from the start.
 * SDM: Vol. 3, "Program-Error Exceptions" and "Restarting Tasks and Programs".
 */
import { describe, expect, test } from 'vitest';
import { PF_P, PF_U } from '../../src/arch/vectors.ts';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { EDGE, type RestartForm, restartCase, restartForms } from '../silicon/faultRestart.ts';
import { Model } from '../silicon/model.ts';
import type { Outcome, SiliconCase } from '../silicon/siliconCase.ts';
import { CODE_BASES, FS_BASE, GS_BASE, SELECTORS } from '../silicon/surroundings.ts';

const PAGE_FAULT = 14;
const RF = 1 << 16;
/** Most bytes of one access: those of PUSHAD, and a word more. */
const MOST_BYTES = 36;
/** What these have pushed before the fault lies below the stack pointer and counts for nothing. */
const PUSHES_SEVERAL = /^(?:Pusha|Enter|Call)/;

const run = (model: Model, one: SiliconCase): Outcome => {
  const outcome = model.run(one);
  if (typeof outcome === 'string') throw new Error(`${outcome} is not implemented`);
  return outcome;
};

/** What is wrong with the state that a #PF shows; empty when it is that before the instruction. */
function damage({ form }: RestartForm, one: SiliconCase, fault: Outcome): string[] {
  const wrong: string[] = [];
  const expectSame = (what: string, actual: unknown, expected: unknown): void => {
    if (String(actual) !== String(expected)) wrong.push(`${form.form}: ${what} ${String(actual)} instead of ${String(expected)}`);
  };
  const { es, cs, ss, ds, fs, gs } = SELECTORS[one.codeSize];
  expectSame('registers', fault.gpr, one.gpr);
  expectSame('flags', fault.flags & ~RF, one.flags);
  expectSame('rip', fault.rip, BigInt(one.origin - CODE_BASES[one.codeSize]));
  expectSame('selectors', fault.selectors, [es, cs, ss, ds, fs, gs]);
  expectSame('bases', fault.bases, [BigInt(FS_BASE), BigInt(GS_BASE)]);
  expectSame('error code', fault.errorCode & (PF_P | PF_U), PF_U);
  if (fault.cr2 < BigInt(EDGE) || fault.cr2 >= BigInt(EDGE + 0x1000)) wrong.push(`${form.form}: CR2 ${fault.cr2.toString(16)}`);
  if (!PUSHES_SEVERAL.test(form.form)) expectSame('memory', fault.changes.length, 0);
  return wrong;
}

describe.for(ENGINES)('%s engine', (engine) => {
  test.for(engine === 'reference' ? ([64, 32, 16] as const) : ([64] as const))(
    'every form of %d-bit code that faults at a byte of its operand has done nothing, and faults nowhere else',
    (size) => {
      const model = new Model(engine);
      const wrong: string[] = [];
      const never: string[] = [];
      const forms = restartForms([size]);
      for (const form of forms) {
        let faults = 0;
        for (let below = 0; below <= MOST_BYTES; below++) {
          const one = restartCase(form, below, below + 1);
          model.mapThirdPage('absent');
          const fault = run(model, one);
          model.mapThirdPage('writable');
          const whole = run(model, one);
          if (fault.vector === PAGE_FAULT && fault.cr2 >= BigInt(EDGE) && fault.cr2 < BigInt(EDGE + 0x1000)) {
            faults++;
            wrong.push(...damage(form, one, fault));
            if (whole.vector === PAGE_FAULT && whole.cr2 === fault.cr2)
              wrong.push(`${form.form}: faults at ${whole.cr2.toString(16)} with the page there`);
          } else if (fault.vector !== whole.vector || fault.rip !== whole.rip || String(fault.gpr) !== String(whole.gpr))
            wrong.push(`${form.form}: ${below} bytes below, the page matters without a fault`);
          if (faults > 0 && fault.vector !== PAGE_FAULT) break;
        }
        if (faults === 0) never.push(form.form.form);
      }
      expect(wrong).toEqual([]);
      expect(never).toEqual([]);
      expect(forms.length).toBeGreaterThan(350);
    },
  );
});
