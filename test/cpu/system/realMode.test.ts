/** Far transfers of a core in real mode, as after STARTUP. SDM: Vol. 3, "8086 Emulation" (address translation). */
import { expect, test } from 'vitest';
import { initCore, startCore } from '../../../src/cpu/reset.ts';
import { I32_SEGMENT_SELECTOR, U64_SEGMENT_BASE } from '../../../src/cpu/state.ts';
import { Rig } from '../rig.ts';

const [CS, SS] = [1, 2];
const PAGE = 0x10;
/** Memory at selector:offset. */
const linear = (selector: number, offset: number): number => selector * 16 + offset;

/** A core that received STARTUP, with these bytes at selector:offset, run until it halts; SS:SP = 7000:0100. */
function run(pieces: readonly (readonly [selector: number, offset: number, bytes: readonly number[]])[]): Rig {
  const rig = new Rig((a) => a.hlt());
  const { core } = rig;
  for (const [selector, offset, bytes] of pieces) rig.machine.memory.bytes.set(bytes, linear(selector, offset));
  initCore(core);
  startCore(core, PAGE);
  core.state.i32[I32_SEGMENT_SELECTOR + SS] = 0x7000;
  core.state.u64[U64_SEGMENT_BASE + SS] = 0x7_0000n;
  core.state.u64[4] = 0x100n;
  expect(rig.run()).toEqual({ kind: 'idle' });
  return rig;
}

const place = (rig: Rig) => ({
  cs: rig.core.state.i32[I32_SEGMENT_SELECTOR + CS],
  base: rig.core.state.u64[U64_SEGMENT_BASE + CS],
  rip: rig.core.rip,
  sp: Number(rig.core.state.u64[4]),
});

test('STARTUP starts at selector vector × 256, offset 0', () => {
  expect(place(run([[0x1000, 0, [0xf4]]]))).toEqual({ cs: 0x1000, base: 0x1_0000n, rip: 1, sp: 0x100 });
});

test('JMP ptr16:16 loads CS with base selector × 16 and needs no descriptor', () => {
  const rig = run([
    [0x1000, 0, [0xea, 0x34, 0x12, 0x00, 0x20]],
    [0x2000, 0x1234, [0xf4]],
  ]);
  expect(place(rig)).toEqual({ cs: 0x2000, base: 0x2_0000n, rip: 0x1235, sp: 0x100 });
});

test('JMP m16:16 takes offset and selector from memory', () => {
  // jmp far [0x0600], with DS = 0.
  const rig = run([
    [0x1000, 0, [0xff, 0x2e, 0x00, 0x06]],
    [0, 0x600, [0x10, 0x00, 0x00, 0x30]],
    [0x3000, 0x10, [0xf4]],
  ]);
  expect(place(rig)).toEqual({ cs: 0x3000, base: 0x3_0000n, rip: 0x11, sp: 0x100 });
});

test('CALL ptr16:16 pushes CS and IP, 16 bits each', () => {
  const rig = run([
    [0x1000, 0, [0x9a, 0x00, 0x00, 0x00, 0x20]],
    [0x2000, 0, [0xf4]],
  ]);
  const { view } = rig.machine.memory;
  expect({ ...place(rig), ip: view.getUint16(0x7_00fc, true), from: view.getUint16(0x7_00fe, true) }).toEqual({
    cs: 0x2000,
    base: 0x2_0000n,
    rip: 1,
    sp: 0xfc,
    ip: 5,
    from: 0x1000,
  });
});

test('RETF returns there; RETF imm16 releases bytes besides', () => {
  const call = [0x9a, 0x00, 0x00, 0x00, 0x20, 0xf4];
  const plain = run([
    [0x1000, 0, call],
    [0x2000, 0, [0xcb]],
  ]);
  expect(place(plain)).toEqual({ cs: 0x1000, base: 0x1_0000n, rip: 6, sp: 0x100 });
  const releasing = run([
    [0x1000, 0, call],
    [0x2000, 0, [0xca, 0x08, 0x00]],
  ]);
  expect(place(releasing)).toEqual({ cs: 0x1000, base: 0x1_0000n, rip: 6, sp: 0x108 });
});
