/** Random programs on random machines. */
import fc from 'fast-check';
import { CR4_FSGSBASE, CR4_PCIDE, CR4_PGE, CR4_SMAP, CR4_SMEP, CR4_TSD } from '../../src/arch/controlRegisters.ts';
import type { MmuGeometry, TlbGeometry } from '../../src/mmu/geometry.ts';
import { ALL_EVENTS } from '../../src/trace/eventSelection.ts';
import { EVENT_INSTRUCTION } from '../../src/trace/events.ts';
import type { EngineCase, Program } from '../engines/engineCase.ts';
import { RIG_CORES } from '../engines/rigLayout.ts';
import { flagPiece } from './flagPiece.ts';
import { registerValue } from './operands.ts';
import { programPiece } from './programPiece.ts';
import { pointer } from './rigPointer.ts';

/** How wide the random choices go. */
export interface EngineCaseOptions {
  /** Pieces of a program at most. */
  readonly pieces: number;
  readonly maxCycles: number;
  /** Under the VMM, on the bare machine, or (undefined) either. */
  readonly virtual?: boolean;
  /** Sets of programs that are loaded after the first. */
  readonly reloads?: number;
}

const array = (mayBeAbsent: boolean): fc.Arbitrary<TlbGeometry> =>
  fc.record({ sets: fc.constantFrom(...(mayBeAbsent ? [0] : []), 1, 2, 4, 16), ways: fc.constantFrom(1, 2, 4) }).map(({ sets, ways }) => ({
    sets,
    ways: sets === 0 ? 0 : ways,
  }));

export const mmuGeometry: fc.Arbitrary<MmuGeometry> = fc.record({
  itlb4k: array(false),
  itlb2m: array(true),
  dtlb4k: array(false),
  dtlb2m: array(true),
  dtlb1g: array(true),
  stlb: array(true),
  stlbHolds2m: fc.boolean(),
  pdeCache: fc.nat(4),
  pdpteCache: fc.nat(2),
  pml4eCache: fc.nat(2),
  nestedTlb: fc.constantFrom(0, 1, 4, 16),
});

const program = ({ pieces }: Pick<EngineCaseOptions, 'pieces'>, piece = programPiece): fc.Arbitrary<Program> =>
  fc.record({
    pieces: fc.array(piece, { minLength: 1, maxLength: pieces, size: 'max' }),
    offset: fc.oneof(fc.constant(0), fc.integer({ min: 3800, max: 4095 }), fc.nat(2048)),
    user: fc.nat(3).map((n) => n === 0),
    interruptsOn: fc.boolean(),
    registers: fc.array(
      fc.oneof(registerValue, pointer).map((value) => BigInt.asUintN(64, value).toString(16)),
      { minLength: 15, maxLength: 15 },
    ),
  });

const programs = (options: EngineCaseOptions): fc.Arbitrary<readonly Program[]> =>
  fc.array(program(options), { minLength: 1, maxLength: 2 });

const timer = fc.option(
  fc.record({
    vector: fc.integer({ min: 32, max: 255 }),
    ticks: fc.oneof(fc.integer({ min: 4, max: 60 }), fc.nat(1000)),
    periodic: fc.boolean(),
  }),
);

const cr4 = fc
  .record({ pge: fc.boolean(), pcide: fc.boolean(), smep: fc.nat(15), smap: fc.nat(15), tsd: fc.nat(15), fsgsbase: fc.boolean() })
  .map(
    ({ pge, pcide, smep, smap, tsd, fsgsbase }) =>
      (pge ? CR4_PGE : 0) |
      (pcide ? CR4_PCIDE : 0) |
      (smep === 0 ? CR4_SMEP : 0) |
      (smap === 0 ? CR4_SMAP : 0) |
      (tsd === 0 ? CR4_TSD : 0) |
      (fsgsbase ? CR4_FSGSBASE : 0),
  );

/** Loops of the programs are short, so are the windows. */
const pauseLoopExiting = fc
  .tuple(fc.constantFrom(0, 12, 13, 25, 128), fc.constantFrom(40, 500, 4096))
  .map(([gap, window]) => ({ pauseLoopExiting: { gap, window } }));

const virtualisation = ({ virtual }: EngineCaseOptions): fc.Arbitrary<EngineCase['virtual']> => {
  const plain = fc.record({
    vms: fc.constantFrom(1, 2),
    vcpus: fc.integer({ min: 1, max: 3 }),
    slice: fc.oneof(
      fc.integer({ min: 4000, max: 9000 }),
      fc.nat(40_000).map((n) => 9000 + n),
    ),
    smallPages: fc.nat(3),
    accessedDirty: fc.boolean(),
  });
  const some = fc.oneof(
    plain,
    fc.tuple(plain, pauseLoopExiting).map(([one, other]) => ({ ...one, ...other })),
  );
  if (virtual === true) return some;
  return virtual === false ? fc.constant(null) : fc.option(some, { freq: 2 });
};

/** Mostly no events or all but those per instruction: an engine may handle those in a way of their own. */
const events = fc.constantFrom(0, 0, ALL_EVENTS & ~(1 << EVENT_INSTRUCTION), ALL_EVENTS & ~(1 << EVENT_INSTRUCTION), ALL_EVENTS);

/** Exits cost a thousand cycles and more: under the VMM, runs take longer by this factor. */
const VIRTUAL_FACTOR = 5;

/** The VMM emulates no register page, only x2APIC; and exits take their time. */
function settle(one: EngineCase): EngineCase {
  return one.virtual === null ? one : { ...one, x2apic: true, maxCycles: one.maxCycles * VIRTUAL_FACTOR };
}

export const engineCase = (options: EngineCaseOptions): fc.Arbitrary<EngineCase> =>
  fc
    .record({
      cores: fc.constantFrom(1, 1, 2, 3, RIG_CORES),
      programs: programs(options),
      ...(options.reloads === undefined
        ? {}
        : { reloads: fc.array(programs(options), { minLength: options.reloads, maxLength: options.reloads, size: 'max' }) }),
      timers: fc.array(timer, { minLength: 1, maxLength: 2 }),
      geometry: mmuGeometry,
      quantum: fc.constantFrom(1, 17, 100, 1000),
      ipiLatency: fc.constantFrom(20, 100, 1000),
      x2apic: fc.boolean(),
      cr4,
      virtual: virtualisation(options),
      events,
      pause: fc.constantFrom(options.maxCycles, options.maxCycles, 5000, 777),
      maxCycles: fc.constant(options.maxCycles),
      coherence: fc.boolean(),
      heat: fc.constantFrom(1, 3, 8, 24),
      regionLimit: fc.constantFrom(4000, 4000, 1, 2, 5),
    })
    .map(settle);

/** Programs of flags (`flagPiece`), on the bare machine. */
export const flagCase: fc.Arbitrary<EngineCase> = fc
  .tuple(
    engineCase({ pieces: 1, maxCycles: 5000, virtual: false }),
    fc.array(program({ pieces: 48 }, flagPiece), { minLength: 1, maxLength: 2 }),
  )
  .map(([one, programs]) => ({ ...one, programs, cores: Math.min(one.cores, 2), heat: 1 }));
