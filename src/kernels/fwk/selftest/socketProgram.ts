/**
 * A user program: several writers fill a stream socket faster than one thread reads it, with short messages that must stay whole and in order, and with long
 * ones; ends are closed while somebody waits at the other one; and what sockets refuse.
 */
import type { Assembler } from '../../../asm/assembler.ts';
import { mem, mem32, mem64 } from '../../../asm/operand.ts';
import { ecx, edi, edx, esi, r8, r9, r10, rax, rbp, rbx, rcx, rdi, rdx, rsi, rsp } from '../../../asm/register.ts';
import {
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EISCONN,
  ENOTSOCK,
  EOPNOTSUPP,
  EPIPE,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
} from '../errors.ts';
import { AF_UNIX, SOCK_STREAM } from '../socket.ts';
import { MSG_DONTWAIT, SEND_BOUND } from '../socketSend.ts';
import { expect, expectations, expectSuccess } from '../user/expect.ts';
import { exit, runtime, syscall } from '../user/runtime.ts';

const WRITERS = 3;
/** Short messages of each writer: together more than a socket holds. */
const SHORT = 120;
const SHORT_BYTES = 24;
/** Then a long one each: many messages of the kernel's. */
const LONG = 30_000;
/** What a short message counts for against the bound (messageBuffer.ts), and how many are below it. */
const TRUE_SIZE = 768;
const FITTING = Math.ceil(SEND_BOUND / TRUE_SIZE);
const NOWHERE = 0x1000;
const MSG_OOB = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const AF_INET = 2;
const SHUT_WR = 1;

type End = 0 | 4;

export function socketProgram(a: Assembler): void {
  a.include(runtime);
  a.include(expectations);
  a.room('ends', 8);
  a.room('long_message', LONG, 64);
  a.room('message', 64, 64);
  a.room('heap', 8192, 4096);
  a.room('next_of', WRITERS * 8);
  a.room('handles', WRITERS * 8);

  a.label('main');
  pair(a);
  manyWriters(a);
  order(a);
  bound(a);
  closing(a);
  refusals(a);
  exit(a, 0);
  threads(a);
}

function pair(a: Assembler): void {
  a.mov(edi, AF_UNIX);
  a.mov(esi, SOCK_STREAM);
  a.xor(edx, edx);
  a.lea(r10, mem('ends'));
  syscall(a, 'socketpair');
  expect(a, 'socketpair', 0);
}

type Call = 'read' | 'write' | 'sendto' | 'recvfrom';

/** One call at an end; `sendto` and `recvfrom` do not wait. */
function call(a: Assembler, name: Call, end: End, buffer: string | number, bytes: number): void {
  a.mov(edi, mem32('ends', end));
  if (typeof buffer === 'string') a.lea(rsi, mem(buffer));
  else a.mov(rsi, buffer);
  a.mov(edx, bytes);
  a.mov(r10, MSG_DONTWAIT);
  a.xor(r8, r8);
  a.xor(r9, r9);
  syscall(a, name);
}

function close(a: Assembler, end: End): void {
  a.mov(edi, mem32('ends', end));
  syscall(a, 'close');
}

function start(a: Assembler, procedure: string, thread: number): void {
  a.lea(rdi, mem(procedure));
  a.mov(esi, thread);
  a.call('thread_start');
  expectSuccess(a, 'clone');
  a.mov(mem64('handles', thread * 8), rax);
}

function join(a: Assembler, thread: number): void {
  a.mov(rdi, mem64('handles', thread * 8));
  a.call('thread_join');
}

/** Short messages (writer, number, their sum) of all writers: none is torn, missing or out of its writer's order. Then bytes that are 1, to be counted. */
function manyWriters(a: Assembler): void {
  a.lea(rdi, mem('long_message'));
  a.mov(rax, 0x0101_0101_0101_0101n);
  a.mov(ecx, LONG / 8);
  a.rep.stosq();
  for (let writer = 0; writer < WRITERS; writer++) start(a, 'writer', writer);
  a.mov(rbx, WRITERS * SHORT);
  a.repeat_while('nz', () => {
    call(a, 'read', 0, 'heap', SHORT_BYTES);
    expect(a, 'read of a message', SHORT_BYTES);
    a.mov(rax, mem64('heap'));
    a.add(rax, mem64('heap', 8));
    expect(a, 'a message is whole', mem64('heap', 16));
    a.mov(rcx, mem64('heap'));
    a.lea(rdx, mem('next_of'));
    a.mov(rax, mem64(rdx, rcx.times(8)));
    expect(a, 'messages of a writer stay in order', mem64('heap', 8));
    a.inc(mem64(rdx, rcx.times(8)));
    a.dec(rbx);
  });
  a.comment('the writers have seen that: RBX = bytes so far, RBP = their sum');
  a.xor(rbx, rbx);
  a.xor(rbp, rbp);
  a.mov(mem64('message'), 1);
  for (let writer = 0; writer < WRITERS; writer++) call(a, 'write', 0, 'message', 1);
  a.repeat_while('b', () => {
    call(a, 'read', 0, 'heap', 5000);
    expectSuccess(a, 'read');
    a.add(rbx, rax);
    a.lea(rsi, mem('heap'));
    a.while_(
      () => a.test(rax, rax),
      'nz',
      () => {
        a.dec(rax);
        a.movzx(ecx, { ...mem32(rsi, rax), width: 8 as const });
        a.add(rbp, rcx);
      },
    );
    a.cmp(rbx, WRITERS * LONG);
  });
  a.mov(rax, rbx);
  expect(a, 'bytes that arrived', WRITERS * LONG);
  a.mov(rax, rbp);
  expect(a, 'what arrived', WRITERS * LONG);
  for (let writer = 0; writer < WRITERS; writer++) join(a, writer);
}

/** Parts of messages, and several of them, at once. */
function order(a: Assembler): void {
  a.mov(mem64('message'), 5);
  call(a, 'write', 4, 'message', 8);
  a.mov(mem64('message'), 6);
  call(a, 'write', 4, 'message', 8);
  expect(a, 'write', 8);
  call(a, 'read', 0, 'heap', 3);
  expect(a, 'read of a part', 3);
  call(a, 'read', 0, 'heap', 100);
  expect(a, 'read of the rest, and of the next', 13);
  a.mov(rax, mem64('heap', 5));
  expect(a, 'the second message', 6);
  call(a, 'recvfrom', 0, 'heap', 100);
  expect(a, 'nothing to read', -EAGAIN);
  call(a, 'write', 0, 'message', 8);
  call(a, 'recvfrom', 4, 'heap', 100);
  expect(a, 'the other way', 8);
  call(a, 'write', 4, 'message', 0);
  expect(a, 'write of nothing', 0);
  call(a, 'read', 0, 'message', 0);
  expect(a, 'read of nothing', 0);
}

/** So many messages fit, and one that is read makes room for another. */
function bound(a: Assembler): void {
  a.mov(rbx, FITTING);
  a.repeat_while('nz', () => {
    call(a, 'sendto', 4, 'message', 8);
    expect(a, 'a message that fits', 8);
    a.dec(rbx);
  });
  call(a, 'sendto', 4, 'message', 8);
  expect(a, 'a message too many', -EAGAIN);
  call(a, 'read', 0, 'heap', 8);
  call(a, 'sendto', 4, 'message', 8);
  expect(a, 'a message in the place of another', 8);
  call(a, 'sendto', 4, 'message', 8);
  expect(a, 'a message too many again', -EAGAIN);
}

/** The writer’s end is full: who waits there for room, or at a fresh pair for something to read, hears of the other end’s end. */
function closing(a: Assembler): void {
  start(a, 'unheard', 0);
  a.lea(rdi, mem('short_while'));
  a.xor(esi, esi);
  syscall(a, 'nanosleep');
  expect(a, 'nanosleep', 0);
  close(a, 0);
  expect(a, 'close', 0);
  join(a, 0);
  call(a, 'write', 4, 'message', 8);
  expect(a, 'what nobody will read', -EPIPE);
  call(a, 'read', 4, 'heap', 8);
  expect(a, 'the end of a socket', 0);
  close(a, 0);
  expect(a, 'close of what is closed', -EBADF);
  close(a, 4);

  pair(a);
  start(a, 'listener', 0);
  call(a, 'write', 4, 'message', 8);
  close(a, 4);
  join(a, 0);
  close(a, 0);

  pair(a);
  start(a, 'holder', 0);
  a.lea(rdi, mem('short_while'));
  a.xor(esi, esi);
  syscall(a, 'nanosleep');
  a.comment('the call that waits there, if it has come so far, keeps the end');
  a.mov(rbx, mem64('ends'));
  close(a, 0);
  call(a, 'write', 4, 'message', 8);
  join(a, 0);
  call(a, 'write', 4, 'message', 8);
  expect(a, 'after the last call at an end that was closed', -EPIPE);
  close(a, 4);

  a.comment('no more is written one way; the other way is still open');
  pair(a);
  call(a, 'write', 4, 'message', 8);
  a.mov(edi, mem32('ends', 4));
  a.mov(esi, SHUT_WR);
  syscall(a, 'shutdown');
  expect(a, 'shutdown', 0);
  call(a, 'write', 4, 'message', 8);
  expect(a, 'write after that', -EPIPE);
  call(a, 'read', 0, 'heap', 100);
  expect(a, 'what came before it', 8);
  call(a, 'read', 0, 'heap', 100);
  expect(a, 'and then the end', 0);
  call(a, 'write', 0, 'message', 8);
  expect(a, 'write the other way', 8);
  close(a, 4);
  call(a, 'read', 0, 'heap', 100);
  expect(a, 'something was never read', -ECONNRESET);
  call(a, 'read', 0, 'heap', 100);
  expect(a, 'which is said once', 0);
  close(a, 0);
}

function refusals(a: Assembler): void {
  const refuse = (what: string, family: number, type: number, protocol: number, error: number): void => {
    a.mov(edi, family);
    a.mov(esi, type);
    a.mov(edx, protocol);
    a.mov(r10, NOWHERE);
    syscall(a, 'socketpair');
    expect(a, what, -error);
  };
  refuse('a family that is not there', AF_INET, SOCK_STREAM, 0, EAFNOSUPPORT);
  refuse('a type that is not there', AF_UNIX, SOCK_DGRAM, 0, ESOCKTNOSUPPORT);
  refuse('a descriptor that does not wait', AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, EINVAL);
  refuse('a protocol that is not there', AF_UNIX, SOCK_STREAM, 7, EPROTONOSUPPORT);
  refuse('descriptors to nowhere', AF_UNIX, SOCK_STREAM, AF_UNIX, EFAULT);

  pair(a);
  call(a, 'write', 4, NOWHERE, 8);
  expect(a, 'write from nowhere', -EFAULT);
  call(a, 'write', 4, 'message', 8);
  call(a, 'read', 0, NOWHERE, 8);
  expect(a, 'read to nowhere', -EFAULT);
  call(a, 'read', 0, 'heap', 100);
  expect(a, 'it is still there, and nothing else', 8);
  const flagged = (name: 'sendto' | 'recvfrom', flags: number, person: number, error: number): void => {
    a.mov(edi, mem32('ends'));
    a.lea(rsi, mem('heap'));
    a.mov(edx, 8);
    a.mov(r10, flags);
    a.mov(r8, person);
    a.mov(r9, person);
    syscall(a, name);
    expect(a, `${name} with what is not there`, -error);
  };
  flagged('sendto', MSG_OOB, 0, EOPNOTSUPP);
  flagged('recvfrom', MSG_OOB, 0, EOPNOTSUPP);
  flagged('sendto', 0, NOWHERE, EISCONN);
  call(a, 'write', 4, 'message', 8);
  flagged('recvfrom', 0, NOWHERE, EFAULT);
  a.mov(edi, mem32('ends'));
  a.mov(esi, 3);
  syscall(a, 'shutdown');
  expect(a, 'shutdown of what there is not', -EINVAL);
  for (const [descriptor, error] of [
    [1, ENOTSOCK],
    [900, EBADF],
    [-1, EBADF],
  ] as const) {
    a.mov(rdi, descriptor);
    a.xor(esi, esi);
    syscall(a, 'shutdown');
    expect(a, 'shutdown of no socket', -error);
    a.mov(rdi, descriptor);
    a.mov(r10, 0);
    a.xor(r8, r8);
    syscall(a, 'recvfrom');
    expect(a, 'recvfrom of no socket', -error);
  }
  a.comment('left open, with something unread: it goes with the process');
  call(a, 'write', 4, 'long_message', LONG);
  expect(a, 'a long write', LONG);
}

function threads(a: Assembler): void {
  a.section('rodata', () => {
    a.align(8);
    a.label('short_while');
    a.u64(0, 2_000_000);
  });

  a.comment('RDI = number of this writer. RBX = number of the message, RBP = RSP, where it lies');
  a.proc('writer', { saves: [rbx, rbp], frame: 40 }, () => {
    a.mov(rbp, rsp);
    a.xor(rbx, rbx);
    a.mov(mem64(rbp), rdi);
    a.repeat_while('b', () => {
      a.mov(mem64(rbp, 8), rbx);
      a.mov(rax, mem64(rbp));
      a.add(rax, rbx);
      a.mov(mem64(rbp, 16), rax);
      a.mov(edi, mem32('ends', 4));
      a.mov(rsi, rbp);
      a.mov(edx, SHORT_BYTES);
      syscall(a, 'write');
      expect(a, 'write of a message', SHORT_BYTES);
      a.inc(rbx);
      a.cmp(rbx, SHORT);
    });
    a.comment('until everybody’s have been read');
    a.mov(edi, mem32('ends', 4));
    a.mov(rsi, rbp);
    a.mov(edx, 1);
    syscall(a, 'read');
    expect(a, 'a sign to go on', 1);
    call(a, 'write', 4, 'long_message', LONG);
    expect(a, 'write of a long message', LONG);
  });

  a.comment('writes to an end that is full: refused when the other end is gone, as one that still waited or as one that came later');
  a.proc('unheard', {}, () => {
    call(a, 'write', 4, 'message', 8);
    a.cmp(rax, -ECONNRESET);
    a.return_if('e');
    expect(a, 'a write that nobody hears', -EPIPE);
  });

  a.proc('listener', {}, () => {
    call(a, 'read', 0, 'heap', 100);
    expect(a, 'a message', 8);
    call(a, 'read', 0, 'heap', 100);
    expect(a, 'the end while waiting', 0);
  });

  a.comment('waits at an end whose descriptor is closed meanwhile, or has been closed already');
  a.proc('holder', {}, () => {
    call(a, 'read', 0, 'heap', 100);
    a.cmp(rax, -EBADF);
    a.return_if('e');
    expect(a, 'a message to an end that was closed', 8);
  });
}
