/** The shootdown schemes by name. */
import { ipi } from './ipi.ts';
import { none } from './none.ts';
import { shoot4u } from './shoot4u.ts';
import type { ShootdownScheme } from './shootdown.ts';

export const SHOOTDOWN_SCHEMES: readonly ShootdownScheme[] = [ipi, shoot4u, none];
