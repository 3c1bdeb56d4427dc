/**
 * An independent page walk over bigints: the manual's steps in the plainest form, without caches. It changes accessed and dirty flags in the
 * memory it is given.
 */
import {
  ACCESS_FETCH,
  ACCESS_IMPLICIT,
  ACCESS_USER,
  ACCESS_WRITE,
  FAULT_EPT_MISCONFIGURATION,
  FAULT_EPT_VIOLATION,
  FAULT_PAGE,
} from '../../src/mmu/access.ts';
import type { PagingContext } from '../../src/mmu/pagingContext.ts';

export type ReferenceOutcome =
  | { hpa: number; size: number }
  | { kind: number; la: number; errorCode: number; gpa: number; qualification: number };

const bit = (value: bigint, n: number): boolean => ((value >> BigInt(n)) & 1n) === 1n;
const field = (value: bigint, high: number, low: number): bigint => (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
const ADDRESS_BITS = 44;

class Fault extends Error {
  readonly outcome: ReferenceOutcome;
  constructor(outcome: ReferenceOutcome) {
    super('fault');
    this.outcome = outcome;
  }
}

class ReferenceWalk {
  readonly view: DataView;
  readonly context: PagingContext;
  readonly la: number;
  readonly access: number;

  constructor(view: DataView, context: PagingContext, la: number, access: number) {
    this.view = view;
    this.context = context;
    this.la = la;
    this.access = access;
  }

  load(hpa: bigint, bytes: 4 | 8): bigint {
    if (hpa + BigInt(bytes) > BigInt(this.view.byteLength)) return (1n << BigInt(8 * bytes)) - 1n;
    return bytes === 8 ? this.view.getBigUint64(Number(hpa), true) : BigInt(this.view.getUint32(Number(hpa), true));
  }

  set(hpa: bigint, flags: bigint): void {
    if (hpa + 4n > BigInt(this.view.byteLength)) return;
    this.view.setUint32(Number(hpa), this.view.getUint32(Number(hpa), true) | Number(flags), true);
  }

  ept(gpa: bigint, read: boolean, write: boolean, fetch: boolean, final: boolean): { hpa: bigint; size: number } {
    const { context } = this;
    if (context.eptRoot === 0) return { hpa: gpa, size: 2 ** 52 };
    const violation = (rights: bigint) =>
      new Fault({
        kind: FAULT_EPT_VIOLATION,
        la: this.la,
        errorCode: 0,
        gpa: Number(gpa),
        qualification: Number(read) + Number(write) * 2 + Number(fetch) * 4 + Number(rights) * 8 + 0x80 + (final ? 0x100 : 0),
      });
    const used: bigint[] = [];
    let rights = 7n;
    let table = BigInt(context.eptRoot) << 12n;
    for (let level = 4; level >= 1; level--) {
      const shift = 12 + 9 * (level - 1);
      const at = table + field(gpa, shift + 8, shift) * 8n;
      const entry = this.load(at, 8);
      if (field(entry, 2, 0) === 0n) throw violation(0n);
      const leaf = level === 1 || (level <= 3 && bit(entry, 7));
      const misconfigured =
        (!bit(entry, 0) && bit(entry, 1)) ||
        field(entry, 51, ADDRESS_BITS) !== 0n ||
        (leaf
          ? [2n, 3n, 7n].includes(field(entry, 5, 3)) || (level > 1 && field(entry, shift - 1, 12) !== 0n)
          : field(entry, 6, 3) !== 0n || (level === 4 && bit(entry, 7)));
      if (misconfigured) {
        throw new Fault({ kind: FAULT_EPT_MISCONFIGURATION, la: this.la, errorCode: 0, gpa: Number(gpa), qualification: 0 });
      }
      rights &= field(entry, 2, 0);
      used.push(at);
      if (leaf) {
        if ((read && !bit(rights, 0)) || (write && !bit(rights, 1)) || (fetch && !bit(rights, 2))) {
          if (context.eptAccessedDirty) for (const upper of used.slice(0, -1)) this.set(upper, 1n << 8n);
          throw violation(rights);
        }
        if (context.eptAccessedDirty) {
          for (const address of used) this.set(address, 1n << 8n);
          if (write) this.set(at, 1n << 9n);
        }
        const base = field(entry, 51, shift) << BigInt(shift);
        return { hpa: base + field(gpa, shift - 1, 0), size: 2 ** shift };
      }
      if (context.eptAccessedDirty) this.set(at, 1n << 8n);
      table = field(entry, 51, 12) << 12n;
    }
    throw new Error('unreachable');
  }

  pageFault(code: number): Fault {
    const { context, access } = this;
    const fetch = (access & 3) === ACCESS_FETCH;
    const errorCode =
      code +
      ((access & 3) === ACCESS_WRITE ? 2 : 0) +
      (access & ACCESS_USER ? 4 : 0) +
      (fetch && (context.smep || (context.pae && context.noExecute)) ? 16 : 0);
    return new Fault({ kind: FAULT_PAGE, la: this.la, errorCode, gpa: 0, qualification: 0 });
  }

  run(): { hpa: number; size: number } {
    const { context, access } = this;
    const write = (access & 3) === ACCESS_WRITE;
    const fetch = (access & 3) === ACCESS_FETCH;
    const user = (access & ACCESS_USER) !== 0;
    const bits = BigInt.asUintN(48, BigInt(this.la));
    const bytes = context.pae || context.longMode ? 8 : 4;
    const indexBits = bytes === 8 ? 9 : 10;
    const levels = context.longMode ? 4 : context.pae ? 3 : 2;
    let table = BigInt(context.root);
    let writable = true;
    let userPage = true;
    let executable = true;
    for (let level = levels; ; level--) {
      const shift = 12 + indexBits * (level - 1);
      const pointer = levels === 3 && level === 3;
      const gpa = table + field(bits, pointer ? 31 : shift + indexBits - 1, shift) * BigInt(bytes);
      const at = this.ept(gpa, true, context.eptAccessedDirty, false, false).hpa;
      const entry = this.load(at, bytes);
      if (!bit(entry, 0)) throw this.pageFault(0);
      const large =
        bit(entry, 7) &&
        ((levels === 4 && (level === 3 || level === 2)) || (levels === 3 && level === 2) || (levels === 2 && level === 2 && context.pse));
      const leaf = level === 1 || large;
      let reserved = false;
      if (bytes === 8) {
        reserved ||= field(entry, 51, ADDRESS_BITS) !== 0n;
        if (levels === 3) reserved ||= field(entry, 62, 52) !== 0n;
        if (pointer) reserved ||= field(entry, 2, 1) !== 0n || field(entry, 8, 5) !== 0n || bit(entry, 63);
        if (levels === 4 && level === 4) reserved ||= bit(entry, 7);
        if (large) reserved ||= field(entry, shift - 1, 13) !== 0n;
        reserved ||= bit(entry, 63) && !context.noExecute;
      } else if (large) reserved ||= bit(entry, 21);
      if (reserved) throw this.pageFault(1 + 8);
      if (!pointer) {
        writable &&= bit(entry, 1);
        userPage &&= bit(entry, 2);
        if (bytes === 8) executable &&= !bit(entry, 63);
      }
      const touch = (flags: bigint) => {
        if ((entry & flags) === flags) return;
        this.set(this.ept(gpa, context.eptAccessedDirty && false, true, false, false).hpa, flags);
      };
      if (!leaf) {
        if (!pointer) touch(0x20n);
        table = field(entry, bytes === 8 ? 51 : 31, 12) << 12n;
        continue;
      }
      const smap = context.smap && ((access & ACCESS_IMPLICIT) !== 0 || !context.alignmentCheckFlag);
      const denied = user
        ? !userPage || (write && !writable) || (fetch && !executable)
        : fetch
          ? !executable || (userPage && context.smep)
          : (userPage && smap) || (write && !writable && context.writeProtect);
      if (denied) throw this.pageFault(1);
      touch(write ? 0x60n : 0x20n);
      const base =
        levels === 2 && large ? (field(entry, 31, 22) << 22n) + (field(entry, 20, 13) << 32n) : field(entry, 51, shift) << BigInt(shift);
      const address = base + field(bits, shift - 1, 0);
      const host = this.ept(address, !write && !fetch, write, fetch, true);
      return { hpa: Number(host.hpa), size: Math.min(host.size, 2 ** shift) };
    }
  }
}

/** What the access gives, accessed and dirty flags included. */
export function referenceWalk(view: DataView, context: PagingContext, la: number, access: number): ReferenceOutcome {
  try {
    return new ReferenceWalk(view, context, la, access).run();
  } catch (error) {
    if (error instanceof Fault) return error.outcome;
    throw error;
  }
}
