/**
 * shootdown: cores that map, unmap and read each other's pages in one address space, and notice every stale translation.
 *
 * Entry: `main` on core 0, interrupts on (lib/boot). Each core owns `slots` pages. Again and again it takes a range of `pages` of
 * its slots, clears their entries, calls `shootdown`, poisons the frames, and maps the range anew with the frames that the range before
 * gave up. Between its own turns it reads slots of all cores: what it finds shows whether a translation outlived its shootdown
 * (lib/stampedSlots).
 *
 * For measurements some cores may only unmap and the others only be shot at: the last `initiators` cores do the above; the first
 * `targets` have the address space loaded, and only read (with `reads` = 0: only wait); whoever is in between has nothing to do with it.
 * `waits` says how: in a loop, or halted, which under `--no-halt-exits` keeps a core as well and costs the host's time nothing.
 *
 * Reports: shootdowns, reads, absent pages, cycles per shootdown; MARK_ROI around the measured part; MARK_STALE, a message and a failure
 * when a stale translation is seen. Correct whatever the speed of the cores: nothing waits with a time limit, and whoever waits serves
 * the interrupts of others.
 */
import { MARK_ROI_BEGIN, MARK_ROI_END } from '../arch/marks.ts';
import { VECTOR_PF } from '../arch/vectors.ts';
import type { Assembler } from '../asm/assembler.ts';
import { at, mem, mem64 } from '../asm/operand.ts';
import { sizeOf } from '../asm/record.ts';
import { cl, cr3, eax, edi, edx, r12, r13, r14, r15, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../asm/register.ts';
import { addr } from '../asm/symbolValue.ts';
import type { GuestChoices, GuestDefinition } from './guest.ts';
import { barrier } from './lib/barrier.ts';
import { callOthers } from './lib/callFunction.ts';
import { reportFigure } from './lib/figure.ts';
import { setHandler } from './lib/interrupts.ts';
import { buildKernel } from './lib/kernel.ts';
import { areaOf, cpu, PerCpu } from './lib/percpu.ts';
import { AddressSpace, shootdown as shootdownPart } from './lib/shootdown/shootdown.ts';
import { smp } from './lib/smp.ts';
import { ABSENT, FREE_COUNTERS, READS, regionOf, stampedSlots } from './lib/stampedSlots.ts';
import { readTsc } from './lib/time.ts';

const FIGURES = ['shootdowns', 'reads', 'absent pages', 'mean shootdown, cycles', 'longest shootdown, cycles'] as const;

/** Per-core counters: byte offsets into `PerCpu.figures`. */
const SHOOTDOWNS = FREE_COUNTERS;
const CYCLES = FREE_COUNTERS + 8;
const LONGEST = FREE_COUNTERS + 16;

/** What a frame holds between two mappings: no stamp. */
const POISON = 0x0bad_0bad_0bad_0badn;
/** Bits 51:12 of an entry. */
const ADDRESS = 0x000f_ffff_ffff_f000n;
/** Frame lists are one page long. */
const LIST_CAPACITY = 512;

export const shootdown: GuestDefinition = {
  name: 'shootdown',
  doc: 'unmaps, shoots down and reuses pages on all cores while all read each other; finds stale translations',
  parameters: [
    { name: 'iterations', default: 100, min: 1, max: 1_000_000, doc: 'shootdowns by each core' },
    { name: 'pages', default: 1, min: 1, max: LIST_CAPACITY, doc: 'pages unmapped by each shootdown; at most `slots`' },
    { name: 'slots', default: 16, min: 1, max: 4096, doc: 'pages that each core owns' },
    { name: 'think', default: 100_000, min: 0, max: 1_000_000_000, doc: 'mean work between shootdowns, in instructions' },
    { name: 'reads', default: 16, min: 0, max: 1_000_000, doc: 'reads of random slots between shootdowns' },
    { name: 'initiators', default: 0, min: 0, max: 64, doc: 'cores that unmap, up to the last core; 0: all' },
    { name: 'targets', default: 0, min: 0, max: 63, doc: 'other cores, from core 0 on, that have the address space loaded; 0: all' },
  ],
  options: [{ name: 'waits', default: 'spin', choices: ['spin', 'halt'], doc: 'how cores wait that do not unmap' }],
  minCores: 1,
  defaultCores: 4,
  figures: FIGURES,
  build: (choices) => buildKernel(choices.lock, (a) => scenario(a, choices)),
};

function scenario(a: Assembler, { parameters, options, shootdown: scheme }: GuestChoices): void {
  const iterations = parameters['iterations']!;
  const pages = parameters['pages']!;
  const slots = parameters['slots']!;
  const think = parameters['think']!;
  const reads = parameters['reads']!;
  const initiators = parameters['initiators']!;
  const targets = parameters['targets']!;
  const waitsHalted = options['waits'] === 'halt';
  if (targets > 0 && initiators === 0) throw new Error('shootdown: a number of targets wants a number of initiators');
  if (pages > slots) throw new Error(`shootdown: ${pages} pages cannot be unmapped out of ${slots} slots`);

  a.include(smp);
  a.include(barrier);
  shootdownPart(scheme)(a);
  stampedSlots(a, slots, reads);
  a.room('space', sizeOf(AddressSpace), 64);
  if (initiators > 0) a.variable('initiators_done');

  a.proc('main', {}, () => {
    setHandler(a, VECTOR_PF, 'on_page_fault');
    a.call('shootdown_setup');
    a.call('smp_start');
    a.comment('one address space, which every core has loaded, or as many as there are to be');
    a.mov(rax, mem64('cores_online'));
    if (targets > 0) {
      a.comment('the first ones, and the initiators at the end');
      a.mov(rcx, mem64('boot_cores'));
      a.sub(rcx, initiators);
      a.mov(rdx, rax);
      a.shr(rdx, cl);
      a.shl(rdx, cl);
      a.mov(rcx, 2n ** BigInt(targets) - 1n);
      a.or(rdx, rcx);
      a.and(rax, rdx);
    }
    a.mov(mem64('space', AddressSpace.cores), rax);
    a.mov(rax, cr3);
    a.mov(mem64('space', AddressSpace.cr3), rax);
    a.mov(edi, addr('work'));
    a.call('smp_run');
    a.call('report');
  });

  a.comment('every core: RBX = its slots, RBP = frames to map next, R12 = frames unmapped last, R13 = shootdowns done');
  a.proc('work', { saves: [rbx, rbp, r12, r13] }, () => {
    a.mov(edi, cpu(PerCpu.number));
    regionOf(a, slots);
    a.mov(rbx, rdi);
    a.call('frame_alloc');
    a.mov(rbp, rax);
    a.call('frame_alloc');
    a.mov(r12, rax);
    a.mov(rdi, rbp);
    a.call('fill_list');
    a.mov(rdi, rbx);
    a.call('map_all');
    a.call('barrier_wait');
    onCore0(a, () => a.mark(MARK_ROI_BEGIN));

    if (initiators > 0) {
      a.mov(rax, mem64('boot_cores'));
      a.sub(rax, initiators);
      a.cmp(cpu(PerCpu.number), eax);
      a.jb('.shot_at');
    }
    a.xor(r13, r13);
    a.repeat_while('b', () => {
      a.comment('a range that starts anywhere and ends within the slots');
      a.mov(edi, slots - pages + 1);
      a.call('random_below');
      a.mov(rdi, rax);
      a.mov(rsi, rbp);
      a.mov(rdx, r12);
      a.inc(r13);
      a.mov(rcx, r13);
      a.call('exchange_range');
      a.comment('what was unmapped is mapped next time');
      a.xchg(rbp, r12);

      a.call('read_around');
      if (think > 0) {
        a.mov(edi, 2 * think);
        a.call('random_below');
        a.mov(rdi, rax);
        a.call('compute');
      }
      a.cmp(r13, iterations);
    });
    if (initiators > 0) {
      a.lock.inc(mem64('initiators_done'));
      if (waitsHalted) callOthers(a, 'do_nothing');
      a.jmp('.done');
      a.label('.shot_at');
      if (targets > 0) {
        a.cmp(cpu(PerCpu.number), targets);
        a.jae('.bystander');
      }
      if (reads > 0) {
        a.repeat_while('b', () => {
          a.call('read_around');
          a.cmp(mem64('initiators_done'), initiators);
        });
      }
      a.label('.bystander');
      a.loop(() => {
        a.comment('interrupts are off between looking and halting, so that the wake-up is not lost');
        if (waitsHalted) a.cli();
        else a.pause();
        a.cmp(mem64('initiators_done'), initiators);
        a.break_if('ae');
        if (waitsHalted) {
          a.sti();
          a.hlt();
        }
      });
      if (waitsHalted) a.sti();
      a.label('.done');
    }

    a.comment('those that are done go on serving the shootdowns of the others');
    a.call('barrier_wait');
    onCore0(a, () => a.mark(MARK_ROI_END));
  });

  a.comment('RDI = a list: fills it with new frames');
  a.proc('fill_list', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.xor(rbp, rbp);
    a.repeat_while('b', () => {
      a.call('frame_alloc');
      a.mov(mem64(rbx, rbp.times(8)), rax);
      a.inc(rbp);
      a.cmp(rbp, pages);
    });
  });

  a.comment('RDI = slots of this core: maps all of them, generation 0');
  a.proc('map_all', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.xor(rbp, rbp);
    a.repeat_while('b', () => {
      a.call('frame_alloc');
      a.mov(rcx, rax);
      a.mov(rdi, rbx);
      a.mov(rsi, rbp);
      a.xor(edx, edx);
      a.call('map_stamped');
      a.add(rbx, 4096);
      a.inc(rbp);
      a.cmp(rbp, slots);
    });
  });

  a.comment('RDI = first slot, RSI = frames to map, RDX = list for those unmapped, RCX = generation: one turn of the owner');
  a.proc('exchange_range', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    a.mov(r12, rdi);
    a.mov(r13, rsi);
    a.mov(r14, rdx);
    a.mov(r15, rcx);
    a.mov(edi, cpu(PerCpu.number));
    regionOf(a, slots);
    a.mov(rbx, r12);
    a.shl(rbx, 12);
    a.add(rbx, rdi);

    a.comment('unmap');
    a.xor(rbp, rbp);
    a.repeat_while('b', () => {
      addressInRange(a);
      a.call('page_unmap');
      a.mov(rcx, ADDRESS);
      a.and(rax, rcx);
      a.mov(mem64(r14, rbp.times(8)), rax);
      a.inc(rbp);
      a.cmp(rbp, pages);
    });

    a.comment('from here on nobody may read the old frames through these addresses');
    a.mov(rdi, rbx);
    a.lea(rsi, mem(rbx, pages * 4096));
    a.call('timed_shootdown');
    a.comment('so they can be given a new meaning');
    a.mov(rdx, POISON);
    a.xor(rbp, rbp);
    a.repeat_while('b', () => {
      a.mov(rax, mem64(r14, rbp.times(8)));
      a.mov(mem64(rax), rdx);
      a.inc(rbp);
      a.cmp(rbp, pages);
    });

    a.comment('map the other frames, and read back what each of them says');
    a.xor(rbp, rbp);
    a.repeat_while('b', () => {
      addressInRange(a);
      a.lea(rsi, mem(r12, rbp));
      a.mov(rdx, r15);
      a.comment('in the opposite order, so that a frame hardly ever goes back to the slot it came from');
      a.mov(eax, pages - 1);
      a.sub(rax, rbp);
      a.mov(rcx, mem64(r13, rax.times(8)));
      a.call('map_stamped');
      addressInRange(a);
      a.mov(rsi, rax);
      a.call('slot_read');
      a.cmp(rax, rsi);
      a.jne('stale');
      a.inc(rbp);
      a.cmp(rbp, pages);
    });
  });

  a.comment('shootdown, with its latency counted');
  a.proc('timed_shootdown', { saves: [rbx] }, () => {
    readTsc(a);
    a.mov(rbx, rax);
    a.mov(edx, addr('space'));
    a.call('shootdown');
    readTsc(a);
    a.sub(rax, rbx);
    a.inc(cpu(PerCpu.figures, SHOOTDOWNS));
    a.add(cpu(PerCpu.figures, CYCLES), rax);
    a.cmp(rax, cpu(PerCpu.figures, LONGEST));
    a.if_('a', () => a.mov(cpu(PerCpu.figures, LONGEST), rax));
  });

  a.comment('sums over all cores');
  a.proc('report', { saves: [rbx, rbp, r12, r13, r14, r15] }, () => {
    const sums = [
      [r12, SHOOTDOWNS],
      [r13, READS],
      [r14, ABSENT],
      [r15, CYCLES],
    ] as const;
    for (const [sum] of sums) a.xor(sum, sum);
    a.xor(rbp, rbp);
    a.xor(rbx, rbx);
    a.repeat_while('b', () => {
      a.mov(rcx, rbx);
      areaOf(a, rcx);
      for (const [sum, figure] of sums) a.add(sum, at(rcx, PerCpu.figures, figure));
      a.cmp(rbp, at(rcx, PerCpu.figures, LONGEST));
      a.cmovb(rbp, at(rcx, PerCpu.figures, LONGEST));
      a.inc(rbx);
      a.cmp(rbx, mem64('boot_cores'));
    });
    reportFigure(a, FIGURES, 'shootdowns', r12);
    reportFigure(a, FIGURES, 'reads', r13);
    reportFigure(a, FIGURES, 'absent pages', r14);
    a.mov(rax, r15);
    a.xor(edx, edx);
    a.div(r12);
    a.mov(r15, rax);
    reportFigure(a, FIGURES, 'mean shootdown, cycles', r15);
    reportFigure(a, FIGURES, 'longest shootdown, cycles', rbp);
  });
}

/** RDI is the address of slot RBP of the range that starts at RBX. */
function addressInRange(a: Assembler): void {
  a.mov(rdi, rbp);
  a.shl(rdi, 12);
  a.add(rdi, rbx);
}

/** `body` on core 0 only. */
function onCore0(a: Assembler, body: () => void): void {
  a.cmp(cpu(PerCpu.number), 0);
  a.if_('e', body);
}
