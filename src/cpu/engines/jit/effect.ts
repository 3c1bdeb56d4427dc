import type { Width } from '../../decode/instruction.ts';
import type { FlagRule } from '../../semantics/ops.ts';
import type { Node } from './node.ts';

/** What an instruction does besides computing, in the order of its meaning. Register, flag and RIP writes take effect at its end. */
export type Effect =
  | {
      readonly kind: 'load';
      readonly width: Width;
      readonly segment: number;
      readonly la: Node;
      readonly result: Node;
      readonly update: boolean;
    }
  | { readonly kind: 'store'; readonly width: Width; readonly segment: number; readonly la: Node; readonly value: Node }
  | { readonly kind: 'store-update'; readonly width: Width; readonly value: Node }
  | { readonly kind: 'raise'; readonly condition: Node | undefined; readonly vector: number; readonly errorCode: number }
  | { readonly kind: 'end-if'; readonly condition: Node }
  /** All status flags are in the flags word from here on. */
  | { readonly kind: 'settle-flags' }
  | { readonly kind: 'gpr'; readonly width: Width; readonly register: number; readonly value: Node }
  | {
      readonly kind: 'flags';
      readonly condition: Node | undefined;
      readonly rule: FlagRule;
      readonly width: Width;
      readonly a: Node;
      readonly b: Node;
      readonly r: Node;
    }
  | { readonly kind: 'flag'; readonly bit: number; readonly value: Node }
  | { readonly kind: 'jump'; readonly target: Node }
  | { readonly kind: 'branch'; readonly condition: Node | undefined; readonly delta: number };
