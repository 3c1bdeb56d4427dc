/**
 * Message buffers: what a socket's data lies in on its way, as Linux's sk_buff: a header, and data of its own, both from caches of objects (slab.ts).
 *
 * `message_alloc(RDI = bytes, at most MESSAGE_MOST)` → RAX = message with room for them; `message_free(RDI = message)`, on any core.
 *
 * A message counts for more than its bytes against its sender's bound, as in Linux 3.5 (`SKB_TRUESIZE`): the whole object of the data and 256 bytes
 * for the header. [F] 278 messages of 100 bytes fit into a socket's 212992 bytes: measured on Linux, whose sizes of these have not changed.
 */
import type { Assembler } from '../../asm/assembler.ts';
import { at, mem } from '../../asm/operand.ts';
import { record, sizeOf, u64 } from '../../asm/record.ts';
import { ecx, edi, r12, r13, rax, rbx, rcx, rdi, rdx, rsi } from '../../asm/register.ts';
import { addr } from '../../asm/symbolValue.ts';
import { type SlabKind, slab, slabCaches } from './slab.ts';

export const Message = record({
  next: u64,
  /** End of a socket whose bound it counts against. */
  owner: u64,
  /** The first byte that has not been read, and how many there are. */
  data: u64,
  length: u64,
  /** What it counts for. */
  trueSize: u64,
  /** The object that the data lies in, and its cache. */
  object: u64,
  cache: u64,
});

/** [R-hi] Linux's structures: sk_buff, and skb_shared_info behind the data. Of the latter there is nothing here but its room. */
const HEADER_SIZE = 256;
const SHARED_INFO = 320;
if (sizeOf(Message) > HEADER_SIZE) throw new Error('a message header outgrew its object');

const HEADERS: SlabKind = { symbol: 'message_headers', size: HEADER_SIZE };
/** Linux's general caches from the smallest size that is ever used up to a page. */
const DATA: readonly SlabKind[] = [512, 1024, 2048, 4096].map((size) => ({ symbol: `message_data_${size}`, size }));

/** All of them, for whoever counts objects. */
export const MESSAGE_CACHES: readonly SlabKind[] = [HEADERS, ...DATA];

/**
 * Bytes that one message may carry.
 *
 * Unlike Linux 3.5, which puts up to four pages into one: here a page, with what Linux keeps behind the data, is the largest object there is, and longer
 * writes become more messages.
 */
export const MESSAGE_MOST = DATA.at(-1)!.size - SHARED_INFO;

export function messageBuffers(a: Assembler): void {
  a.include(slab);
  slabCaches(a, 'messages_setup', MESSAGE_CACHES);

  a.comment('RBX = message, R12 = bytes, R13 = cache of its data');
  a.proc('message_alloc', { saves: [rbx, r12, r13] }, () => {
    a.mov(r12, rdi);
    a.mov(edi, addr(HEADERS.symbol));
    a.call('slab_alloc');
    a.mov(rbx, rax);
    a.mov(edi, addr(DATA[0]!.symbol));
    a.mov(ecx, DATA[0]!.size);
    for (const { symbol, size } of DATA.slice(1)) {
      a.comment('larger than the one before holds');
      a.lea(rdx, mem(rcx, -SHARED_INFO));
      a.cmp(r12, rdx);
      a.jbe('.large_enough');
      a.mov(edi, addr(symbol));
      a.mov(ecx, size);
    }
    a.label('.large_enough');
    a.mov(r13, rdi);
    a.add(rcx, HEADER_SIZE);
    a.mov(at(rbx, Message.trueSize), rcx);
    a.call('slab_alloc');
    a.mov(at(rbx, Message.next), 0);
    a.mov(at(rbx, Message.data), rax);
    a.mov(at(rbx, Message.length), r12);
    a.mov(at(rbx, Message.object), rax);
    a.mov(at(rbx, Message.cache), r13);
    a.mov(rax, rbx);
  });

  a.proc('message_free', { saves: [rbx] }, () => {
    a.mov(rbx, rdi);
    a.mov(rdi, at(rbx, Message.cache));
    a.mov(rsi, at(rbx, Message.object));
    a.call('slab_free');
    a.mov(edi, addr(HEADERS.symbol));
    a.mov(rsi, rbx);
    a.call('slab_free');
  });
}
