import fc from 'fast-check';
import { CR4_PGE } from '../../src/arch/controlRegisters.ts';
import { ACCESS_READ, ACCESS_USER, ACCESS_WRITE, FAULT_PAGE, TRANSLATION_FAULT } from '../../src/mmu/access.ts';
import type { MmuGeometry } from '../../src/mmu/geometry.ts';
import { makeRig, mapEntry, TableAllocator, USER_TABLE, writeEntry64 } from '../mmu/mmuRig.ts';
import { type Answer, type Fact, ModelTables, PAGES_PER_REGION, type PdeValue, type PteValue, regionOf, TlbModel } from './tlbModel.ts';

/** Two regions of two pages, one in each half of the address space; two address spaces; four page tables; two EPTs. */
const REGIONS = [0x4000_0000, -0x4000_0000];
const PAGES = REGIONS.length * PAGES_PER_REGION;
const SPACES = [1, 2];
const TABLES = [40, 41, 42, 43];
const EPT_ROOTS = [100, 150];
const LARGE_BASES = [0x200, 0x400];
const GUEST_PAGES = [0x60, 0x61, 0x62, ...LARGE_BASES.flatMap((base) => [base, base + 1])];
const HOST_PAGES = [0x70, 0x71, 0x72, 0x73];
const addressOf = (page: number): number => REGIONS[regionOf(page)]! + (page % PAGES_PER_REGION) * 4096;

export type Command =
  | { do: 'pte'; table: number; index: number; value: PteValue }
  | { do: 'pde'; space: number; region: number; value: PdeValue }
  | { do: 'ept'; root: number; gpn: number; rights: number; hpn: number }
  | { do: 'access'; page: number; write: boolean; user: boolean }
  | { do: 'cr3'; space: number; pcid: number; keep: boolean }
  | { do: 'pge' }
  | { do: 'vm'; vpid: number; root: number }
  | { do: 'invlpg'; page: number }
  | { do: 'invpcid'; type: number; pcid: number; page: number }
  | { do: 'invvpid'; type: number; vpid: number; page: number }
  | { do: 'invept'; type: number; root: number }
  | { do: 'transition' };

const at = (length: number) => fc.nat({ max: length - 1 });
const page = at(PAGES);
const mostly = fc.integer({ min: 0, max: 3 }).map((n) => n !== 3);
const pte = (gpn: fc.Arbitrary<number>): fc.Arbitrary<PteValue> =>
  fc.record({ present: mostly, writable: mostly, user: mostly, global: fc.boolean(), gpn });
const pde: fc.Arbitrary<PdeValue> = fc.oneof(
  { weight: 4, arbitrary: at(TABLES.length).map((table) => ({ table })) },
  { weight: 2, arbitrary: pte(fc.constantFrom(...LARGE_BASES)).map((large) => ({ large })) },
  { weight: 1, arbitrary: fc.constant('absent' as const) },
);
export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('access' as const), page, write: fc.boolean(), user: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pte' as const),
      table: at(TABLES.length),
      index: at(PAGES_PER_REGION),
      value: pte(fc.constantFrom(0x60, 0x61, 0x62)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pde' as const), space: at(2), region: at(2), value: pde }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('ept' as const),
      root: at(2),
      gpn: fc.constantFrom(...GUEST_PAGES),
      rights: fc.constantFrom(7, 7, 7, 5, 4, 0),
      hpn: fc.constantFrom(...HOST_PAGES),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cr3' as const), space: at(2), pcid: at(2), keep: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pge' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('vm' as const), vpid: at(3), root: at(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('invlpg' as const), page }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('invpcid' as const), type: at(4), pcid: at(2), page }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('invvpid' as const), type: at(4), vpid: fc.constantFrom(1, 2), page }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('invept' as const), type: fc.constantFrom(1, 2), root: at(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('transition' as const) }) },
);

const pteBits = (value: PteValue, large: boolean): bigint =>
  (BigInt(value.gpn) << 12n) |
  (value.present ? 1n : 0n) |
  (value.writable ? 2n : 0n) |
  (value.user ? 4n : 0n) |
  (value.global ? 0x100n : 0n) |
  (large ? 0x80n : 0n);

/** The machine and the model, side by side. */
export class TlbPair {
  readonly rig;
  readonly model: TlbModel;
  private readonly pdeAddress: number[][];
  private readonly eptAddress = new Map<string, number>();
  /** Number of answers that were not the only right one: stale translations that the machine was free to use. */
  stale = 0;
  fresh = 0;

  constructor(geometry: MmuGeometry) {
    this.rig = makeRig({ geometry, memoryBytes: 1 << 20 });
    const { memory, mmu } = this.rig;
    const absent: PteValue = { present: false, writable: false, user: false, global: false, gpn: 0 };
    const tables = new ModelTables(SPACES.length, REGIONS.length, TABLES.length, absent);
    const upper = new TableAllocator(3);
    this.pdeAddress = SPACES.map((root) => REGIONS.map((la) => mapEntry(memory, root, la, 1, 0n, upper)));
    for (const root of EPT_ROOTS) {
      const ept = new TableAllocator(root + 1);
      const map = new Map<number, { rights: number; hpn: number }>();
      for (let gpn = 0; gpn < 0x60; gpn++) mapEntry(memory, root, gpn * 4096, 0, (BigInt(gpn) << 12n) | 0x37n, ept, undefined, 7n);
      for (const gpn of GUEST_PAGES) {
        this.eptAddress.set(`${root} ${gpn}`, mapEntry(memory, root, gpn * 4096, 0, (BigInt(gpn) << 12n) | 0x37n, ept, undefined, 7n));
        map.set(gpn, { rights: 7, hpn: gpn });
      }
      tables.ept.set(root, map);
    }
    this.model = new TlbModel(tables, { vpid: 0, pcid: 0, eptRoot: 0, space: 0, globalPages: true });
    mmu.context.root = SPACES[0]! * 4096;
    // Something to start from: each region of each space has a table, and every table its pages.
    for (const table of TABLES.keys()) {
      for (let index = 0; index < PAGES_PER_REGION; index++) {
        const value = { present: true, writable: true, user: true, global: table === 3, gpn: GUEST_PAGES[(table + index) % 3]! };
        this.run({ do: 'pte', table, index, value });
      }
    }
    for (const space of SPACES.keys()) {
      for (const region of REGIONS.keys()) this.run({ do: 'pde', space, region, value: { table: region === 1 ? 3 : space } });
    }
  }

  run(command: Command): void {
    this.carryOut(command);
    this.model.close(PAGES);
  }

  private carryOut(command: Command): void {
    const { model } = this;
    const { mmu, memory } = this.rig;
    const { context, tables } = model;
    const vpid = (fact: Fact, number: number) => fact.kind !== 'nested' && fact.vpid === number;
    const pcid = (fact: Fact, number: number) => fact.kind !== 'nested' && fact.pcid === number;
    const global = (fact: Fact) => fact.kind === 'leaf' && fact.global;
    const serves = (fact: Fact, page: number) =>
      fact.kind === 'leaf'
        ? fact.page === page || (fact.large && regionOf(fact.page) === regionOf(page))
        : fact.kind !== 'nested' && fact.region === regionOf(page);
    switch (command.do) {
      case 'pte': {
        tables.ptes[command.table]![command.index] = command.value;
        writeEntry64(memory, TABLES[command.table]! * 4096 + command.index * 8, pteBits(command.value, false));
        return;
      }
      case 'pde': {
        const { value } = command;
        tables.pdes[command.space]![command.region] = value;
        const entry =
          value === 'absent' ? 0n : 'table' in value ? (BigInt(TABLES[value.table]!) << 12n) | USER_TABLE : pteBits(value.large, true);
        writeEntry64(memory, this.pdeAddress[command.space]![command.region]!, entry);
        return;
      }
      case 'ept': {
        const root = EPT_ROOTS[command.root]!;
        tables.ept.get(root)!.set(command.gpn, { rights: command.rights, hpn: command.hpn });
        const entry = (BigInt(command.hpn) << 12n) | 0x30n | BigInt(command.rights);
        writeEntry64(memory, this.eptAddress.get(`${root} ${command.gpn}`)!, entry);
        return;
      }
      case 'access':
        this.access(command.page, command.write, command.user);
        return;
      case 'cr3': {
        if (!command.keep) {
          mmu.invalidate.movCr3(command.pcid);
          model.remove((fact) => vpid(fact, context.vpid) && pcid(fact, command.pcid) && !global(fact));
        }
        model.context = { ...context, space: command.space, pcid: command.pcid };
        Object.assign(mmu.context, { root: SPACES[command.space]! * 4096, pcid: command.pcid });
        return;
      }
      case 'pge': {
        const before = context.globalPages ? CR4_PGE : 0;
        mmu.invalidate.movCr4(before, before ^ CR4_PGE);
        model.remove((fact) => vpid(fact, context.vpid));
        model.context = { ...context, globalPages: !context.globalPages };
        mmu.context.globalPages = !context.globalPages;
        return;
      }
      case 'vm': {
        const eptRoot = command.vpid === 0 ? 0 : EPT_ROOTS[command.root]!;
        model.context = { ...context, vpid: command.vpid, eptRoot };
        Object.assign(mmu.context, { vpid: command.vpid, eptRoot });
        return;
      }
      case 'invlpg': {
        mmu.invalidate.invlpg(addressOf(command.page) + 0x321);
        model.remove((fact) => {
          if (!vpid(fact, context.vpid)) return false;
          if (fact.kind !== 'leaf') return pcid(fact, context.pcid);
          return serves(fact, command.page) && (global(fact) || pcid(fact, context.pcid));
        });
        return;
      }
      case 'invpcid': {
        mmu.invalidate.invpcid(command.type, command.pcid, addressOf(command.page));
        model.remove((fact) => {
          if (!vpid(fact, context.vpid)) return false;
          if (command.type === 0) return pcid(fact, command.pcid) && !global(fact) && serves(fact, command.page);
          if (command.type === 1) return pcid(fact, command.pcid) && !global(fact);
          return command.type === 2 || !global(fact);
        });
        return;
      }
      case 'invvpid': {
        mmu.invalidate.invvpid(command.type, command.vpid, addressOf(command.page));
        model.remove((fact) => {
          if (fact.kind === 'nested') return false;
          if (command.type === 2) return fact.vpid !== 0;
          if (fact.vpid !== command.vpid) return false;
          if (command.type === 0) return serves(fact, command.page);
          return command.type === 1 || !global(fact);
        });
        return;
      }
      case 'invept': {
        const root = EPT_ROOTS[command.root]!;
        mmu.invalidate.invept(command.type, root);
        model.remove((fact) => (command.type === 1 ? fact.eptRoot === root : fact.eptRoot !== 0));
        return;
      }
      case 'transition': {
        mmu.invalidate.vmTransition();
        model.remove((fact) => vpid(fact, 0));
        return;
      }
    }
  }

  private access(page: number, write: boolean, user: boolean): void {
    const { mmu } = this.rig;
    this.model.close(PAGES);
    const right = this.model.answers(page, write, user);
    const la = addressOf(page);
    const hpa = mmu.translate(la, (write ? ACCESS_WRITE : ACCESS_READ) | (user ? ACCESS_USER : 0));
    const { fault } = mmu;
    const answer: Answer =
      hpa !== TRANSLATION_FAULT
        ? hpa / 4096
        : fault.kind === FAULT_PAGE
          ? `#PF ${fault.errorCode}`
          : `EPT ${fault.gpa / 4096} ${fault.qualification & 0x3f}`;
    if (!right.has(answer)) throw new Error(`${la.toString(16)}: answered ${answer}, right are ${[...right].join(', ')}`);
    if (right.size > 1) this.stale++;
    else this.fresh++;
  }
}
