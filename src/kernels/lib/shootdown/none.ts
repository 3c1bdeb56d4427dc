/** Wrong on purpose: only the initiator invalidates, and other cores go on using what their TLBs hold. For tests of the tests. */
import type { ShootdownScheme } from './shootdown.ts';

export const none: ShootdownScheme = {
  name: 'none',
  doc: 'no remote invalidation: deliberately wrong, to show that stale translations are found',
  write(a) {
    a.proc('shootdown_remote', {}, () => {});
  },
};
