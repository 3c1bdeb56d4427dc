import { describe, expect, test } from 'vitest';
import { filesUnder, importsOf } from '../../scripts/sources.ts';

/**
 * Who may import whom: for each room, prefixes of paths below src/. A room may always import itself. This table is the law; ARCHITECTURE.md draws it
 * and docs/adr says why where it is not obvious.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  arch: [],
  trace: ['arch/'],
  mmu: ['trace/', 'arch/'],
  apic: ['trace/', 'arch/'],
  cpu: ['mmu/', 'apic/', 'trace/', 'arch/'],
  devices: ['trace/', 'arch/'],
  machine: ['cpu/', 'mmu/', 'apic/', 'devices/', 'trace/', 'arch/'],
  asm: ['arch/'],
  kernels: ['asm/', 'arch/'],
  vmm: [
    ...['machine/', 'apic/', 'devices/', 'trace/', 'arch/'],
    // What a VMM sees of a processor: VMX, the registers that an exit leaves in place, CPUID. Of the MMU only the memory: never a TLB.
    ...['cpu/vmx/', 'cpu/core.ts', 'cpu/state.ts', 'cpu/stop.ts', 'cpu/cpuid.ts', 'cpu/linearMemory.ts'],
    ...['cpu/system/operands.ts', 'cpu/system/extendedControl.ts', 'cpu/system/identification.ts', 'mmu/physicalMemory.ts'],
  ],
  session: ['vmm/', 'kernels/', 'asm/', 'machine/', 'cpu/', 'mmu/', 'apic/', 'devices/', 'trace/', 'arch/'],
  experiments: ['session/', 'vmm/', 'kernels/', 'asm/', 'machine/', 'cpu/', 'mmu/', 'apic/', 'devices/', 'trace/', 'arch/'],
  cli: [''],
};

/** The one room of each package. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'iced-x86': ['src/cpu/decode/', 'src/asm/'],
  commander: ['src/cli/'],
  chalk: ['src/cli/'],
  zod: ['src/session/'],
  vega: ['src/experiments/'],
  'vega-lite': ['src/experiments/'],
};

/** Files directly in src/: ambient declarations, and the list of public names. */
const roomOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1];

describe('rooms', () => {
  const sources = filesUnder('src');

  test('every file lies in a room that the table of arrows knows', () => {
    const strangers = sources.filter((path) => path !== 'src/index.ts' && !path.endsWith('.d.ts') && !(roomOf(path)! in ARROWS));
    expect(strangers).toEqual([]);
  });

  test('a room imports only what its arrows allow', () => {
    const forbidden: string[] = [];
    for (const path of sources) {
      const room = roomOf(path);
      if (room === undefined) continue;
      for (const target of importsOf(path)) {
        if (!target.startsWith('src/')) continue;
        const inside = target.slice('src/'.length);
        if (!inside.startsWith(`${room}/`) && !ARROWS[room]!.some((prefix) => inside.startsWith(prefix)))
          forbidden.push(`${path} -> ${target}`);
      }
    }
    expect(forbidden).toEqual([]);
  });

  test('nothing imports the command line', () => {
    const importers = sources.filter((path) => roomOf(path) !== 'cli' && importsOf(path).some((target) => target.startsWith('src/cli/')));
    expect(importers).toEqual([]);
  });

  test('a package is known to one room only', () => {
    const forbidden: string[] = [];
    for (const path of sources) {
      for (const target of importsOf(path)) {
        if (target.startsWith('src/') || target.startsWith('node:')) continue;
        if (!(PACKAGES[target] ?? []).some((home) => path.startsWith(home))) forbidden.push(`${path} -> ${target}`);
      }
    }
    expect(forbidden).toEqual([]);
  });

  test('src imports nothing outside src', () => {
    const leaving = sources.flatMap((path) =>
      importsOf(path)
        .filter((target) => /^(\.\.|test|bench|scripts|examples|dist)\//.test(target))
        .map((target) => `${path} -> ${target}`),
    );
    expect(leaving).toEqual([]);
  });

  test('the reader of imports sees what the files import', () => {
    expect(importsOf('src/machine/profiles/registry.ts').sort()).toEqual([
      'src/arch/processorFeatures.ts',
      'src/machine/profiles/ivybridge.ts',
      'src/machine/profiles/profile.ts',
      'src/machine/profiles/sapphireRapids.ts',
      'src/machine/profiles/skylake.ts',
      'src/machine/profiles/zen3.ts',
    ]);
    expect(importsOf('src/cli/boot.ts')).toContain('src/cli/runBoot.ts');
    expect(importsOf('src/machine/directEntry.ts')).toContain('src/arch/controlRegisters.ts');
  });
});
