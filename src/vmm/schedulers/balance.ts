import { spread } from '../placements/spread.ts';
import { fair } from './fair.ts';
import type { SchedulerKind } from './scheduler.ts';

/** Balance scheduling: fair queues, of which none ever holds two vCPUs of one VM. Siblings run at the same time more often than not, without being made to. */
export const balance: SchedulerKind = {
  name: 'balance',
  doc: 'as fair, and no two vCPUs of a VM ever wait for the same core; vCPUs move',
  placements: [spread],
  weighs: true,
  create: fair.create,
};
