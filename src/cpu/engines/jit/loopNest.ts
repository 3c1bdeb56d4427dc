/** Control flow as WebAssembly can write it down: sequences of blocks and loops, from any graph. */

/** A block, or a loop: entered at its header, left from anywhere, with everything else it holds in an order of its own. */
export type LoopItem =
  | { readonly kind: 'block'; readonly entry: number }
  | { readonly kind: 'loop'; readonly entry: number; readonly body: readonly LoopItem[] };

/**
 * The nodes of a graph as a sequence in which every edge goes forward, stays inside a loop item, or goes back to the header of a loop around
 * it; edges into the middle of a loop (and back edges to such a place) are the exception that the caller must serve in another way.
 *
 * Strongly connected components are the loops; without their headers they fall apart into the items of their bodies.
 * @param nodes in the order of preference.
 */
export function nestLoops(nodes: readonly number[], successors: readonly (readonly number[])[]): LoopItem[] {
  return components(nodes, successors).map((component) => {
    const [first] = component;
    if (component.length === 1 && !successors[first!]!.includes(first!)) return { kind: 'block', entry: first! };
    const header = headerOf(component, nodes, successors);
    const rest = component.filter((node) => node !== header).sort((a, b) => nodes.indexOf(a) - nodes.indexOf(b));
    return { kind: 'loop', entry: header, body: nestLoops(rest, successors) };
  });
}

/** The node of a component that most edges from outside lead to; the first one in doubt. */
function headerOf(component: readonly number[], nodes: readonly number[], successors: readonly (readonly number[])[]): number {
  const inside = new Set(component);
  const entries = new Map(component.map((node) => [node, 0]));
  for (const node of nodes) {
    if (inside.has(node)) continue;
    for (const next of successors[node]!) if (inside.has(next)) entries.set(next, entries.get(next)! + 1);
  }
  const ordered = nodes.filter((node) => inside.has(node));
  return ordered.reduce((best, node) => (entries.get(node)! > entries.get(best)! ? node : best));
}

/** The strongly connected components of the graph on these nodes, each before those it leads to. R. Tarjan, 1972. */
function components(nodes: readonly number[], successors: readonly (readonly number[])[]): number[][] {
  const known = new Set(nodes);
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  const found: number[][] = [];
  const visit = (node: number): void => {
    order.set(node, order.size);
    low.set(node, order.get(node)!);
    stack.push(node);
    onStack.add(node);
    for (const next of successors[node]!) {
      if (!known.has(next)) continue;
      if (!order.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node)!, low.get(next)!));
      } else if (onStack.has(next)) low.set(node, Math.min(low.get(node)!, order.get(next)!));
    }
    if (low.get(node) !== order.get(node)) return;
    const component: number[] = [];
    for (let member = -1; member !== node; ) {
      member = stack.pop()!;
      onStack.delete(member);
      component.push(member);
    }
    found.push(component);
  };
  for (const node of nodes) if (!order.has(node)) visit(node);
  return found.reverse();
}
