import { describe, expect, test } from 'vitest';
import { APIC_LVT_TIMER, APIC_SVR } from '../../../src/arch/apicRegisters.ts';
import * as registers from '../../../src/asm/register.ts';
import { ss } from '../../../src/asm/register.ts';
import { ACTIVITY_ACTIVE, ACTIVITY_HALTED, BLOCKING_BY_NMI, I32_ACTIVITY, I32_INTERRUPTIBILITY } from '../../../src/cpu/state.ts';
import { COUNTER_INTERRUPTS } from '../../../src/trace/counters.ts';
import { HANDLERS, Rig } from '../rig.ts';

const { eax } = registers;

const TSC_DEADLINE_MODE = 2 << 17;

/** A rig whose APIC is on and has accepted these vectors. */
function interrupted(write: ConstructorParameters<typeof Rig>[0], ...vectors: number[]): Rig {
  const rig = new Rig(write);
  rig.core.apic.write(APIC_SVR, 0x1ff);
  for (const vector of vectors) rig.core.apic.accept(vector);
  return rig;
}

/** Address that the handler would return to. */
const interruptedAt = (rig: Rig): number => Number(rig.delivered(1).frame[0]);

describe('maskable interrupts', () => {
  test('wait while IF = 0', () => {
    const rig = interrupted((a) => {
      a.nop();
      a.hlt();
      a.label('end');
    }, 0x50);
    expect(rig.run()).toEqual({ kind: 'idle' });
    expect([rig.core.rip, rig.core.state.i32[I32_ACTIVITY]]).toEqual([rig.at('end'), ACTIVITY_HALTED]);
  });

  test('STI lets one more instruction through', () => {
    const rig = interrupted((a) => {
      a.sti();
      a.nop();
      a.label('here');
      a.nop();
      a.hlt();
    }, 0x50);
    expect(interruptedAt(rig)).toBe(rig.at('here'));
  });

  test('STI and HLT together lose no interrupt: HLT is executed, and woken', () => {
    const rig = interrupted((a) => {
      a.sti();
      a.hlt();
      a.label('here');
    }, 0x50);
    expect(interruptedAt(rig)).toBe(rig.at('here'));
    expect(rig.core.state.counters[COUNTER_INTERRUPTS]).toBe(1);
  });

  test('STI and CLI in a row let nothing in', () => {
    const rig = interrupted((a) => {
      a.sti();
      a.cli();
      a.hlt();
      a.label('end');
    }, 0x50);
    rig.run();
    expect(rig.core.rip).toBe(rig.at('end'));
  });

  test('STI while IF = 1 casts no shadow', () => {
    const rig = interrupted((a) => {
      a.sti();
      a.nop();
      a.label('raised');
      a.sti();
      a.label('here');
      a.nop();
    });
    rig.run(1);
    while (rig.core.rip < rig.at('raised')) rig.run(1);
    rig.core.apic.accept(0x50);
    expect(interruptedAt(rig)).toBeLessThanOrEqual(rig.at('here'));
  });

  test('MOV to SS lets one more instruction through', () => {
    const rig = interrupted((a) => {
      a.mov(eax, ss);
      a.sti();
      a.mov(ss, eax);
      a.nop();
      a.label('here');
      a.nop();
    }, 0x50);
    // STI covers the MOV, the MOV covers the NOP.
    expect(interruptedAt(rig)).toBe(rig.at('here'));
  });

  test('the highest vector goes first', () => {
    const rig = interrupted(
      (a) => {
        a.sti();
        a.nop();
        a.hlt();
      },
      0x50,
      0x91,
      0x90,
    );
    expect(rig.delivered().vector).toBe(0x91);
  });

  test('HLT ends with the interrupt, and the core is active in the handler', () => {
    const rig = interrupted((a) => {
      a.sti();
      a.hlt();
    });
    rig.core.apic.write(APIC_LVT_TIMER, TSC_DEADLINE_MODE | 0x50);
    rig.core.apic.writeTscDeadline(5000);
    rig.run(4000);
    expect(rig.core.state.i32[I32_ACTIVITY]).toBe(ACTIVITY_HALTED);
    // A handler that stays active: JMP to itself.
    rig.machine.memory.bytes[HANDLERS + 0x50 * 16] = 0xeb;
    rig.machine.memory.bytes[HANDLERS + 0x50 * 16 + 1] = 0xfe;
    rig.run(10_000);
    expect([rig.core.rip, rig.core.state.i32[I32_ACTIVITY]]).toEqual([HANDLERS + 0x50 * 16, ACTIVITY_ACTIVE]);
  });
});

describe('NMI', () => {
  test('comes whatever IF says, before maskable interrupts, and blocks the next until IRET', () => {
    const rig = interrupted((a) => {
      a.nop();
      a.hlt();
    }, 0x50);
    rig.core.pendingNmi = true;
    expect(rig.delivered().vector).toBe(2);
    expect(rig.core.state.i32[I32_INTERRUPTIBILITY]! & BLOCKING_BY_NMI).toBe(BLOCKING_BY_NMI);
    rig.core.pendingNmi = true;
    rig.machine.stopReason = undefined;
    rig.core.stopped = false;
    expect(rig.run()).toEqual({ kind: 'idle' });
    expect(rig.core.pendingNmi).toBe(true);
  });

  test('after IRET the one that waited comes', () => {
    const rig = interrupted((a) => {
      a.nop();
      a.label('interrupted');
      a.hlt();
    });
    // IRETQ in the place of the handler.
    rig.machine.memory.bytes.set([0x48, 0xcf], HANDLERS + 2 * 16);
    rig.core.pendingNmi = true;
    rig.run(300);
    rig.core.pendingNmi = true;
    rig.machine.stopReason = undefined;
    rig.core.stopped = false;
    rig.run();
    expect({ pending: rig.core.pendingNmi, interrupts: rig.core.state.counters[COUNTER_INTERRUPTS] }).toEqual({
      pending: false,
      interrupts: 2,
    });
  });
});
