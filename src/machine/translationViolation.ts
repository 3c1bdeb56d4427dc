import { formatLinear } from '../arch/addresses.ts';
import { describePermissions, type EntryView, isMapped, type Peek } from '../mmu/inspect.ts';

/** A shootdown as the guest announced it. Addresses are signed; times are cycles of the core that marked. */
export interface Shootdown {
  readonly core: number;
  readonly eptRoot: number;
  readonly root: number;
  readonly start: number;
  /** Exclusive; Infinity for everything (then `start` is -Infinity). */
  readonly end: number;
  readonly begunCycles: number;
  /** -1 while it is under way. */
  endedCycles: number;
}

/** One broken promise, with both sides of it. */
export interface TranslationViolation {
  readonly verdict: 'hardware' | 'shootdown';
  readonly reason: string;
  /** Core that used (or kept) the entry, and the address it was used for. */
  readonly core: number;
  readonly address: number;
  /** What the core used. `entry.sequence` counts that core's walks; `coreSequence` is the count now. */
  readonly entry: EntryView;
  readonly coreSequence: number;
  /** What the tables say now. */
  readonly tables: Peek;
  readonly shootdown: Shootdown | null;
}

/** Both sides of a violation as a few lines of text. */
export function describeViolation(violation: TranslationViolation): string {
  const { entry, tables, shootdown } = violation;
  const lines = [
    `${violation.verdict} violation on core ${violation.core}: ${violation.reason}`,
    `  address   ${formatLinear(violation.address)}`,
    `  used      ${entry.structure} entry of ${formatLinear(entry.address)}, ${entry.size} bytes (guest page ${entry.guestSize}), to 0x${entry.hpa.toString(16)}` +
      ` ${describePermissions(entry.permissions)}${entry.global ? ' global' : ''}, filled by walk ${entry.sequence} of ${violation.coreSequence}`,
    `  tags      VPID ${entry.vpid}, PCID ${entry.pcid}, EPT root 0x${entry.eptRoot.toString(16)}`,
    isMapped(tables)
      ? `  tables    say 0x${tables.hpa.toString(16)} ${describePermissions(tables.permissions)}`
      : `  tables    say fault kind ${tables.fault.kind}, error code ${tables.fault.errorCode}, gpa 0x${tables.fault.gpa.toString(16)}`,
  ];
  if (shootdown !== null) {
    const range = shootdown.end === Infinity ? 'everything' : `[${formatLinear(shootdown.start)}, ${formatLinear(shootdown.end)})`;
    lines.push(
      `  shootdown of ${range} by core ${shootdown.core}, begun at cycle ${shootdown.begunCycles}, complete at ${shootdown.endedCycles}`,
    );
  }
  return lines.join('\n');
}
