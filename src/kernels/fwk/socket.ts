/**
 * Local stream sockets: pairs of ends (`sys_socketpair`) and their lives. What goes through them is socketSend.ts’s and socketReceive.ts’s, who waits there socketWait.ts’s.
 *
 * `socket_get(RDI = descriptor)` → RAX = its end, in use by the caller, or an error; `socket_put(RDI = end)`: it no longer is. An end lives until its descriptor is
 * closed and nobody uses it any more, as in Linux: a call that is under way when its own descriptor is closed goes on. Then what nobody has read is thrown
 * away, and the other end reads on to its end of file and can write no more. Ends are never anything else, so a use may be tried on one that has just gone.
 *
 * Three spinlocks for each end, as in Linux: `lock` for whether the other end may still put something here (unix_state_lock), `queueLock` for the list of messages,
 * `waitLock` for who waits. Two would do, as the list is only ever lengthened under `lock`; but a reader takes messages out under `queueLock` alone.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem, mem64 } from '../../asm/operand.ts';
import { aligned, record, sizeOf, space, u64 } from '../../asm/record.ts';
import { eax, type Register, r12, rax, rbp, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { acquire, release } from '../lib/locks/lock.ts';
import { EAFNOSUPPORT, EBADF, ECONNRESET, EINVAL, ENFILE, ENOTSOCK, EPROTONOSUPPORT, ESOCKTNOSUPPORT } from './errors.ts';
import { END, SOCKET } from './file.ts';
import { MAX_SOCKET_PAIRS } from './layout.ts';
import { Message } from './messageBuffer.ts';
import { RwSemaphore } from './rwSemaphore.ts';
import { WaitQueue } from './waitQueue.ts';

export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
const SOCK_TYPE_MASK = 0xf;
const SOCK_CLOEXEC = 0x8_0000;

/** What is closed of an end. */
export const CLOSED_READ = 1;
export const CLOSED_WRITE = 2;
const HOW_MANY_WAYS = 3;

export const SocketEnd = record({
  /** Its descriptor and calls under way. 0: gone. */
  users: u64,
  /** Of the first end of a pair: ends that are not gone; and, when both are, the next pair that may be used. */
  alive: u64,
  next: u64,
  /** CLOSED_… */
  closed: u64,
  /** An error number for the next call that asks. */
  error: u64,
  lock: aligned(64, u64),
  /** Messages to be read here. */
  queueLock: u64,
  head: u64,
  tail: u64,
  waitLock: aligned(64, u64),
  waiters: space(sizeOf(WaitQueue)),
  /** What messages written here count for that are not free yet. */
  sent: aligned(64, u64),
  /** Readers one at a time: it sleeps. */
  readLock: space(sizeOf(RwSemaphore)),
});

/** Two ends, aligned to their size: the other one is this far away, upwards or downwards. */
const OTHER = sizeOf(SocketEnd);
if (OTHER !== 256) throw new Error('the ends of a pair are found by a bit of their addresses');
const PAIR = 2 * OTHER;

export function sockets(a: Assembler): void {
  a.room('socket_table', MAX_SOCKET_PAIRS * PAIR, PAIR);
  a.comment('pairs that have been used and are gone, linked by `next`; how many have ever been used');
  for (const name of ['sockets_lock', 'sockets_free', 'sockets_used']) a.variable(name);

  a.comment('(family, type, protocol, address of two 32-bit descriptors)');
  a.proc('sys_socketpair', { saves: [rbx, r12] }, () => {
    a.mov(r12, rcx);
    a.mov(rax, -EINVAL);
    a.test(rsi, ~(SOCK_TYPE_MASK | SOCK_CLOEXEC));
    a.return_if('nz');
    a.mov(rax, -EAFNOSUPPORT);
    a.cmp(rdi, AF_UNIX);
    a.return_if('ne');
    a.mov(rax, -EPROTONOSUPPORT);
    a.comment('none in particular, or that of the family by its number');
    a.cmp(rdx, AF_UNIX);
    a.return_if('a');
    a.mov(rax, -ESOCKTNOSUPPORT);
    a.and(rsi, SOCK_TYPE_MASK);
    a.cmp(rsi, SOCK_STREAM);
    a.return_if('ne');
    acquire(a, 'sockets_lock');
    a.mov(rbx, mem64('sockets_free'));
    a.test(rbx, rbx);
    a.if_(
      'nz',
      () => {
        a.mov(rax, at(rbx, SocketEnd.next));
        a.mov(mem64('sockets_free'), rax);
      },
      () => {
        a.mov(rax, mem64('sockets_used'));
        a.cmp(rax, MAX_SOCKET_PAIRS);
        a.if_('b', () => {
          a.inc(mem64('sockets_used'));
          a.imul(rbx, rax, PAIR);
          a.add(rbx, addr('socket_table'));
        });
      },
    );
    release(a, 'sockets_lock');
    a.mov(rax, -ENFILE);
    a.test(rbx, rbx);
    a.return_if('z');
    a.mov(at(rbx, SocketEnd.alive), 2);
    for (const end of [0, OTHER]) {
      a.comment('queues are empty, or the pair would not be free; the use comes last, as it may be tried at any time');
      a.mov(at(rbx, SocketEnd.closed, end), 0);
      a.mov(at(rbx, SocketEnd.error, end), 0);
      a.mov(at(rbx, SocketEnd.users, end), 1);
    }
    a.lea(rdi, mem(rbx, SOCKET));
    a.lea(rsi, mem(rbx, OTHER + SOCKET));
    a.mov(rdx, r12);
    a.call('file_install_pair');
  });

  a.comment('RBX = descriptor, R12 = end');
  a.proc('socket_get', { saves: [rbx, r12] }, () => {
    a.mov(rbx, rdi);
    a.label('.look');
    a.mov(rdi, rbx);
    a.call('file_of');
    a.mov(r12, rax);
    a.mov(rcx, rax);
    a.and(rcx, END);
    a.cmp(rcx, SOCKET);
    a.if_('ne', () => {
      a.test(rax, rax);
      a.mov(rax, -EBADF);
      a.mov(rcx, -ENOTSOCK);
      a.cmovnz(rax, rcx);
      a.return_();
    });
    a.and(r12, ~END);
    a.mov(rax, at(r12, SocketEnd.users));
    a.repeat_while('ne', () => {
      a.comment('gone: the descriptor has been closed since it was looked at');
      a.test(rax, rax);
      a.jz('.look');
      a.lea(rcx, mem(rax, 1));
      a.lock.cmpxchg(at(r12, SocketEnd.users), rcx);
    });
    a.comment('the same end still, or it may have gone and come back as another');
    a.mov(rdi, rbx);
    a.call('file_of');
    a.and(rax, ~END);
    a.cmp(rax, r12);
    a.return_if('e');
    a.mov(rdi, r12);
    a.call('socket_put');
    a.jmp('.look');
  });

  a.proc('socket_put', {}, () => {
    a.lock.dec(at(rdi, SocketEnd.users));
    a.return_if('nz');
    a.call('socket_release');
  });

  a.comment('RDI = end that nobody uses: it is gone. RBX = end, R12 = the other one, RBP = message');
  a.proc('socket_release', { saves: [rbx, rbp, r12] }, () => {
    a.mov(rbx, rdi);
    other(a, r12, rbx);
    a.mov(rdi, rbx);
    a.mov(rsi, CLOSED_READ | CLOSED_WRITE);
    a.call('socket_close_ways');
    a.comment('from here on nothing is put into its queue. Who is left learns that something was never read');
    a.mov(rbp, at(rbx, SocketEnd.head));
    a.test(rbp, rbp);
    a.if_('nz', () => a.mov(at(r12, SocketEnd.error), ECONNRESET));
    a.mov(rdi, r12);
    a.mov(rsi, CLOSED_READ | CLOSED_WRITE);
    a.call('socket_close_ways');
    a.mov(at(rbx, SocketEnd.head), 0);
    a.while_(
      () => a.test(rbp, rbp),
      'nz',
      () => {
        a.mov(rdi, rbp);
        a.mov(rbp, at(rbp, Message.next));
        a.call('socket_message_free');
      },
    );
    a.and(rbx, -PAIR);
    a.lock.dec(at(rbx, SocketEnd.alive));
    a.return_if('nz');
    acquire(a, 'sockets_lock');
    a.mov(rax, mem64('sockets_free'));
    a.mov(at(rbx, SocketEnd.next), rax);
    a.mov(mem64('sockets_free'), rbx);
    release(a, 'sockets_lock');
  });

  a.comment('RDI = end, RSI = what of it is closed from now on: whoever waits there looks again');
  a.proc('socket_close_ways', { saves: [rbx, rbp] }, () => {
    a.mov(rbx, rdi);
    a.mov(rbp, rsi);
    a.lea(rdi, at(rbx, SocketEnd.lock));
    a.call('lock_acquire');
    a.lock.or(at(rbx, SocketEnd.closed), rbp);
    a.lea(rdi, at(rbx, SocketEnd.lock));
    a.call('lock_release');
    a.mov(rdi, rbx);
    a.call('socket_wake');
  });

  a.comment('(descriptor, 0: no more reading, 1: no more writing, 2: neither). What one end does not read the other cannot write');
  a.proc('sys_shutdown', { saves: [rbx, rbp] }, () => {
    a.mov(rbp, rsi);
    a.call('socket_get');
    a.test(rax, rax);
    a.return_if('s');
    a.mov(rbx, rax);
    a.cmp(rbp, HOW_MANY_WAYS);
    a.if_('ae', () => {
      a.mov(rbp, -EINVAL);
      a.jmp('.done');
    });
    a.inc(rbp);
    a.mov(rdi, rbx);
    a.mov(rsi, rbp);
    a.call('socket_close_ways');
    a.comment('its two bits change places');
    a.imul(rsi, rbp, 0b101);
    a.shr(rsi, 1);
    a.and(rsi, CLOSED_READ | CLOSED_WRITE);
    other(a, rdi, rbx);
    a.call('socket_close_ways');
    a.xor(eax, eax);
    a.mov(rbp, rax);
    a.label('.done');
    a.mov(rdi, rbx);
    a.call('socket_put');
    a.mov(rax, rbp);
  });
}

/** `register` is the other end of the pair that `end` belongs to. */
export function other(a: Assembler, register: Register<64>, end: Register<64>): void {
  a.mov(register, end);
  a.xor(register, OTHER);
}
