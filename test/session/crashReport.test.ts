import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Assembler, assembler } from '../../src/asm/assembler.ts';
import { writeElf } from '../../src/asm/elf.ts';
import { mem64 } from '../../src/asm/operand.ts';
import { r12, rax, rsp } from '../../src/asm/register.ts';
import { crashReport } from '../../src/session/crashReport.ts';
import type { RunOptions } from '../../src/session/runOptions.ts';
import { quickRun, virtual } from './quickRun.ts';

const folder = mkdtempSync(join(tmpdir(), 'parapet-crash-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The report on a kernel of this code, which must die. */
function report(name: string, write: (a: Assembler) => void, given: Partial<RunOptions> = {}): string {
  const a = assembler();
  a.label('start');
  write(a);
  const path = join(folder, name);
  writeFileSync(path, writeElf(a.assemble({ base: 0x10_0000 }).image));
  const { session, stop } = quickRun(path, given);
  if (stop?.kind !== 'triple-fault' && stop?.kind !== 'entry-failure') throw new Error(`it did not die: ${JSON.stringify(stop)}`);
  return `${stop.detail}\n${crashReport(session, stop)}`;
}

const dies = (a: Assembler): void => {
  a.mov(r12, 0x1234_5678);
  a.mov(rsp, 0x8000);
  a.jmp('last');
  a.align(16);
  a.label('last');
  a.ud2();
};

describe.each(['jit', 'reference'])('with the %s engine', (engine) => {
  test('a triple fault shows registers, the last blocks and the instruction', () => {
    const text = report('bare.elf', dies, { engine });
    expect(text).toContain('core 0, cycle');
    expect(text).toMatch(/r12 0000000012345678/);
    expect(text).toMatch(/rsp 0000000000008000/);
    expect(text).toMatch(/rip 0000000000100010 .*code 64 bit/);
    expect(text).toMatch(/last blocks kept, oldest first:\n {2}0000000000100000 {2}mov.*\n {2}0000000000100010 {2}ud2/);
    expect(text).toMatch(/at RIP:\n {2}0000000000100010 {2}ud2/);
  });

  test('under the VMM it shows those of the guest, not of the host', () => {
    const text = report('virtual.elf', dies, { engine, vmm: virtual(2, 1) });
    expect(text).toContain('VM 0 vCPU 0: triple fault at RIP 0x100010');
    expect(text).toMatch(/\nVM 0 vCPU 0 on core 0, cycle \d+, CPL 0\n/);
    expect(text).toMatch(/r12 0000000012345678/);
    expect(text).toMatch(/rsp 0000000000008000/);
    expect(text).toMatch(/rip 0000000000100010/);
    expect(text).toMatch(/cr3 0000000000003000/);
    expect(text).toMatch(/cs +0008 base 0000000000000000 limit ffffffff access 0a09b/i);
    expect(text).toMatch(/at RIP:\n {2}0000000000100010 {2}ud2/);
  });

  test('an access to memory that the VM does not have shows where', () => {
    const text = report(
      'outside.elf',
      (a) => {
        a.mov(rax, 0xf000_0000);
        a.label('access');
        a.mov(mem64(rax), rax);
      },
      { engine, vmm: virtual(1, 1) },
    );
    expect(text).toContain('EPT violation at guest-physical 0xf0000000');
    expect(text).toMatch(/rax 00000000f0000000/);
    expect(text).toMatch(/at RIP:\n {2}000000000010000a {2}mov/);
  });
});
