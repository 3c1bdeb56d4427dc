import { expect, test } from 'vitest';
import { CpuidTable } from '../../../src/cpu/cpuid.ts';
import { codeModeOf } from '../../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../../src/cpu/decode/decoder.ts';
import { formCatalogue } from '../../../src/cpu/decode/formCatalogue.ts';
import { isAdvertised } from '../../../src/cpu/features.ts';
import { ivybridge } from '../../../src/machine/profiles/ivybridge.ts';
import { encodeForm } from '../../silicon/encodings.ts';
import { RandomSource } from '../../silicon/random.ts';
import { FLAT_COSTS } from '../flatCore.ts';
import { Rig } from '../rig.ts';

const forms = formCatalogue();

test('every general-purpose form of legacy or VEX encoding can be encoded, and decodes to itself', () => {
  const general = forms.filter(({ class: kind, encoding, sizes }) => kind === 'general' && encoding !== 'other' && sizes.length > 0);
  const random = new RandomSource(3);
  const lost = general.filter((form) => encodeForm(form, form.sizes.at(-1)!, random, () => 0x2_0800) === undefined);
  // The 8086's POP CS, VIA's MONTMUL, and forms that fix a ModRM byte: none of them will be advertised.
  expect(lost.map(({ form }) => form)).toEqual(['Popw_CS', 'Montmul_16', 'Montmul_64', 'VEX_Tilerelease', 'Aesdecwide128kl_m384']);
  expect(general.length).toBeGreaterThan(1100);
});

test('an instruction whose feature CPUID does not advertise raises #UD', () => {
  const none = new Decoder({}, FLAT_COSTS, (_mnemonic, features) => !features.includes('BMI2'));
  const all = new Decoder({}, FLAT_COSTS);
  // RORX
  const bytes = Uint8Array.from([0xc4, 0xe3, 0x7b, 0xf0, 0xc1, 0x05]);
  expect(all.decode(bytes, 0, codeModeOf(64, false))!.form).toBe('VEX_Rorx_r32_rm32_imm8');
  expect(none.decode(bytes, 0, codeModeOf(64, false))).toMatchObject({ form: 'INVALID', kind: 'system' });
});

test('XBEGIN, which is not advertised, is #UD; LFENCE, which every x86-64 processor has, is not', () => {
  const cpuid = new CpuidTable(ivybridge.identity, 1e9, 1);
  expect(isAdvertised('Xbegin', ['RTM'], cpuid)).toBe(false);
  expect(isAdvertised('Lfence', ['SSE2'], cpuid)).toBe(true);
  expect(isAdvertised('Rdsspd', ['CET_SS'], cpuid)).toBe(true);
  const rig = new Rig((a) => {
    a.bytes([0xc7, 0xf8, 0, 0, 0, 0]);
  });
  expect(rig.fault().vector).toBe(6);
});
