/**
 * Broadcast invalidation of AMD processors: INVLPGB tells all cores, TLBSYNC waits until they have done it. No interrupt, no other software. In a
 * virtual machine it reaches all its virtual processors' translations, whether they run or not.
 *
 * Requests name addresses but no PCID, as those of a space may differ from core to core; global translations are the kernel's and stay.
 */
import { INVLPGB_BIT, INVLPGB_COUNT_MAX, INVLPGB_VA } from '../../../arch/invlpgb.ts';
import { mem } from '../../../asm/operand.ts';
import { eax, ebx, ecx, edx, r8, r9, rax, rdx, rsi } from '../../../asm/register.ts';
import { failWith } from '../exit.ts';
import { EVERYTHING, type ShootdownScheme, SINGLE_PAGE_CEILING } from './shootdown.ts';

const PAGES_AT_ONCE = INVLPGB_COUNT_MAX + 1;

export const invlpgb: ShootdownScheme = {
  name: 'invlpgb',
  doc: 'the processor broadcasts the invalidation: INVLPGB and TLBSYNC, without interrupts and exits (AMD since Zen 3)',
  needs: { processor: 'invlpgb' },
  setup(a) {
    a.mov(eax, 0x8000_0008);
    a.cpuid();
    a.bt(ebx, INVLPGB_BIT);
    a.if_('nc', () => failWith(a, 'invlpgb: the processor does not have it\n'));
    a.comment('as many pages at once as this kernel is built for');
    a.and(edx, 0xffff);
    a.cmp(edx, INVLPGB_COUNT_MAX);
    a.if_('b', () => failWith(a, 'invlpgb: the processor takes fewer pages at once than this kernel\n'));
  },
  write(a) {
    a.proc('shootdown_remote', {}, () => {
      a.comment('R8 = end, R9 = pages left');
      a.mov(r8, rdx);
      a.xor(edx, edx);
      a.cmp(r8, EVERYTHING);
      a.je('.all');
      a.and(rsi, -4096);
      a.mov(r9, r8);
      a.sub(r9, rsi);
      a.add(r9, 4095);
      a.shr(r9, 12);
      a.cmp(r9, SINGLE_PAGE_CEILING);
      a.ja('.all');
      a.loop(() => {
        a.lea(rax, mem(rsi, INVLPGB_VA));
        a.mov(ecx, INVLPGB_COUNT_MAX);
        a.cmp(r9, PAGES_AT_ONCE);
        a.if_('b', () => a.lea(ecx, mem(r9, -1)));
        a.invlpgb();
        a.add(rsi, PAGES_AT_ONCE * 4096);
        a.sub(r9, PAGES_AT_ONCE);
        a.jbe('.sync');
      });
      a.label('.all');
      a.comment('every address; without a valid ASID outside of a virtual machine: the tags of this kernel are all there is');
      a.xor(eax, eax);
      a.xor(ecx, ecx);
      a.invlpgb();
      a.label('.sync');
      a.tlbsync();
    });
  },
};
