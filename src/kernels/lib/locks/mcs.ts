/**
 * MCS lock: those that wait form a list, each polls a word of its own, and the holder passes the lock to the next. First come, first served, and a
 * release disturbs one core only. Under preemption it is as bad as a ticket lock.
 *
 * Layout: bits 31:0 the last node of the list, 0 when the lock is free; bits 63:32 the holder's node, kept there for the release. Nodes are a
 * core's own, a cache line each; addresses of the kernel fit in 32 bits. A core has a node in use for every lock that it holds or waits for.
 *
 * Ordering: XCHG and CMPXCHG on the tail are full barriers. A node is filled before it joins the list by XCHG. The lock is passed by a plain store,
 * which x86 does not reorder with earlier accesses.
 */
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem, mem64 } from '../../../asm/operand.ts';
import { record, u32 } from '../../../asm/record.ts';
import { eax, ecx, edx, r8, r8d, r9, rax, rcx, rdi, rdx } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import { failWith } from '../exit.ts';
import { MAX_CORES } from '../layout.ts';
import { cpu, PerCpu } from '../percpu.ts';
import type { LockAlgorithm } from './lock.ts';
import { lockMarks, MARKS, obtained, refuse, spinning } from './lockMarks.ts';

const McsLock = record({ tail: u32, holder: u32 });
const McsNode = record({ next: u32, waiting: u32 });
const LINE_SHIFT = 6;
const NODES_SHIFT = 4;
const NODES = 1 << NODES_SHIFT;

export const mcs: LockAlgorithm = {
  name: 'mcs',
  doc: 'MCS queue lock: first come, first served, each polling a word of its own',
  parameters: [MARKS],
  write(a, parameters) {
    const marks = lockMarks(a, parameters);
    a.comment('nodes in use, a bit each, a cache line for every core; and the nodes');
    a.room('mcs_used', MAX_CORES << LINE_SHIFT, 64);
    a.room('mcs_nodes', MAX_CORES << (NODES_SHIFT + LINE_SHIFT), 64);

    a.proc('lock_acquire', {}, () => {
      takeNode(a);
      a.mov(at(rax, McsNode.next), 0);
      a.mov(at(rax, McsNode.waiting), 1);
      a.mov(edx, eax);
      a.xchg(at(rdi, McsLock.tail), edx);
      marks.tried();
      a.test(edx, edx);
      a.if_('nz', () => {
        a.mov(ecx, edx);
        marks.waiting({ poll: 2, inOrder: true }, () => {
          a.mov(at(rcx, McsNode.next), eax);
          a.repeat_while('ne', () => {
            a.pause();
            a.cmp(at(rax, McsNode.waiting), 0);
          });
          obtained(a, marks);
        });
      });
      a.mov(at(rdi, McsLock.holder), eax);
    });

    a.proc('lock_try', {}, () => {
      a.cmp(at(rdi, McsLock.tail), 0);
      a.if_('ne', () => {
        refuse(a);
        a.return_();
      });
      takeNode(a);
      a.mov(at(rax, McsNode.next), 0);
      a.mov(ecx, eax);
      a.xor(eax, eax);
      a.lock.cmpxchg(at(rdi, McsLock.tail), ecx);
      marks.answerTry();
      a.test(eax, eax);
      a.if_(
        'nz',
        () => a.mov(at(rdi, McsLock.holder), ecx),
        () => {
          a.mov(r8d, ecx);
          giveNodeBack(a);
          refuse(a);
        },
      );
    });

    a.proc('lock_release', {}, () => {
      a.mov(eax, at(rdi, McsLock.holder));
      a.mov(r8d, eax);
      a.mov(ecx, at(r8, McsNode.next));
      a.test(ecx, ecx);
      a.jnz('.pass');
      a.comment('nobody behind: the list is empty, unless somebody has joined it meanwhile and is about to link itself');
      a.xor(edx, edx);
      a.lock.cmpxchg(at(rdi, McsLock.tail), edx);
      a.if_('e', () => {
        marks.released();
        a.jmp('.free');
      });
      a.mov(r9, rdi);
      spinning(a, () => {
        a.loop(() => {
          a.mov(ecx, at(r8, McsNode.next));
          a.test(ecx, ecx);
          a.break_if('nz');
          a.pause();
        });
      });
      a.mov(rdi, r9);
      a.label('.pass');
      a.mov(at(rcx, McsNode.waiting), 0);
      marks.released();
      a.label('.free');
      giveNodeBack(a);
    });

    a.label('mcs_nodes_exhausted');
    failWith(a, `mcs: a core holds or waits for more than ${NODES} locks\n`);
  },
};

/** RAX = a node of this core, now in use. Changes RCX, RDX, R8. */
function takeNode(a: Assembler): void {
  a.mov(ecx, cpu(PerCpu.number));
  a.mov(r8d, ecx);
  a.shl(r8d, LINE_SHIFT);
  a.comment('one instruction marks it, so an interrupt may come anywhere: at worst its handler has taken this node, and given it back');
  a.repeat_while('c', () => {
    a.mov(rdx, mem64(r8, 'mcs_used'));
    a.not(rdx);
    a.bsf(rax, rdx);
    a.cmp(eax, NODES);
    a.jae('mcs_nodes_exhausted');
    a.bts(mem64(r8, 'mcs_used'), rax);
  });
  a.shl(ecx, NODES_SHIFT);
  a.add(ecx, eax);
  a.shl(ecx, LINE_SHIFT);
  a.lea(eax, mem(rcx, 'mcs_nodes'));
}

/** The node in R8 is not in use any more. Changes RCX, R8. */
function giveNodeBack(a: Assembler): void {
  a.sub(r8d, addr('mcs_nodes'));
  a.shr(r8d, LINE_SHIFT);
  a.mov(ecx, r8d);
  a.and(ecx, NODES - 1);
  a.shr(r8d, NODES_SHIFT);
  a.shl(r8d, LINE_SHIFT);
  a.btr(mem64(r8, 'mcs_used'), rcx);
}
