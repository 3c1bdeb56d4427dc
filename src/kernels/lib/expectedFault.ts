/** Page faults that are announced beforehand: which must come, and what its handler then does. Any other ends the run with a failure. */
import { PTE_P, PTE_RW } from '../../arch/paging.ts';
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { cr2, edi, type Register, rax, rbp, rbx, rdi, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { print, printHex } from './serial.ts';
import { TrapFrame } from './trap.ts';
import { userMode } from './userMode.ts';

/** No fault is announced. */
const NOTHING = -1;

/** A linear address: known, or in a register. */
export type LinearPlace = Register<64> | number;
/** Map a page, or 2 MB; set R/W; go on behind what faulted; leave user mode. */
export type FaultAction = 'map_page' | 'map_large' | 'allow_writing' | 'go_on' | 'leave_user_mode';

/** `body` takes exactly one fault: this one. After `go_on` it continues behind `body`. */
export function expectFault(a: Assembler, error: number, la: LinearPlace, action: FaultAction, body: () => void): void {
  const label = a.newLabel('after_fault');
  a.mov(mem64('expected_error'), error);
  a.mov(rax, la);
  a.mov(mem64('expected_address'), rax);
  a.mov(mem64('fault_action'), addr(action));
  a.mov(mem64('resume_at'), addr(label));
  body();
  a.placeLabel(label);
  a.cmp(mem64('expected_error'), NOTHING);
  a.jne('fault_missing');
}

/** `on_page_fault`: is it the fault that was announced? Then what was announced is done. */
export function expectedFault(a: Assembler): void {
  a.include(userMode);
  a.section('data', () => {
    a.align(8);
    a.label('expected_error');
    a.u64(NOTHING);
  });
  for (const name of ['expected_address', 'fault_action', 'resume_at']) a.variable(name);

  a.proc('on_page_fault', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, cr2);
    a.mov(rax, at(rbx, TrapFrame.error));
    a.cmp(rax, mem64('expected_error'));
    a.jne('wrong_fault');
    a.cmp(rbp, mem64('expected_address'));
    a.jne('wrong_fault');
    a.mov(mem64('expected_error'), NOTHING);
    a.mov(rdi, rbx);
    a.mov(rsi, rbp);
    a.call(mem64('fault_action'));
  });

  a.comment('actions: RDI = trap frame, RSI = address');
  a.proc('map_page', { saves: [rbx] }, () => {
    a.mov(rbx, rsi);
    a.call('frame_alloc');
    a.lea(rsi, mem(rax, PTE_P | PTE_RW));
    a.mov(rdi, rbx);
    a.call('page_map');
  });

  a.proc('map_large', { saves: [rbx] }, () => {
    a.mov(rbx, rsi);
    a.call('frame_alloc_2m');
    a.lea(rsi, mem(rax, PTE_P | PTE_RW));
    a.mov(rdi, rbx);
    a.call('page_map_2m');
  });

  a.proc('allow_writing', { saves: [rbx] }, () => {
    a.mov(rbx, rsi);
    a.mov(rdi, rsi);
    a.call('page_slot');
    a.lock.or(mem64(rax), PTE_RW);
    a.invlpg(mem(rbx));
  });

  a.proc('go_on', {}, () => {
    a.mov(rax, mem64('resume_at'));
    a.mov(at(rdi, TrapFrame.rip), rax);
  });

  a.label('leave_user_mode');
  a.jmp('user_leave');

  a.comment('in the handler: RBX = trap frame, RBP = CR2');
  a.label('wrong_fault');
  a.call('begin_failure');
  print(a, 'expected error code 0x');
  printHex(a, mem64('expected_error'));
  print(a, ' at 0x');
  printHex(a, mem64('expected_address'));
  print(a, ', got 0x');
  printHex(a, at(rbx, TrapFrame.error));
  print(a, ' at 0x');
  printHex(a, rbp);
  print(a, ', RIP 0x');
  printHex(a, at(rbx, TrapFrame.rip));
  print(a, '\n');
  a.mov(edi, 1);
  a.jmp('fail');

  a.label('fault_missing');
  a.call('begin_failure');
  print(a, 'expected error code 0x');
  printHex(a, mem64('expected_error'));
  print(a, ' at 0x');
  printHex(a, mem64('expected_address'));
  print(a, ', but no fault came\n');
  a.mov(edi, 1);
  a.jmp('fail');
}
