/**
 * Kernel code that touches user memory: `copy_from_user(RDI = to, RSI = user address, RDX = bytes)`, `copy_to_user(RDI = user address, RSI = from,
 * RDX = bytes)` → RAX = 0, or -EFAULT; `get_user32(RDI)` → EAX = the word, RDX = 0, or -EFAULT; `put_user32(RDI = user address, ESI)` → RAX = 0, or
 * -EFAULT.
 *
 * The processor itself walks and checks: these instructions fault like any other, the page comes (pageFault.ts), and if none may come the table
 * `fixups` says where to go on. While `Thread.faultsOff` is set no page comes: that is for those who hold a spinlock.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { mem32 } from '../../asm/operand.ts';
import { eax, ecx, edx, esi, rax, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { EFAULT } from './errors.ts';
import { USER_BASE, USER_END } from './layout.ts';

/** Instructions that may fault on user memory, and where the kernel goes on when they may not have it. */
const FIXUPS = [
  ['user_copy_words', 'user_fault'],
  ['user_copy', 'user_fault'],
  ['user_load', 'user_fault'],
  ['user_store', 'user_fault'],
] as const;

export function userAccess(a: Assembler): void {
  a.section('rodata', () => {
    a.align(8);
    a.label('fixups');
    for (const [instruction, fixup] of FIXUPS) a.u64(addr(instruction), addr(fixup));
    a.label('fixups_end');
  });

  a.comment('RDI = address, RDX = bytes: jumps to user_fault unless all of it is user space. Changes RAX, RCX');
  a.label('check_user_range');
  a.mov(rcx, USER_BASE);
  a.cmp(rdi, rcx);
  a.jb('.bad');
  a.mov(rcx, USER_END);
  a.mov(rax, rcx);
  a.sub(rax, rdi);
  a.jb('.bad');
  a.cmp(rax, rdx);
  a.jb('.bad');
  a.ret();
  a.label('.bad');
  a.comment('the return address of the check itself');
  a.pop(rax);
  a.comment('in RDX, too, where get_user32 says how it went');
  a.label('user_fault');
  a.mov(rax, -EFAULT);
  a.mov(rdx, rax);
  a.ret();

  a.proc('copy_to_user', {}, () => {
    a.call('check_user_range');
    a.jmp('user_copy_loop');
  });

  a.proc('copy_from_user', {}, () => {
    a.xchg(rdi, rsi);
    a.call('check_user_range');
    a.xchg(rdi, rsi);
    a.jmp('user_copy_loop');
  });

  a.label('user_copy_loop');
  a.mov(rcx, rdx);
  a.shr(rcx, 3);
  a.label('user_copy_words');
  a.rep.movsq();
  a.mov(ecx, edx);
  a.and(ecx, 7);
  a.label('user_copy');
  a.rep.movsb();
  a.xor(eax, eax);
  a.ret();

  a.proc('get_user32', {}, () => {
    a.mov(edx, 4);
    a.call('check_user_range');
    a.jmp('user_load');
  });
  a.label('user_load');
  a.mov(eax, mem32(rdi));
  a.xor(edx, edx);
  a.ret();

  a.proc('put_user32', {}, () => {
    a.mov(edx, 4);
    a.call('check_user_range');
    a.jmp('user_store');
  });
  a.label('user_store');
  a.mov(mem32(rdi), esi);
  a.xor(eax, eax);
  a.ret();
}
