import type { Assembler } from '../../asm/assembler.ts';
import { mem, mem8, mem32, mem64 } from '../../asm/operand.ts';
import { eax, ebx, ecx, edi, edx, esi, r8, r8d, r12, rax, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { pageChurn } from './pageChurn.ts';

export const MIX_ROUNDS = 50_000;
export const BUFFER_BYTES = 8192;
export const CHASE_NODES = 4096;
export const CHASE_STEPS = 20_000;
export const CHURN_ROUNDS = 4096;
export const ACKERMANN = [2, 60] as const;
/** The reversed polynomial of IEEE 802.3. */
const POLYNOMIAL = 0xedb8_8320;
const GENERATOR = [22_695_477, 1] as const;

/** Procedures without arguments that give a checksum in RAX, one for each kind of work. */
export function longModeExercises(a: Assembler): void {
  a.room('source', BUFFER_BYTES, 64);
  a.room('copy', BUFFER_BYTES + 64, 64);
  a.room('nodes', CHASE_NODES * 8, 4096);

  a.comment('a xorshift generator and a multiplication, 64 bits wide');
  a.proc('mix', {}, () => {
    a.mov(rax, 0x1234_5678_9abc_def1n);
    a.mov(rdx, 0x2545_f491_4f6c_dd1dn);
    a.xor(edi, edi);
    a.mov(ecx, MIX_ROUNDS);
    a.repeat_while('nz', () => {
      for (const [shift, left] of [
        [12, false],
        [25, true],
        [27, false],
      ] as const) {
        a.mov(rsi, rax);
        if (left) a.shl(rsi, shift);
        else a.shr(rsi, shift);
        a.xor(rax, rsi);
      }
      a.mov(rsi, rax);
      a.imul(rsi, rdx);
      a.rol(rdi, 7);
      a.add(rdi, rsi);
      a.dec(ecx);
    });
    a.mov(rax, rdi);
  });

  a.comment('pseudo-random bytes are copied in three ways, upwards and downwards; CRC-32 of the copy');
  a.proc('copies', {}, () => {
    a.xor(ecx, ecx);
    a.mov(eax, 1);
    a.repeat_while('b', () => {
      a.imul(eax, eax, GENERATOR[0]);
      a.add(eax, GENERATOR[1]);
      a.mov(mem32(rcx, addr('source')), eax);
      a.add(ecx, 4);
      a.cmp(ecx, BUFFER_BYTES);
    });
    a.mov(esi, addr('source'));
    a.mov(edi, addr('copy'));
    a.mov(ecx, BUFFER_BYTES / 8);
    a.rep.movsq();
    a.comment('overlapping: the last 7000 bytes but five move up by five, from the end');
    a.std();
    a.mov(esi, addr('copy', BUFFER_BYTES - 6));
    a.mov(edi, addr('copy', BUFFER_BYTES - 1));
    a.mov(ecx, 6995);
    a.rep.movsb();
    a.cld();
    a.comment('overlapping upwards, nearer than the element: a pattern of three bytes repeats itself');
    a.mov(esi, addr('copy', 16));
    a.mov(edi, addr('copy', 19));
    a.mov(ecx, 100);
    a.rep.movsb();
    a.mov(eax, -1);
    a.mov(esi, addr('copy'));
    a.repeat_while('b', () => {
      a.movzx(edx, mem8(rsi));
      a.xor(eax, edx);
      a.mov(ecx, 8);
      a.repeat_while('nz', () => {
        a.mov(r8d, eax);
        a.and(r8d, 1);
        a.neg(r8d);
        a.and(r8d, POLYNOMIAL);
        a.shr(eax, 1);
        a.xor(eax, r8d);
        a.dec(ecx);
      });
      a.inc(rsi);
      a.cmp(rsi, addr('copy', BUFFER_BYTES));
    });
    a.xor(eax, -1);
  });

  a.comment('node i points to node 5i + 3: one ring through all of them');
  a.proc('chase', {}, () => {
    a.xor(ecx, ecx);
    a.repeat_while('b', () => {
      a.lea(edx, mem(rcx, rcx.times(4), 3));
      a.and(edx, CHASE_NODES - 1);
      a.lea(rdx, mem(rdx.times(8), addr('nodes')));
      a.mov(mem64(rcx.times(8), addr('nodes')), rdx);
      a.inc(ecx);
      a.cmp(ecx, CHASE_NODES);
    });
    a.xor(eax, eax);
    a.mov(edx, addr('nodes'));
    a.mov(ecx, CHASE_STEPS);
    a.repeat_while('nz', () => {
      a.mov(rdx, mem64(rdx));
      a.imul(rax, rax, 31);
      a.lea(r8, mem(rdx));
      a.sub(r8, addr('nodes'));
      a.shr(r8, 3);
      a.add(rax, r8);
      a.dec(ecx);
    });
  });

  a.proc('recursion', {}, () => {
    a.mov(edi, ACKERMANN[0]);
    a.mov(esi, ACKERMANN[1]);
    a.call('ackermann');
  });

  a.comment('RAX = the Ackermann-Péter function of EDI and ESI');
  a.proc('ackermann', { saves: [rbx] }, () => {
    a.test(edi, edi);
    a.if_('z', () => {
      a.lea(eax, mem(rsi, 1));
      a.return_();
    });
    a.mov(ebx, edi);
    a.test(esi, esi);
    a.if_(
      'z',
      () => a.mov(esi, 1),
      () => {
        a.dec(esi);
        a.call('ackermann');
        a.mov(esi, eax);
      },
    );
    a.lea(edi, mem(rbx, -1));
    a.call('ackermann');
  });

  a.proc('churn', { saves: [rbx] }, () => pageChurn(a, CHURN_ROUNDS));

  a.comment('RAX = number of page churns that agree with the first of ten: the counters in the frames are cleared before each');
  a.proc('churns', { saves: [rbx, r12] }, () => {
    a.xor(ebx, ebx);
    a.mov(r12, 10);
    a.repeat_while('nz', () => {
      a.mov(edi, addr('churn_frames'));
      a.mov(ecx, (64 * 4096) / 8);
      a.xor(eax, eax);
      a.rep.stosq();
      a.call('churn');
      a.rol(rbx, 3);
      a.add(rbx, rax);
      a.dec(r12);
    });
    a.mov(rax, rbx);
  });
}
