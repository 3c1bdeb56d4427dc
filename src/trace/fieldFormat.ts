import { formatLinear } from '../arch/addresses.ts';
import { formatExitReason } from '../arch/exitReasons.ts';
import { MARK_NAMES } from '../arch/marks.ts';
import { EXCEPTION_NAMES } from '../arch/vectors.ts';
import { ACTIVITY_NAMES, DELIVERY_NAMES, type FieldFormat, INVALIDATION_NAMES } from './events.ts';

const hex = (value: number): string => (value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);

/** The name of a number that stands for one, or the number where it has no name. */
const named = (names: readonly string[], value: number): string => names[value] ?? String(value);

/** Text of an event's argument, without spaces. */
export function formatField(format: FieldFormat, value: number): string {
  switch (format) {
    case 'dec':
      return String(value);
    case 'hex':
      return hex(value);
    case 'la':
      return formatLinear(value);
    case 'vector':
      return EXCEPTION_NAMES[value] ?? hex(value);
    case 'delivery':
      return named(DELIVERY_NAMES, value);
    case 'reason':
      return formatExitReason(value);
    case 'mark':
      return named(MARK_NAMES, value);
    case 'operation':
      return named(INVALIDATION_NAMES, value);
    case 'activity':
      return named(ACTIVITY_NAMES, value);
  }
}

/** JSON of an event's argument: numbers for counts and vectors, strings for addresses, bit patterns and names. */
export function jsonField(format: FieldFormat, value: number): string {
  switch (format) {
    case 'dec':
    case 'vector':
      return String(value);
    case 'la':
      return `"0x${formatLinear(value)}"`;
    default:
      return `"${formatField(format, value)}"`;
  }
}
