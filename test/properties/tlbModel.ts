/**
 * What a processor may answer: an abstract MMU that may have cached anything the tables ever said since the last invalidation that covers it.
 *
 * The state is a set of facts that may be cached. After every command the set is closed: whatever a walk in the current context could learn now,
 * combining cached facts with the tables, is added. An invalidation removes what the manual says it must. An answer is right if some fact,
 * or some walk, gives it.
 */
export interface Tags {
  readonly vpid: number;
  readonly pcid: number;
  readonly eptRoot: number;
}

/** The upper levels: which address space's page directory serves a region. */
export interface Upper extends Tags {
  readonly kind: 'upper';
  readonly region: number;
  readonly space: number;
}
/** A PDE that names a page table. */
export interface Table extends Tags {
  readonly kind: 'table';
  readonly region: number;
  readonly table: number;
}
/** A guest-physical mapping. */
export interface Nested {
  readonly kind: 'nested';
  readonly eptRoot: number;
  readonly gpn: number;
  readonly hpn: number;
  readonly rights: number;
}
/** A translation of one page. */
export interface Leaf extends Tags {
  readonly kind: 'leaf';
  readonly page: number;
  readonly large: boolean;
  readonly global: boolean;
  readonly writable: boolean;
  readonly user: boolean;
  readonly hpn: number;
  readonly rights: number;
}
export type Fact = Upper | Table | Nested | Leaf;

export interface PteValue {
  readonly present: boolean;
  readonly writable: boolean;
  readonly user: boolean;
  readonly global: boolean;
  readonly gpn: number;
}
export type PdeValue = { readonly table: number } | { readonly large: PteValue } | 'absent';

export const PAGES_PER_REGION = 2;
export const regionOf = (page: number): number => Math.floor(page / PAGES_PER_REGION);

/** The tables as they are now. */
export class ModelTables {
  readonly pdes: PdeValue[][];
  readonly ptes: PteValue[][];
  /** By EPT root, then guest page: rights (R = 1, W = 2, X = 4; 0 = absent) and host page. */
  readonly ept = new Map<number, Map<number, { rights: number; hpn: number }>>();

  constructor(spaces: number, regions: number, tables: number, absent: PteValue) {
    this.pdes = Array.from({ length: spaces }, () => Array.from({ length: regions }, (): PdeValue => 'absent'));
    this.ptes = Array.from({ length: tables }, () => Array.from({ length: PAGES_PER_REGION }, () => absent));
  }
}

export interface ModelContext extends Tags {
  readonly space: number;
  readonly globalPages: boolean;
}

/** What an access may give: the host page, or a fault as text. */
export type Answer = number | string;

export class TlbModel {
  readonly tables: ModelTables;
  context: ModelContext;
  private facts = new Map<string, Fact>();

  constructor(tables: ModelTables, context: ModelContext) {
    this.tables = tables;
    this.context = context;
  }

  private add(fact: Fact): void {
    this.facts.set(JSON.stringify(fact), fact);
  }

  remove(covered: (fact: Fact) => boolean): void {
    for (const [key, fact] of this.facts) if (covered(fact)) this.facts.delete(key);
  }

  private here<K extends Fact['kind']>(kind: K): Extract<Fact, { kind: K }>[] {
    const { vpid, pcid, eptRoot } = this.context;
    return [...this.facts.values()].filter((fact): fact is Extract<Fact, { kind: K }> => {
      if (fact.kind !== kind || fact.eptRoot !== eptRoot) return false;
      if (fact.kind === 'nested') return true;
      return fact.vpid === vpid && (fact.pcid === pcid || (fact.kind === 'leaf' && fact.global));
    });
  }

  /** What walks of this page may find: guest leaves (before EPT), or null where an entry is missing. */
  private walks(page: number): (({ large: boolean } & PteValue) | null)[] {
    const region = regionOf(page);
    const { space, vpid, pcid, eptRoot } = this.context;
    const tags = { vpid, pcid, eptRoot };
    this.add({ kind: 'upper', ...tags, region, space });
    const found: (({ large: boolean } & PteValue) | null)[] = [];
    for (const upper of this.here('upper').filter((fact) => fact.region === region)) {
      const pde = this.tables.pdes[upper.space]![region]!;
      if (pde === 'absent') found.push(null);
      else if ('table' in pde) this.add({ kind: 'table', ...tags, region, table: pde.table });
      else {
        const { large } = pde;
        found.push(large.present ? { ...large, gpn: large.gpn + (page % PAGES_PER_REGION), large: true } : null);
      }
    }
    for (const { table } of this.here('table').filter((fact) => fact.region === region)) {
      const pte = this.tables.ptes[table]![page % PAGES_PER_REGION]!;
      found.push(pte.present ? { ...pte, large: false } : null);
    }
    return found;
  }

  /** Adds every translation that a walk in the current context may learn. */
  close(pages: number): void {
    const { vpid, pcid, eptRoot, globalPages } = this.context;
    for (let page = 0; page < pages; page++) {
      for (const walk of this.walks(page)) {
        if (walk === null) continue;
        const leaf = { kind: 'leaf' as const, vpid, pcid, eptRoot, page, large: walk.large, global: walk.global && globalPages };
        const guest = { writable: walk.writable, user: walk.user };
        if (eptRoot === 0) {
          this.add({ ...leaf, ...guest, hpn: walk.gpn, rights: 7 });
          continue;
        }
        const now = this.tables.ept.get(eptRoot)!.get(walk.gpn);
        if (now !== undefined && now.rights !== 0) this.add({ kind: 'nested', eptRoot, gpn: walk.gpn, ...now });
        for (const nested of this.here('nested').filter((fact) => fact.gpn === walk.gpn)) {
          this.add({ ...leaf, ...guest, hpn: nested.hpn, rights: nested.rights });
        }
      }
    }
  }

  /** Every answer that is right for the access, in the (closed) state. */
  answers(page: number, write: boolean, user: boolean): Set<Answer> {
    const right = new Set<Answer>();
    const needed = write ? 2 : 1;
    for (const leaf of this.here('leaf').filter((fact) => fact.page === page)) {
      const permitted = (!user || leaf.user) && (!write || leaf.writable) && (leaf.rights & needed) !== 0;
      if (permitted) right.add(leaf.hpn);
    }
    const code = (present: number) => `#PF ${present + (write ? 2 : 0) + (user ? 4 : 0)}`;
    for (const walk of this.walks(page)) {
      if (walk === null) right.add(code(0));
      else if ((user && !walk.user) || (write && !walk.writable)) right.add(code(1));
      else if (this.context.eptRoot !== 0) {
        const rights = this.tables.ept.get(this.context.eptRoot)!.get(walk.gpn)?.rights ?? 0;
        if (!(rights & needed)) right.add(`EPT ${walk.gpn} ${needed + rights * 8}`);
      }
    }
    return right;
  }
}
