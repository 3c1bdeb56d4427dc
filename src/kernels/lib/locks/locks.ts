/** The lock algorithms by name. */
import type { LockAlgorithm } from './lock.ts';
import { tas } from './tas.ts';
import { ticket } from './ticket.ts';

export const LOCKS: readonly LockAlgorithm[] = [ticket, tas];
