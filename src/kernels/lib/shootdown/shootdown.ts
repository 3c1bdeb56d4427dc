/**
 * TLB shootdown: after `shootdown(RDI = start, RSI = end, RDX = address space)` no core uses a translation of the range from before the
 * call. `end` is exclusive; EVERYTHING stands for the whole address space. The caller has changed the page-table entries already, and
 * interrupts are on.
 *
 * Core 0 calls `shootdown_setup` once, before the first shootdown and before it starts other cores (lib/smp): what a scheme needs on every
 * core (an MSR to be written, say) is done for core 0 then, and by each other core when it comes online.
 *
 * What is common to all schemes is here: the marks, the local invalidation, and who is concerned. A scheme only writes
 * `shootdown_remote(RDI = mask of other cores, RSI = start, RDX = end, RCX = CR3 of the space)`. The mask names cores that have the space
 * loaded. A core that has left it drops what it kept of it before it comes back: that is the business of whoever switches spaces.
 *
 * When `shootdown` returns, page-table pages that only the old entries led to may be freed: no core has them in a paging-structure cache either. But
 * schemes other than `ipi` interrupt nobody, so turning interrupts off keeps nobody from freeing a table: software that walks the tables of
 * another core's space must hold its lock.
 *
 * A scheme whose targets act themselves calls `shootdown_serve(RDI = start, RSI = end)` on them, with interrupts off. That is
 * `invalidate_local`, unless the kernel has something else to do there, as one that leaves address spaces behind which it does not use.
 */
import type { Shoot4uPolicy } from '../../../arch/hypercalls.ts';
import { MARK_SHOOTDOWN_BEGIN, MARK_SHOOTDOWN_END } from '../../../arch/marks.ts';
import type { ProcessorFeature } from '../../../arch/processorFeatures.ts';
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem, mem64 } from '../../../asm/operand.ts';
import { record, u64 } from '../../../asm/record.ts';
import { cr3, ecx, edx, r12, r13, r14, rax, rbx, rcx, rdi, rdx, rsi } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import { cpu, PerCpu } from '../percpu.ts';

/** What a shootdown must know of an address space. */
export const AddressSpace = record({
  /** Cores that have it loaded: bit n is core n. */
  cores: u64,
  /** What those cores have in CR3: root table and PCID. */
  cr3: u64,
});

/** What a scheme cannot do without. Who runs a guest checks it beforehand; the guest itself looks again (CPUID) and ends with a message. */
export interface SchemeNeeds {
  /** It runs in a virtual machine only. */
  readonly hypervisor?: true;
  /** The hypervisor watches for PAUSE loops. */
  readonly pauseLoopExiting?: true;
  /** A feature of the processor. */
  readonly processor?: ProcessorFeature;
  /** How the hypervisor is to serve Shoot4U's hypercall. */
  readonly shoot4u?: Shoot4uPolicy;
}

export interface ShootdownScheme {
  readonly name: string;
  readonly doc: string;
  /** Undefined: it runs anywhere. */
  readonly needs?: SchemeNeeds;
  /** Body of a procedure that core 0 runs once, before the first shootdown. May change RBX. */
  readonly setup?: (a: Assembler) => void;
  /** Body of a procedure that every core runs once; core 0 after `setup`, the others when they come online. May change RBX. */
  readonly coreSetup?: (a: Assembler) => void;
  /** Writes `shootdown_remote`. */
  readonly write: (a: Assembler) => void;
}

/** As `end`: the whole address space. */
export const EVERYTHING = -1;
/** Above this many pages, dropping everything is cheaper than page by page. The number is Linux's. */
export const SINGLE_PAGE_CEILING = 33;

/** Writes `shootdown` over a scheme. @param serve writes `shootdown_serve`; without it, that is `invalidate_local`. */
export const shootdown =
  (scheme: ShootdownScheme, serve?: (a: Assembler) => void) =>
  (a: Assembler): void => {
    a.comment(`shootdown scheme: ${scheme.name}`);
    scheme.write(a);
    serve?.(a);

    const { setup, coreSetup } = scheme;
    a.proc('shootdown_setup', { saves: [rbx] }, () => {
      setup?.(a);
      if (coreSetup === undefined) return;
      a.comment('other cores find it in lib/smp');
      a.mov(mem64('core_online_hook'), addr('shootdown_core_setup'));
      a.call('shootdown_core_setup');
    });
    if (coreSetup !== undefined) a.proc('shootdown_core_setup', { saves: [rbx] }, () => coreSetup(a));

    a.proc('shootdown', { saves: [rbx, r12, r13, r14] }, () => {
      a.mov(r12, rdi);
      a.mov(r13, rsi);
      a.mov(r14, at(rdx, AddressSpace.cr3));
      a.mov(rbx, at(rdx, AddressSpace.cores));
      a.mov(ecx, cpu(PerCpu.number));
      a.btr(rbx, rcx);
      countBits(a);

      a.mark(MARK_SHOOTDOWN_BEGIN);
      a.call('invalidate_local');
      a.test(rbx, rbx);
      a.if_('nz', () => {
        a.mov(rdi, rbx);
        a.mov(rsi, r12);
        a.mov(rdx, r13);
        a.mov(rcx, r14);
        a.call('shootdown_remote');
      });
      a.mov(rdi, r12);
      a.mov(rsi, r13);
      a.mark(MARK_SHOOTDOWN_END);
    });

    if (serve === undefined) {
      a.comment('a second name for the procedure that follows');
      a.align(16);
      a.label('shootdown_serve');
    }
    a.comment("RDI = start, RSI = end: drops this core's translations, page by page or all at once");
    a.proc('invalidate_local', {}, () => {
      a.cmp(rsi, EVERYTHING);
      a.je('.all');
      a.mov(rax, rsi);
      a.sub(rax, rdi);
      a.cmp(rax, SINGLE_PAGE_CEILING * 4096);
      a.ja('.all');
      a.while_(
        () => a.cmp(rdi, rsi),
        'b',
        () => {
          a.invlpg(mem(rdi));
          a.add(rdi, 4096);
        },
      );
      a.return_();
      a.label('.all');
      a.comment("MOV to CR3 drops all but global translations of the current PCID; global ones are the kernel's and never change");
      a.mov(rax, cr3);
      a.mov(cr3, rax);
    });
  };

/** RDX is the number of bits set in RBX. Changes RAX, RCX. */
function countBits(a: Assembler): void {
  a.xor(edx, edx);
  a.mov(rax, rbx);
  a.while_(
    () => a.test(rax, rax),
    'nz',
    () => {
      a.lea(rcx, mem(rax, -1));
      a.and(rax, rcx);
      a.inc(edx);
    },
  );
}
