// A guest written here and run on a bare machine: it adds the numbers from 1 to 100 and reports the sum through the debug-exit port.
import { assembler, enterDirect, Machine, noProbe, PROFILES, prepareDirectEntry, registers } from 'parapet';

const { eax, ecx } = registers;
const PORT_DEBUG_EXIT = 0xf4;

const a = assembler();
a.label('start');
a.xor(eax, eax);
a.mov(ecx, 100);
a.repeat_while('nz', () => {
  a.add(eax, ecx);
  a.dec(ecx);
});
a.out(PORT_DEBUG_EXIT, eax);
const { image } = a.assemble({ base: 0x10_0000 });

const profile = PROFILES.get('ivybridge');
const memory = 16 * 1024 ** 2;
const machine = new Machine({ profile, cores: 1, memory, engine: 'reference', probe: noProbe });
const exit = { read: () => 0, write: (_offset, value) => machine.stop({ kind: 'debug-exit', value }) };
machine.ports.insert('debug exit', PORT_DEBUG_EXIT, 4, exit);
prepareDirectEntry(machine.memory, 0, image, { cores: 1, memory, tscHz: profile.frequencyHz, seed: 0, commandLine: '' });
enterDirect(machine.cores[0], image.entry);
while (machine.turn(Number.POSITIVE_INFINITY));
console.log(`sum ${machine.stopReason.value} after ${machine.time} cycles`);
