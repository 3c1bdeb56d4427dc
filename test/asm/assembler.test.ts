import { describe, expect, test } from 'vitest';
import { MARK_ROI_BEGIN } from '../../src/arch/marks.ts';
import { type Assembler, assembler } from '../../src/asm/assembler.ts';
import { formatListing } from '../../src/asm/listing.ts';
import { mem, mem64 } from '../../src/asm/operand.ts';
import { ebx, ecx, r12, rax, rbx, rcx, rdi, rsp } from '../../src/asm/register.ts';
import { addr, distance } from '../../src/asm/symbolValue.ts';

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

/** Bytes of `text` when `write` comes after the label `start`. */
function text(write: (a: Assembler) => void, base = 0x1000): string {
  const a = assembler();
  a.label('start');
  write(a);
  return hex(a.assemble({ base }).image.segments[0]?.bytes);
}

describe('labels', () => {
  test('a branch is short when its label is within reach, near when it is not', () => {
    expect(text((a) => a.jmp('start'))).toBe('ebfe');
    expect(
      text((a) => {
        a.jne('far');
        a.reserve(127);
        a.label('far');
        a.nop();
      }).slice(0, 4),
    ).toBe('757f');
    expect(
      text((a) => {
        a.jne('far');
        a.reserve(128);
        a.label('far');
        a.nop();
      }).slice(0, 12),
    ).toBe('0f8580000000');
    expect(
      text((a) => {
        a.reserve(126);
        a.je('start');
      }).slice(252),
    ).toBe('7480');
    expect(
      text((a) => {
        a.reserve(127);
        a.je('start');
      }).slice(254),
    ).toBe('0f847bffffff');
  });

  test('a branch that grows pushes others out of reach', () => {
    // The second is out of reach; the first is just within reach as long as the second is short.
    const bytes = text((a) => {
      a.jmp('end');
      a.jmp('end2');
      a.reserve(125);
      a.label('end');
      a.reserve(3);
      a.label('end2');
      a.nop();
    });
    expect([bytes.slice(0, 10), bytes.slice(10, 20)]).toEqual(['e982000000', 'e980000000']);
  });

  test('labels resolve across sections', () => {
    const a = assembler();
    a.section('data', () => {
      a.label('pointer');
      a.u64(addr('start'), addr('pointer', 8));
      a.u32(distance('start', 'end'));
    });
    a.label('start');
    a.mov(rax, mem64('pointer'));
    a.lea(rdi, mem('pointer', 8));
    a.mov(rcx, mem64('pointer', rcx.times(8)));
    a.label('end');
    const { image, symbols } = a.assemble({ base: 0x10_0000 });
    expect([...symbols]).toEqual([
      ['pointer', 0x10_0020],
      ['start', 0x10_0000],
      ['end', 0x10_0016],
    ]);
    expect(image.segments.map(({ address, bytes, memorySize }) => ({ address, bytes: hex(bytes), memorySize }))).toEqual([
      { address: 0x10_0000, bytes: '488b0519000000488d3d1a000000488b0ccd20001000', memorySize: 22 },
      { address: 0x10_0020, bytes: '0000100000000000280010000000000016000000', memorySize: 20 },
    ]);
  });

  test('a section with an address of its own becomes a segment there', () => {
    const a = assembler();
    a.label('start');
    a.jmp('low');
    a.section('trampoline', () => {
      a.label('low');
      a.bits(16, () => a.jmp_far(8, addr('start'), 32));
    });
    a.room('stack', 64, 16);
    expect(() => a.section('trampoline', () => {}, { address: 0x8000 })).toThrow('section trampoline is open already');
    const b = assembler();
    b.label('start');
    b.section('low', () => b.bits(16, () => b.jmp_far(8, addr('start'), 32)), { address: 0x8000 });
    b.nop();
    expect(b.assemble({ base: 0x10_0000 }).image.segments.map(({ address, bytes }) => [address, hex(bytes)])).toEqual([
      [0x8000, '66ea000010000800'],
      [0x10_0000, '90'],
    ]);
  });

  test('reserved space at the end of a section takes no room in the image', () => {
    const a = assembler();
    a.label('start');
    a.hlt();
    a.room('stack', 100, 16);
    a.room('more', 8, 64);
    expect(a.assemble({ base: 0x1000 }).image).toEqual({
      entry: 0x1000,
      segments: [
        { address: 0x1000, bytes: Uint8Array.of(0xf4), memorySize: 1 },
        { address: 0x2000, bytes: new Uint8Array(), memorySize: 136 },
      ],
      symbols: new Map([
        ['start', 0x1000],
        ['stack', 0x2000],
        ['more', 0x2080],
      ]),
    });
  });

  test('a name that starts with a dot is local to the label before', () => {
    const a = assembler();
    a.label('start');
    a.label('.again');
    a.jmp('.again');
    a.label('next');
    a.label('.again');
    a.jmp('.again');
    a.jmp('start.again');
    expect(hex(a.assemble({ base: 0 }).image.segments[0]?.bytes)).toBe('ebfeebfeebfa');
    expect([...a.assemble({ base: 0 }).symbols.keys()]).toEqual(['start', 'next']);
  });

  test('errors name the label and the line', () => {
    const unknown = assembler();
    unknown.label('start');
    unknown.jmp('nowhere');
    expect(() => unknown.assemble({ base: 0 })).toThrow(/^unknown label 'nowhere', used at asm\/assembler\.test\.ts:\d+$/);
    const duplicate = assembler();
    duplicate.label('start');
    expect(() => duplicate.label('start')).toThrow(
      /^duplicate label 'start' at asm\/assembler\.test\.ts:\d+, first at asm\/assembler\.test\.ts:\d+$/,
    );
    const mismatch = assembler();
    // @ts-expect-error a 32-bit source does not compile for a 64-bit destination
    expect(() => mismatch.mov(rax, ecx)).toThrow(/^mov rax, ecx: no such form; .* \(at asm\/assembler\.test\.ts:\d+\)$/);
    const narrow = assembler();
    narrow.label('start');
    narrow.u16(addr('start'));
    expect(() => narrow.assemble({ base: 0x10_0000 })).toThrow('start = 1048576 does not fit in 16 bits, at asm/assembler.test.ts');
    const overlap = assembler();
    overlap.label('start');
    overlap.hlt();
    overlap.section('low', () => overlap.reserve(16), { address: 0xff8 });
    expect(() => overlap.assemble({ base: 0x1000 })).toThrow('sections low and text overlap at 0x1000');
  });
});

describe('structured control flow', () => {
  test('if_ jumps over the branch that is not taken', () => {
    expect(
      text((a) =>
        a.if_(
          'e',
          () => a.inc(rax),
          () => a.dec(rax),
        ),
      ),
    ).toBe('7505' + '48ffc0' + 'eb03' + '48ffc8');
  });

  test('loops end at their break', () => {
    expect(
      text((a) =>
        a.loop(() => {
          a.dec(rcx);
          a.break_if('z');
          a.pause();
        }),
      ),
    ).toBe('48ffc9' + '7404' + 'f390' + 'ebf7');
    expect(
      text((a) =>
        a.while_(
          () => a.cmp(rcx, 4),
          'b',
          () => a.inc(rcx),
        ),
      ),
    ).toBe('4883f904' + '7305' + '48ffc1' + 'ebf5');
    expect(text((a) => a.repeat_while('nz', () => a.dec(rcx)))).toBe('48ffc9' + '75fb');
    expect(() => assembler().break_()).toThrow('break outside of a loop');
  });

  test('a procedure saves what it says, and restores it at every return', () => {
    expect(
      text((a) =>
        a.proc('double', { saves: [rbx, r12], frame: 16 }, () => {
          a.mov(rbx, rdi);
          a.return_if('z');
          a.mov(mem64(rsp), rbx);
        }),
      ),
    ).toBe('5341544883ec10' + '4889fb' + '7404' + '48891c24' + '4883c410' + '415c5bc3');
  });

  test('a procedure that changes a callee-saved register without saving it is refused', () => {
    const a = assembler();
    expect(() => a.proc('wrong', {}, () => a.mov(ebx, 1))).toThrow('wrong changes callee-saved register rbx without saving it');
    const b = assembler();
    expect(() => b.proc('implicit', { saves: [r12] }, () => b.cpuid())).toThrow('implicit changes callee-saved register rbx');
  });

  test('a part is included once however often it is asked for', () => {
    const part = (a: Assembler): void => {
      a.label('part');
      a.nop();
    };
    expect(
      text((a) => {
        a.include(part);
        a.include(part);
      }),
    ).toBe('90');
  });
});

describe('data', () => {
  test('equal literals share one constant', () => {
    const a = assembler();
    a.label('start');
    expect([a.literal('one'), a.literal('two'), a.literal('one')]).toEqual(['@text0', '@text1', '@text0']);
    const { image, symbols } = a.assemble({ base: 0 });
    expect(image.segments.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['one\0two\0']);
    expect([...symbols.keys()]).toEqual(['start']);
  });

  test('numbers are little-endian, signed or unsigned', () => {
    expect(
      text((a) => {
        a.u8(1, 255, -1);
        a.u16(0x1234, -2);
        a.u32(0x89abcdef);
        a.u64(-1, 0x8000_0000_0000_0000n);
      }),
    ).toBe('01ffff' + '3412feff' + 'efcdab89' + 'ffffffffffffffff' + '0000000000000080');
    expect(() => assembler().u8(256)).toThrow('256 does not fit in 8 bits');
  });

  test('a mark is the NOP that observers know', () => {
    expect(text((a) => a.mark(MARK_ROI_BEGIN))).toBe('0f1f8005004150');
  });
});

test('the listing shows addresses, bytes, labels, comments and the symbols that operands name', () => {
  const a = assembler();
  a.label('start');
  a.comment('why');
  a.mov(rax, mem64('value'));
  a.jmp('start');
  a.variable('value', 7);
  expect(formatListing(a.assemble({ base: 0x1000 }).listing)).toBe(`
section text
start:
                                            ; why
  00001000  488b0509000000                  mov rax, [rel 0x1010]  ; value
  00001007  ebf7                            jmp short 0x1000  ; start

section rodata

section data
value:
  00001010  0700000000000000                data 8

section bss`);
});
