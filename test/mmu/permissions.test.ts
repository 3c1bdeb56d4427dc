import { describe, expect, test } from 'vitest';
import { ACCESS_FETCH, ACCESS_IMPLICIT, ACCESS_READ, ACCESS_USER, ACCESS_WRITE } from '../../src/mmu/access.ts';
import { resetPagingContext } from '../../src/mmu/pagingContext.ts';
import { permits, permitsLinear, permitsOutright } from '../../src/mmu/permissions.ts';
import { ENTRY_D, ENTRY_EPT_R, ENTRY_EPT_W, ENTRY_EPT_X, ENTRY_U, ENTRY_W, ENTRY_X } from '../../src/mmu/tlbEntry.ts';

const ACCESSES = [ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH].flatMap((kind) => [kind, kind | ACCESS_USER, kind | ACCESS_IMPLICIT]);
const LINEAR = [ENTRY_W, ENTRY_U, ENTRY_X];
const CONTEXT = ['writeProtect', 'smep', 'smap', 'alignmentCheckFlag'] as const;

const subsets = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: 2 ** items.length }, (_, chosen) => items.filter((_item, i) => (chosen >> i) & 1));

/** The manual's rules as a list of reasons to refuse; nothing refuses: permitted. */
function refusals(flags: number, access: number, on: ReadonlySet<string>): string[] {
  const has = (bit: number) => (flags & bit) !== 0;
  const user = (access & ACCESS_USER) !== 0;
  const kind = access & 3;
  const rules: [string, boolean][] = [
    ['user access to a supervisor page', user && !has(ENTRY_U)],
    ['user write to a read-only page', user && kind === ACCESS_WRITE && !has(ENTRY_W)],
    ['supervisor write to a read-only page with WP', !user && kind === ACCESS_WRITE && !has(ENTRY_W) && on.has('writeProtect')],
    ['fetch from an execute-disabled page', kind === ACCESS_FETCH && !has(ENTRY_X)],
    ['SMEP', !user && kind === ACCESS_FETCH && has(ENTRY_U) && on.has('smep')],
    [
      'SMAP',
      !user &&
        kind !== ACCESS_FETCH &&
        has(ENTRY_U) &&
        on.has('smap') &&
        ((access & ACCESS_IMPLICIT) !== 0 || !on.has('alignmentCheckFlag')),
    ],
  ];
  return rules.filter(([, refused]) => refused).map(([name]) => name);
}

describe('permission check', () => {
  test('agrees with the list of refusals for every page, access and mode', () => {
    let permitted = 0;
    for (const access of ACCESSES) {
      for (const linear of subsets(LINEAR)) {
        const flags = linear.reduce((sum, bit) => sum | bit, 0);
        for (const modes of subsets(CONTEXT)) {
          const context = { ...resetPagingContext(), ...Object.fromEntries(modes.map((mode) => [mode, true])) };
          const refused = refusals(flags, access, new Set(modes));
          expect(permitsLinear(flags, access, context), `${access} ${flags} ${modes}: ${refused}`).toBe(refused.length === 0);
          if (refused.length === 0) permitted++;
        }
      }
    }
    expect(permitted).toBeGreaterThan(0);
  });

  test('a hit permits what the guest and EPT permit, and a write only with the dirty flags set', () => {
    for (const access of ACCESSES) {
      for (const bits of subsets([...LINEAR, ENTRY_EPT_R, ENTRY_EPT_W, ENTRY_EPT_X, ENTRY_D])) {
        const flags = bits.reduce((sum, bit) => sum | bit, 0);
        for (const modes of subsets(CONTEXT)) {
          const context = { ...resetPagingContext(), ...Object.fromEntries(modes.map((mode) => [mode, true])) };
          const ept = [ENTRY_EPT_R, ENTRY_EPT_W, ENTRY_EPT_X][access & 3]!;
          const expected =
            refusals(flags, access, new Set(modes)).length === 0 &&
            (flags & ept) !== 0 &&
            ((access & 3) !== ACCESS_WRITE || (flags & ENTRY_D) !== 0);
          expect(permitsOutright(flags, access) || permits(flags, access, context)).toBe(expected);
          if (permitsOutright(flags, access)) expect(permits(flags, access, context)).toBe(true);
        }
      }
    }
  });
});
