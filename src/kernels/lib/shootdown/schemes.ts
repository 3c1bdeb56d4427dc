/** The shootdown schemes by name. */
import { hyperv } from './hyperv.ts';
import { invlpgb } from './invlpgb.ts';
import { ipi, ipiPle } from './ipi.ts';
import { kvmPv, kvmPvIpi } from './kvmPv.ts';
import { kvmtlb } from './kvmtlb.ts';
import { none } from './none.ts';
import { rar } from './rar.ts';
import { shoot4u, shoot4uFine, shoot4uMode0, shoot4uMode1, shoot4uMode3, shoot4uMulticast } from './shoot4u.ts';
import type { ShootdownScheme } from './shootdown.ts';

export const SHOOTDOWN_SCHEMES: readonly ShootdownScheme[] = [
  ipi,
  ipiPle,
  kvmtlb,
  kvmPv,
  kvmPvIpi,
  shoot4u,
  shoot4uMode0,
  shoot4uMode1,
  shoot4uMode3,
  shoot4uMulticast,
  hyperv,
  invlpgb,
  rar,
  shoot4uFine,
  none,
];
