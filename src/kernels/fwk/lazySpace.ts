/**
 * What a core does that is asked to invalidate: `shootdown_serve(RDI = start, RSI = end)`, interrupts off.
 *
 * A core whose thread needs no user memory leaves the space instead, for the kernel's own tables: one change of CR3, and nobody asks it again
 * (Linux 4.x, leave_mm). What it has of the space it keeps, and drops when it comes back, as its note of the shootdowns it has seen is old then (mm.ts). Under
 * schemes that never come here, as the hypervisor's or the processor's, an idle core stays in the mask and costs its share of every shootdown.
 */

import { CR3_NO_INVALIDATE_BIT } from '../../arch/controlRegisters.ts';
import { MARK_SERVE_BEGIN, MARK_SERVE_END } from '../../arch/marks.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at } from '../../asm/operand.ts';
import { cr3, eax, ecx, rax, rcx, rdx } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { cpu, PerCpu } from '../lib/percpu.ts';
import { AddressSpace } from '../lib/shootdown/shootdown.ts';
import { core, KernelCore } from './core.ts';
import { COMMON_PCID } from './layout.ts';
import type { KernelChoices } from './parameters.ts';

export const lazySpace =
  ({ pcid, lazyLeave }: KernelChoices) =>
  (a: Assembler): void => {
    a.comment('the interrupt by which other cores call functions here: in this kernel that is always a shootdown');
    a.proc('shootdown_interrupt', {}, () => {
      a.mark(MARK_SERVE_BEGIN);
      a.call('serve_calls');
      a.mark(MARK_SERVE_END);
    });

    a.proc('shootdown_serve', {}, () => {
      if (lazyLeave) {
        a.cmp(core(KernelCore.lazy), 0);
        a.je('invalidate_local');
        a.cmp(core(KernelCore.left), 0);
        a.return_if('ne');
        a.mov(rdx, core(KernelCore.loadedMm));
        a.test(rdx, rdx);
        a.return_if('z');
        a.mov(core(KernelCore.left), 1);
        a.mov(eax, addr('kernel_pml4', COMMON_PCID));
        if (pcid) a.bts(rax, CR3_NO_INVALIDATE_BIT);
        a.mov(cr3, rax);
        a.mov(ecx, cpu(PerCpu.number));
        a.lock.btr(at(rdx, AddressSpace.cores), rcx);
      } else a.jmp('invalidate_local');
    });
  };
