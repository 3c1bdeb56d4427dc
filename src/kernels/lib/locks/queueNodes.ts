/**
 * The nodes on which cores queue for a lock of the qspinlock family: four for each core, because an interrupt handler may wait for a lock while what
 * it interrupted waits for another. A node is in use only while its core waits, so they nest, and a depth counter hands them out.
 *
 * A node has a code, 16 bits wide: (core + 1) << 2 | depth. It is 64 bytes long and lies at `queue_nodes` + 64 × code.
 */
import type { Assembler } from '../../../asm/assembler.ts';
import { at, mem } from '../../../asm/operand.ts';
import { record, u32 } from '../../../asm/record.ts';
import { ecx, r9d, r10, r10d, r11d, rcx } from '../../../asm/register.ts';
import { addr } from '../../../asm/symbolValue.ts';
import { failWith } from '../exit.ts';
import { MAX_CORES } from '../layout.ts';
import { cpu, PerCpu } from '../percpu.ts';

export const QueueNode = record({
  /** Address of the node behind; 0 while there is none. */
  next: u32,
  /** Set by the node before: this one is the first now. */
  first: u32,
  /** What the paravirtual lock knows of the core: RUNNING, HALTED, HASHED. */
  state: u32,
  core: u32,
  /** Nodes in use; only in the first of each core. */
  depth: u32,
});

const NODE_SHIFT = 6;
const DEPTH_SHIFT = 2;
const DEPTHS = 1 << DEPTH_SHIFT;

export function queueNodes(a: Assembler): void {
  a.room('queue_nodes', (MAX_CORES + 1) << (DEPTH_SHIFT + NODE_SHIFT), 64);
  a.label('queue_nodes_exhausted');
  failWith(a, `qspinlock: a core waits for more than ${DEPTHS} locks at once\n`);
}

/** R10 = an empty node of this core, R11 = its code. Changes RCX, R9. */
export function takeQueueNode(a: Assembler): void {
  a.mov(ecx, cpu(PerCpu.number));
  a.lea(r11d, mem(rcx, 1));
  a.shl(r11d, DEPTH_SHIFT);
  nodeOfCode(a);
  a.mov(r9d, at(r10, QueueNode.depth));
  a.cmp(r9d, DEPTHS);
  a.jae('queue_nodes_exhausted');
  a.comment('an interrupt may come anywhere here: its handler leaves the depth as it was');
  a.inc(at(r10, QueueNode.depth));
  a.add(r11d, r9d);
  nodeOfCode(a);
  a.mov(at(r10, QueueNode.next), 0);
  a.mov(at(r10, QueueNode.first), 0);
  a.mov(at(r10, QueueNode.state), 0);
  a.mov(at(r10, QueueNode.core), ecx);
}

/** This core's node with the code R11 is free. Changes R10, R11. */
export function giveQueueNodeBack(a: Assembler): void {
  a.and(r11d, -DEPTHS);
  nodeOfCode(a);
  a.dec(at(r10, QueueNode.depth));
}

/** RCX = the node whose code it holds. */
export function nodeBefore(a: Assembler): void {
  a.shl(ecx, NODE_SHIFT);
  a.add(ecx, addr('queue_nodes'));
}

function nodeOfCode(a: Assembler): void {
  a.mov(r10d, r11d);
  a.shl(r10d, NODE_SHIFT);
  a.add(r10d, addr('queue_nodes'));
}
