import { describe, expect, test } from 'vitest';
import {
  MARK_BASE,
  MARK_LOCK_RELEASED,
  MARK_LOCK_TRIED,
  MARK_SHOOTDOWN_BEGIN,
  MARK_SHOOTDOWN_END,
  MARK_SPIN_BEGIN,
  MARK_SPIN_END,
} from '../../src/arch/marks.ts';
import { BOOT_LOW_FREE, GUEST_IMAGE_BASE } from '../../src/arch/platform.ts';
import type { GuestBuild } from '../../src/kernels/guest.ts';
import { buildGuest, GUESTS } from '../../src/kernels/guests.ts';
import { MAX_CORES, TRAMPOLINE } from '../../src/kernels/lib/layout.ts';
import { LOCKS } from '../../src/kernels/lib/locks/locks.ts';
import { SHOOTDOWN_SCHEMES } from '../../src/kernels/lib/shootdown/schemes.ts';

const builds = new Map<string, GuestBuild>(GUESTS.map((guest) => [guest.name, buildGuest(guest.name)]));
const schemes = SHOOTDOWN_SCHEMES.map(({ name }) => ({ name, build: buildGuest('shootdown', { shootdown: name }) }));
const names = [...builds.keys()];

/** How often a mark is in the text of a guest. */
function marks(build: GuestBuild, number: number): number {
  const displacement = `0x${(MARK_BASE + number).toString(16)}`;
  return build.listing.filter((line) => line.kind === 'instruction' && line.text === `nop dword [rax+${displacement}]`).length;
}

describe('a built-in guest', () => {
  test.each(names)('%s lies where the memory map says', (name) => {
    const { image, symbols } = builds.get(name)!;
    const ends = image.segments.map((segment) => segment.address + segment.memorySize);
    expect(image.entry).toBe(GUEST_IMAGE_BASE);
    expect(symbols.get('start')).toBe(GUEST_IMAGE_BASE);
    expect(symbols.has('main')).toBe(true);
    expect(symbols.get('image_end')).toBe(ends.at(-1));
    expect(ends.at(-1)! % 4096).toBe(0);
    for (const [index, segment] of image.segments.entries()) {
      expect(segment.address).toBeGreaterThanOrEqual(ends[index - 1] ?? BOOT_LOW_FREE);
      expect(segment.bytes.length).toBeLessThanOrEqual(segment.memorySize);
    }
  });

  test.each(names)('%s is the same bytes whenever it is built', (name) => {
    expect(buildGuest(name).image).toEqual(builds.get(name)!.image);
  });

  test.each(names)('%s uses ordinary integer and system instructions only', (name) => {
    const ordinary = new Set(
      (
        'mov movzx movsx movsxd lea xchg push pop add adc sub sbb and or xor cmp test inc dec neg not mul div imul xadd cmpxchg shl shr sar ' +
        'bt bts btr bsf bsr call ret jmp nop pause cli sti hlt cld cpuid rdtsc rdmsr wrmsr lgdt lidt ltr invlpg invpcid in out swapgs ' +
        'syscall sysret iretq pushf popf vmcall ud2 stosq stosd movsq movsd movsb stc neg fxsave64 fxrstor64 ldmxcsr stmxcsr rep lock o16 o32 o64 dword'
      ).split(' '),
    );
    const used = new Set<string>();
    for (const line of builds.get(name)!.listing) {
      if (line.kind !== 'instruction') continue;
      const [first, second] = line.text.split(' ');
      used.add(first!);
      if (['lock', 'rep', 'o64', 'o16', 'o32'].includes(first!)) used.add(second!);
    }
    const others = [...used].filter((mnemonic) => !ordinary.has(mnemonic) && !/^(j|set|cmov)(n?[abceglszop]|[abgl]e)$/.test(mnemonic));
    expect(others).toEqual([]);
  });

  test('stacks and areas are there for every core', () => {
    const { symbols } = builds.get('smp')!;
    const sizes = ['stacks', 'percpu_areas', 'emergency_stacks'].map((name) => {
      const start = symbols.get(name)!;
      const next = [...symbols.values()].filter((address) => address > start).reduce((a, b) => Math.min(a, b));
      return [name, (next - start) / MAX_CORES];
    });
    expect(sizes).toEqual([
      ['stacks', 16_384],
      ['percpu_areas', 1024],
      ['emergency_stacks', 4096],
    ]);
  });

  test('the trampoline starts a page below 1 MiB in real mode', () => {
    const { image, listing, symbols } = builds.get('smp')!;
    expect(symbols.get('trampoline')).toBe(TRAMPOLINE);
    expect(TRAMPOLINE % 4096).toBe(0);
    expect(TRAMPOLINE).toBeLessThan(0x10_0000);
    const lines = listing.filter((line) => line.kind === 'instruction' && line.address >= TRAMPOLINE && line.address < TRAMPOLINE + 0x20);
    expect(lines.slice(0, 5).map((line) => line.text.split('  ;')[0])).toEqual([
      'cli',
      'mov ax, cs',
      'mov ds, ax',
      `lgdt [0x${(symbols.get('trampoline_gdt_register')! - TRAMPOLINE).toString(16)}]`,
      'mov eax, cr0',
    ]);
    expect(image.segments[0]?.address).toBe(TRAMPOLINE);
  });
});

describe('the parts that can be chosen', () => {
  test('every shootdown scheme marks the beginning and the end of a shootdown, once each', () => {
    const wanted = schemes.map(({ name }) => [name, 1, 1, true]);
    expect(
      schemes.map(({ name, build }) => [
        name,
        marks(build, MARK_SHOOTDOWN_BEGIN),
        marks(build, MARK_SHOOTDOWN_END),
        build.symbols.has('shootdown_remote'),
      ]),
    ).toEqual(wanted);
  });

  test('the schemes that make a hypercall need a hypervisor; rar looks first whether there is one', () => {
    const calling = schemes.filter(({ build }) =>
      build.listing.some(({ kind, ...line }) => kind === 'instruction' && 'text' in line && line.text === 'vmcall'),
    );
    const names = ['kvm-pv-ipi', 'shoot4u', 'shoot4u-mode0', 'shoot4u-mode1', 'shoot4u-mode3', 'shoot4u-multicast', 'shoot4u-fine'];
    expect(calling.map(({ name }) => name).filter((name) => name !== 'rar')).toEqual(names);
    const virtual = SHOOTDOWN_SCHEMES.filter(({ needs }) => needs?.hypervisor).map(({ name }) => name);
    expect(names.filter((name) => !virtual.includes(name))).toEqual([]);
  });

  test.each(LOCKS.map(({ name }) => name))('lock %s has its procedures, and marks acquisitions, releases and waits', (name) => {
    const build = buildGuest('hello', { lock: name });
    for (const procedure of ['lock_acquire', 'lock_try', 'lock_release', 'lock_setup']) expect(build.symbols.has(procedure)).toBe(true);
    expect(marks(build, MARK_SPIN_BEGIN)).toBe(marks(build, MARK_SPIN_END));
    for (const mark of [MARK_SPIN_BEGIN, MARK_LOCK_TRIED, MARK_LOCK_RELEASED]) expect(marks(build, mark)).toBeGreaterThan(0);
    const unmarked = buildGuest('hello', { lock: name, parameters: { 'lock-marks': 0 } });
    for (const mark of [MARK_LOCK_TRIED, MARK_LOCK_RELEASED]) expect(marks(unmarked, mark)).toBe(0);
  });

  test('the paravirtual locks, and no others, make a hypercall, and say so', () => {
    const found = LOCKS.map(({ name, hypercall }) => [name, hypercall !== undefined]);
    const calling = LOCKS.map(({ name }) => [
      name,
      buildGuest('hello', { lock: name }).listing.some((line) => line.kind === 'instruction' && line.text === 'vmcall'),
    ]);
    expect(calling).toEqual(found);
    expect(found.filter(([, needs]) => needs).map(([name]) => name)).toEqual(['pv-ticket', 'pv-preemptable', 'pv-qspinlock']);
  });

  test('a lock has parameters of its own, which another does not know', () => {
    const unit = { 'lock-unit': 3 };
    expect(buildGuest('hello', { lock: 'preemptable', parameters: unit }).image).not.toEqual(
      buildGuest('hello', { lock: 'preemptable' }).image,
    );
    expect(() => buildGuest('hello', { lock: 'tas', parameters: unit })).toThrow("no parameter of hello 'lock-unit'; there is lock-marks");
    expect(() => buildGuest('hello', { lock: 'preemptable', parameters: { 'lock-unit': 15 } })).toThrow(
      'hello: lock-unit = 15 is not a whole number from 0 to 14',
    );
  });

  test('parameters change the image', () => {
    expect(buildGuest('shootdown', { parameters: { pages: 2 } }).image).not.toEqual(builds.get('shootdown')!.image);
  });

  test('names and values that do not exist are refused', () => {
    expect(() => buildGuest('helo')).toThrow("no guest 'helo'; there is hello, smp, ipi-pingpong, page-faults, shootdown");
    expect(() => buildGuest('shootdown', { shootdown: 'prayer' })).toThrow("no shootdown scheme 'prayer'; there is ipi, ipi-ple");
    expect(() => buildGuest('smp', { lock: 'prayer' })).toThrow("no lock 'prayer'; there is ticket, tas, mcs, qspinlock");
    expect(() => buildGuest('shootdown', { parameters: { page: 1 } })).toThrow(
      "no parameter of shootdown 'page'; there is iterations, pages, slots",
    );
    expect(() => buildGuest('shootdown', { parameters: { pages: 0 } })).toThrow('shootdown: pages = 0 is not a whole number from 1 to 512');
    expect(() => buildGuest('shootdown', { parameters: { pages: 1.5 } })).toThrow('is not a whole number');
    expect(() => buildGuest('shootdown', { parameters: { pages: 17 } })).toThrow('shootdown: 17 pages cannot be unmapped out of 16 slots');
  });
});
