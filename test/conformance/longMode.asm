; From protected mode to 64-bit mode, through compatibility mode, back to 32 bits without paging, to real mode, to big real mode and back. On the way:
; addresses that are not canonical, IRETQ in all its sizes, SYSCALL and SYSRET, SYSENTER and SYSEXIT, call gates, ISTs, control registers, XSAVE.
%include "framework.inc"
main:
 xor edx,edx
 lldt dx
 mov edi,pml4
 mov dword [edi],pdpt+7
 mov dword [pml4+8*511],pdpt+7
 mov edi,pdpt
 mov dword [edi],pd+7
 mov dword [pdpt+8*511],pd+7
 mov edi,pd
 xor ecx,ecx
.l: mov eax,ecx
 shl eax,21
 or eax,0x87
 mov [edi+ecx*8],eax
 inc ecx
 cmp ecx,64
 jb .l
 mov eax,cr4
 or eax,0x620
 mov cr4,eax
 mov eax,pml4
 mov cr3,eax
 mov ecx,0xc0000080
 rdmsr
 or eax,0x901
 wrmsr
 mov eax,cr0
 or eax,0x80000022
 mov cr0,eax
 ; compat mode now
 P "compat",10
 ; IDT64
 mov edi,idt64
 mov esi,h64tab
 mov ecx,256
.i: lodsd
 mov [edi],ax
 mov word [edi+2],0x40
 mov word [edi+4],0x8e00
 shr eax,16
 mov [edi+6],ax
 mov dword [edi+8],0
 mov dword [edi+12],0
 add edi,16
 loop .i
 mov byte [idt64+0x80*16+5],0xee
 mov byte [idt64+0x81*16+5],0xee
 mov byte [idt64+3*16+5],0xee
 lidt [idtr64]
 ; tss64
 mov dword [tss64+4],stk0_top
 mov dword [tss64+0x24],istk_top
 mov word [tss64+0x66],0x68
 mov eax,tss64
 mov word [gdt+0x50],0x67
 mov [gdt+0x52],ax
 shr eax,16
 mov [gdt+0x54],al
 mov byte [gdt+0x55],0x89
 mov byte [gdt+0x56],0
 mov [gdt+0x57],ah
 mov dword [gdt+0x58],0
 mov dword [gdt+0x5c],0
 jmp 0x40:main64
idtr64: dw 4095
 dd idt64
 dd 0
BITS 64
%assign i 0
%rep 256
kk%[i]:
%if i=8 || i=10 || i=11 || i=12 || i=13 || i=14 || i=17
%else
 push 0
%endif
 push i
 jmp near hc64
%assign i i+1
%endrep
hc64:
 mov [q_rax],rax
 mov [q_rbx],rbx
 mov [q_rcx],rcx
 mov [q_rdx],rdx
 mov [q_rsi],rsi
 mov [q_rdi],rdi
 mov [q_rbp],rbp
 mov [q_r8],r8
 mov [q_r11],r11
 mov rax,[rsp]
 mov rbx,-1
 cmp eax,0x81
 cmove rax,rbx
 mov [q_vec],rax
 mov rax,[rsp+8]
 mov [q_err],rax
 mov rax,[rsp+16]
 mov [q_rip],rax
 mov rax,[rsp+24]
 mov [q_cs],rax
 mov rax,[rsp+32]
 mov [q_fl],rax
 mov rax,[rsp+40]
 mov [q_rsp],rax
 mov rax,[rsp+48]
 mov [q_ss],rax
 mov rax,cr2
 mov [q_cr2],rax
 mov rax,rsp
 and eax,15
 mov [q_al],rax
 mov eax,0x10
 mov ds,eax
 mov es,eax
 mov ss,eax
 mov rsp,[q_save]
 cld
 push 2
 popfq
 jmp [q_rec]
%macro P64 1
 call print64
 db %1,0
%endmacro
print64: pop rsi
 push rax
.l: lodsb
 test al,al
 jz .e
 call putc64
 jmp .l
.e: pop rax
 jmp rsi
putc64: push rdx
 push rax
 mov edx,0x3fd
.w: in al,dx
 test al,0x20
 jz .w
 mov edx,0x3f8
 mov rax,[rsp]
 out dx,al
 pop rax
 pop rdx
 ret
hex64: push rcx
 push rax
 mov ecx,16
.l: rol rax,4
 push rax
 and al,15
 add al,'0'
 cmp al,'9'
 jbe .d
 add al,'a'-'0'-10
.d: call putc64
 pop rax
 loop .l
 mov al,' '
 call putc64
 pop rax
 pop rcx
 ret
%macro Q 1
 P64 %1
 %push q
 mov rax,0x1111111111111111
 mov rbx,0x2222222222222222
 mov rcx,0x3333333333333333
 mov rdx,0x4444444444444444
 mov rsi,0x5555555555555555
 mov rdi,0x6666666666666666
 mov rbp,0x7777777777777777
 mov r8,0x8888888888888888
 mov r11,0xbbbbbbbbbbbbbbbb
 mov qword [q_rec],%$end
 mov [q_save],rsp
%$begin:
%endmacro
%macro EQ 0
 int 0x81
%$end:
 mov ebx,%$begin
 call rep64
 %pop
%endmacro
rep64:
 mov al,' '
 call putc64
 mov rax,[q_vec]
 call hex64
 mov rax,[q_err]
 call hex64
 mov rax,[q_rip]
 sub rax,rbx
 cmp qword [q_vec],-1
 jne .r
 xor eax,eax
.r: call hex64
 mov rsi,q_cs
 mov ecx,15
.l: lodsq
 call hex64
 dec ecx
 jnz .l
 cmp qword [q_vec],14
 jne .n
 mov rax,[q_cr2]
 call hex64
.n:
 mov al,10
 jmp putc64
align 8
q_vec: dq 0
q_err: dq 0
q_rip: dq 0
q_cs: dq 0
q_fl: dq 0
q_rsp: dq 0
q_ss: dq 0
q_al: dq 0
q_rax: dq 0
q_rbx: dq 0
q_rcx: dq 0
q_rdx: dq 0
q_rsi: dq 0
q_rdi: dq 0
q_rbp: dq 0
q_r8: dq 0
q_r11: dq 0
q_cr2: dq 0
q_rec: dq 0
q_save: dq 0
h64tab:
%assign i 0
%rep 256
 dd kk%[i]
%assign i i+1
%endrep
farp: dq 0
 dw 0
%macro U3 1 ; to ring 3 64-bit
 push 0x23
 push stk3_top
 push 2
 push 0x4b
 push %1
 iretq
%endmacro
main64:
 mov rsp,stack_top
 mov eax,0x10
 mov ds,eax
 mov es,eax
 mov ss,eax
 mov eax,0x50
 ltr ax
 Q "ud2"
 ud2
 EQ
 Q "noncanon ld"
 mov rax,0x0000800000000000
 mov rbx,[rax]
 EQ
 Q "noncanon ss ld"
 mov rbp,0x0000800000000000
 mov rbx,[rbp]
 EQ
 Q "noncanon cross"
 mov rax,0x00007ffffffffffc
 mov rbx,[rax]
 EQ
 Q "jmp noncanon"
 mov rax,0x0000800000000000
 jmp rax
 EQ
 Q "ret noncanon"
 mov rax,0x8000800000000000
 push rax
 ret
 EQ
 Q "ret imm noncanon"
 mov rax,0x8000800000000000
 push rax
 ret 16
 EQ
 Q "iretq noncanon"
 push 0x10
 push rsp
 push 2
 push 0x40
 mov rax,0x8000800000000000
 push rax
 iretq
 EQ
 Q "iretq null ss"
 mov rax,rsp
 push 0
 push rax
 push 2
 push 0x40
 push .n1
 iretq
.n1: mov ax,ss
 EQ
 Q "iretq null ss rpl3 to u"
 mov rax,rsp
 push 3
 push rax
 push 2
 push 0x4b
 push .n2
 iretq
.n2: mov ax,ss
 EQ
 Q "iretq same unaligned"
 mov rax,rsp
 push 0x10
 push rax
 push 0x10202
 push 0x40
 push .n3
 iretq
.n3: pushfq
 pop rax
 EQ
 Q "iretd in 64"
 mov rax,rsp
 sub rsp,20
 mov dword [rsp],.n4
 mov dword [rsp+4],0x40
 mov dword [rsp+8],2
 mov [rsp+12],eax
 mov dword [rsp+16],0x10
 iretd
.n4: nop
 EQ
 Q "iretw in 64"
 mov rax,rsp
 sub rsp,10
 mov word [rsp],0x8000
 mov word [rsp+2],0x40
 mov word [rsp+4],2
 mov [rsp+6],ax
 mov word [rsp+8],0x10
 mov word [0x8000],0x81cd
 iretw
 EQ
 Q "iretq NT"
 pushfq
 or dword [rsp],0x4000
 popfq
 mov rax,rsp
 push 0x10
 push rax
 push 2
 push 0x40
 push .n5
 iretq
.n5: nop
 EQ
 Q "user"
 U3 .u1
.u1: mov ax,cs
 mov bx,ss
 int 0x81
 EQ
 Q "user hlt"
 U3 .u2
.u2: hlt
 EQ
 Q "user pf"
 U3 .u3
.u3: mov rax,[0x40000000]
 EQ
 Q "user noncanon jmp"
 U3 .u4
.u4: mov rax,0x1234567800000000
 jmp rax
 EQ
 Q "user to compat lret"
 U3 .u5
.u5: push 0x1b
 push .c5
 db 0x48
 retf
BITS 32
.c5: mov ax,cs
 mov ebx,esp
 sub ebx,stk3_top
 dec ecx
 db 0x40 ; inc eax
 int 0x81
BITS 64
 EQ
 Q "jmp far m16:64"
 mov qword [farp],.f1
 mov word [farp+8],0x40
 db 0x48
 jmp dword far [farp]
 nop
.f1: mov rax,0x5
 EQ
 Q "jmp far m16:32"
 mov dword [farp],.f2
 mov word [farp+4],0x40
 jmp dword far [farp]
.f2: mov rax,0x6
 EQ
 Q "call far compat & back"
 mov dword [farp],.f3
 mov word [farp+4],0x08
 mov eax,0x10
 mov ss,eax
 call dword far [farp]
 mov rdx,rsp
 sub rdx,stack_top
 jmp .f4
BITS 32
.f3: mov eax,-1
 inc eax
 dec eax
 mov ebx,[esp+4]
 retf
BITS 64
.f4: nop
 EQ
 Q "callgate64"
 mov rax,.g1
 mov [slot],ax
 mov word [slot+2],0x40
 mov word [slot+4],0xec00
 shr rax,16
 mov [slot+6],ax
 mov qword [slot+8],0
 U3 .g0
.g0: mov dword [farp],0
 mov word [farp+4],0x83
 call dword far [farp]
 mov cx,cs
 int 0x81
.g1: mov rax,[rsp]
 sub rax,.g0
 mov rbx,[rsp+8]
 mov rdx,[rsp+16]
 sub rdx,stk3_top
 mov rsi,[rsp+24]
 mov di,ss
 db 0x48
 retf
 EQ
 Q "callgate bad upper type"
 mov dword [slot+12],0x100
 U3 .g2
.g2: call dword far [farp]
 EQ
 Q "jmp tss 64"
 mov word [farp+4],0x50
 jmp dword far [farp]
 EQ
 Q "syscall"
 mov ecx,0xc0000081
 xor eax,eax
 mov edx,0x00330040 ; sysret cs base 0x33 -> 64: 0x43.. 
 wrmsr
 inc ecx
 mov eax,.sy
 xor edx,edx
 wrmsr
 mov ecx,0xc0000084
 mov eax,0x600
 wrmsr
 U3 .s0
.s0: syscall
 mov ax,cs
 int 0x81
.sy: mov rdx,rcx
 sub rdx,.s0
 mov bx,cs
 mov si,ss
 pushfq
 pop rdi
 mov rbp,rsp
 sub rbp,stk3_top
 EQ
 Q "sysret64"
 mov rcx,.r1
 mov r11,0x4302
 db 0x48
 sysret
.r1: mov ax,cs
 mov bx,ss
 pushfq
 pop rdx
 int 0x81
 EQ
 Q "sysret32"
 mov ecx,.r2
 mov r11d,0x202
 mov ebx,stk3_top
 mov rsp,rbx
 sysret
BITS 32
.r2: mov ax,cs
 mov bx,ss
 int 0x81
BITS 64
 EQ
 Q "sysret noncanon"
 mov rcx,0x0000800000000000
 mov r11,2
 db 0x48
 sysret
 EQ
 Q "syscall compat"
 mov ecx,0xc0000083
 mov eax,.cs1
 xor edx,edx
 wrmsr
 U3 .cs2
.cs2: push 0x1b
 push .cs3
 db 0x48
 retf
BITS 32
.cs3: db 0x0f,0x05
 int 0x81
BITS 64
.cs1: mov ax,cs
 mov rdx,rcx
 sub rdx,.cs3
 EQ
 Q "sysenter 64"
 mov ecx,0x174
 mov eax,0x40
 xor edx,edx
 wrmsr
 inc ecx
 mov eax,stack_top-512
 wrmsr
 inc ecx
 mov eax,.se
 wrmsr
 U3 .se0
.se0: mov rdx,0x123456789a
 sysenter
.se: mov ax,cs
 mov bx,ss
 mov rcx,rsp
 pushfq
 pop rdi
 EQ
 Q "sysexit64"
 mov rdx,.sx
 mov rcx,stk3_top
 db 0x48
 sysexit
.sx: mov ax,cs
 mov bx,ss
 int 0x81
 EQ
 Q "ist"
 mov byte [idt64+6*16+4],1
 mov rsp,stack_top-1024+3
 ud2
 EQ
 mov byte [idt64+6*16+4],0
 Q "odd rsp"
 sub rsp,3
 ud2
 EQ
 Q "dpl gate"
 U3 .d1
.d1: int 0x90
 EQ
 Q "idt limit"
 mov word [idtr64],0x100
 lidt [idtr64]
 int 0x90
 EQ
 mov word [idtr64],4095
 lidt [idtr64]
 Q "mov ss null cpl0"
 xor eax,eax
 mov ss,eax
 mov bx,ss
 push rax
 pop rax
 EQ
 Q "mov ss null rpl3"
 mov eax,3
 mov ss,eax
 EQ
 Q "mov ds wild"
 mov eax,0x1000
 mov ds,eax
 EQ
 Q "push/pop fs"
 push fs
 pop fs
 db 0x66
 push gs
 add rsp,2
 mov rax,rsp
 sub rax,[q_save]
 EQ
 Q "bad32"
 db 0x06
 EQ
 Q "aaa"
 db 0x37
 EQ
 Q "lds/vex"
 db 0xc5,0xf8,0x77
 EQ
 Q "evex"
 db 0x62,0xf1,0x7c,0x48,0x58,0xc0
 EQ
 Q "82"
 db 0x82,0xc0,0x01
 EQ
 Q "arpl is movsxd"
 mov eax,-5
 db 0x48,0x63,0xd8
 db 0x63,0xc8
 EQ
 Q "wrfsbase off"
 db 0xf3,0x0f,0xae,0xd0
 EQ
 Q "wrfsbase"
 mov rax,cr4
 or eax,0x10000
 mov cr4,rax
 mov rax,0x0000800000000000
 db 0xf3,0x48,0x0f,0xae,0xd0
 EQ
 Q "fsbase"
 mov eax,area
 db 0xf3,0x48,0x0f,0xae,0xd0
 mov dword [fs:4],0x77
 mov ebx,[area+4]
 mov ecx,0xc0000100
 rdmsr
 sub eax,area
 xor edx,edx
 EQ
 Q "swapgs"
 mov ecx,0xc0000102
 mov eax,0x1234
 mov edx,0x7fff
 wrmsr
 swapgs
 mov ecx,0xc0000101
 rdmsr
 swapgs
 EQ
 Q "wrmsr fsbase noncanon"
 mov ecx,0xc0000100
 mov edx,0x8000
 wrmsr
 EQ
 Q "wrmsr lstar noncanon"
 mov ecx,0xc0000082
 mov edx,0x8000
 wrmsr
 EQ
 Q "cr3 reserved"
 mov rax,0x8000000000000000 | 0
 mov rbx,cr3
 or rax,rbx
 mov cr3,rax
 EQ
 Q "cr8"
 mov eax,5
 mov cr8,rax
 mov rbx,cr8
 xor eax,eax
 mov cr8,rax
 mov eax,16
 mov cr8,rax
 EQ
 Q "cr0 pg clr in 64"
 mov rax,cr0
 btr eax,31
 mov cr0,rax
 EQ
 Q "cr4 pae clr"
 mov rax,cr4
 and al,~0x20
 mov cr4,rax
 EQ
 Q "efer lme chg"
 mov ecx,0xc0000080
 rdmsr
 btr eax,8
 wrmsr
 EQ
 Q "pcide with cr3 low"
 mov rax,cr3
 or eax,0x18
 mov cr3,rax
 mov rax,cr4
 or eax,0x20000
 mov cr4,rax
 EQ
 mov rax,pml4
 mov cr3,rax
 Q "cmpxchg16b unaligned"
 cmpxchg16b [area+8]
 EQ
 Q "cmpxchg16b"
 mov rax,[area+16]
 mov rdx,[area+24]
 lock cmpxchg16b [area+16]
 mov rsi,[area+16]
 mov rdi,[area+24]
 EQ
 Q "movaps unal"
 movaps xmm0,[area+8]
 EQ
 Q "movntdqa/paddb unal"
 paddb xmm0,[area+8]
 EQ
 Q "fxsave unal"
 fxsave [area+8]
 EQ
 Q "addr32 wrap"
 mov ebx,-8
 mov dword [area],0x99
 mov rsi,area+8
 mov eax,[ebx+esi]
 mov rbx,-8
 mov ecx,[rbx+rsi]
 EQ
 Q "rip rel a32"
 a32 mov eax,[rel .c5]
 mov rbx,[rel q_cs]
 EQ
 Q "movs high half"
 mov rsi,0xffffffffc0000000
 add rsi,area
 mov rax,[rsi]
 lea rdi,[rsi+64]
 mov ecx,8
 rep movsq
 xor esi,esi
 xor edi,edi
 EQ
 Q "lar/lsl 64"
 mov ebx,0x50
 lar rax,rbx
 lsl rcx,rbx
 mov edx,0x40
 lar rdx,rdx
 mov esi,0x58
 lar rsi,rsi
 EQ
 Q "verr"
 mov ebx,0x10
 verr bx
 setz al
 verw bx
 setz ah
 EQ
 Q "xlat/cwd family"
 mov rbx,area
 mov eax,4
 xlatb
 cdqe
 cqo
 movsx rcx,al
 EQ
 Q "enter 3"
 mov rbp,rsp
 enter 64,3
 mov rax,rsp
 sub rax,[q_save]
 mov rbx,rbp
 sub rbx,[q_save]
 leave
 mov rbp,0
 EQ
 Q "pop [rsp+8]"
 push 1
 push 2
 push 3
 pop qword [rsp+8]
 pop rax
 pop rbx
 EQ
 Q "push imm sizes"
 push byte -1
 push dword -2
 o16 push 0x1234
 mov ax,[rsp]
 mov rbx,[rsp+2]
 mov rcx,[rsp+10]
 EQ
 Q "call o16"
 db 0x66,0xe8
 dd 0
 mov rax,rsp
 sub rax,[q_save]
 EQ
 Q "jrcxz a32"
 mov rcx,0xffffffff00000000
 a32 jecxz .j1
 mov eax,1
.j1: jrcxz .j2
 mov ebx,2
.j2: nop
 EQ
 Q "loop a32"
 mov rcx,0x300000002
.lp: inc rax
 a32 loop .lp
 EQ
 Q "bswap16"
 db 0x66,0x0f,0xc8
 bswap rbx
 EQ
 Q "xchg r8,rax nop"
 db 0x49,0x90
 db 0x48,0x90
 db 0xf3,0x90
 EQ
 Q "mov eax moffs64"
 db 0xa1
 dq area
 a32 db 0xa1
 dd area
 EQ
 Q "bt mem neg 64"
 mov rax,-65
 bts qword [area+64],rax
 mov rbx,[area+48]
 EQ
 Q "shld 64"
 shld rax,rbx,67
 shrd rcx,rdx,cl
 EQ
 Q "crc32/popcnt/movbe"
 crc32 rax,rbx
 popcnt rcx,rcx
 movbe rdx,[area+48]
 tzcnt rsi,rsi
 EQ
 Q "rdtscp/rdpid ok"
 rdtscp
 xor eax,eax
 xor edx,edx
 xor ecx,ecx
 EQ
 Q "xsetbv bad"
 mov rax,cr4
 or eax,0x40000
 mov cr4,rax
 xor ecx,ecx
 xor edx,edx
 xor eax,eax
 xsetbv
 EQ
 Q "xsetbv no sse"
 mov eax,1
 xor edx,edx
 xor ecx,ecx
 xsetbv
 xgetbv
 EQ
 Q "xsave"
 mov eax,3
 xor edx,edx
 xor ecx,ecx
 xsetbv
 mov rdi,area+64
 mov ecx,100
 mov rax,0
 rep stosq
 mov eax,3
 movq xmm3,rbx
 pcmpeqb xmm4,xmm4
 xsave [area+64]
 mov rcx,[area+64+512]
 pxor xmm3,xmm3
 xrstor [area+64]
 movq rbx,xmm3
 xor edi,edi
 EQ
 Q "xrstor bad header"
 mov qword [area+64+512],0x8000
 mov eax,3
 xor edx,edx
 xrstor [area+64]
 EQ
 Q "xsave unal"
 xsave [area+72]
 EQ
 Q "xrstor bad mxcsr"
 mov qword [area+64+512],2
 mov dword [area+64+24],0x10000
 mov eax,3
 xor edx,edx
 xrstor [area+64]
 EQ
 Q "sti hlt-less; pushf"
 sti
 pushfq
 pop rax
 cli
 EQ
 Q "clac/stac no smap"
 db 0x0f,0x01,0xca
 EQ
 Q "popfq vm rf"
 push 0x33202
 popfq
 pushfq
 pop rax
 EQ
 Q "lock on rex"
 db 0xf0,0x48,0x01,0x04,0x25
 dd area
 EQ
 Q "rex ignored before prefix"
 db 0x48,0x66,0xb8,0x34,0x12
 EQ
 Q "double rex"
 db 0x48,0x41,0xb8,0x34,0x12,0,0
 EQ
 Q "mov cr5"
 db 0x0f,0x20,0xe8
 EQ
 Q "ud0 ud1"
 db 0x0f,0xb9,0xc0
 EQ
 Q "invlpg noncanon"
 mov rax,0x0000800000000000
 invlpg [rax]
 EQ
 Q "lgdt noncanon"
 mov word [area],0xff
 mov rax,0x0000800000000000
 mov [area+2],rax
 lgdt [area]
 EQ
 Q "lldt 64"
 mov word [slot],0xff
 mov dword [slot+4],0x00008200
 mov qword [slot+8],0
 mov eax,0x80
 lldt ax
 sldt rbx
 str rcx
 xor eax,eax
 lldt ax
 EQ
 ; leave long mode
 P64 "leaving"
 mov al,10
 call putc64
 mov dword [farp],c32
 mov word [farp+4],0x08
 jmp dword far [farp]
BITS 32
c32: mov ax,0x10
 mov ds,ax
 mov es,ax
 mov ss,ax
 mov esp,stack_top
 P "compat again",10
 mov eax,cr0
 btr eax,31
 mov cr0,eax
 mov ecx,0xc0000080
 rdmsr
 call hex32
 NL
 btr eax,8
 wrmsr
 rdmsr
 call hex32
 NL
 lidt [idtr]
 mov eax,cr4
 and eax,~0x20020
 mov cr4,eax
 T "32 again"
 ud2
 ET
 ; real mode trampoline at 0x7000
 mov esi,rm
 mov edi,0x7000
 mov ecx,rm_end-rm
 rep movsb
 jmp 0x28:0x7000
BITS 16
%define R(x) (x-rm+0x7000)
rm: mov ax,0x30
 mov ds,ax
 mov es,ax
 mov ss,ax
 mov eax,cr0
 and al,~1
 mov cr0,eax
 jmp 0:R(.r)
.r: xor ax,ax
 mov ds,ax
 mov es,ax
 mov ss,ax
 mov sp,0x6ff0
 lidt [R(.ridt)]
 ; own IVT at 0x5000 : all -> .h
 mov di,0x5000
 mov cx,256
.iv: mov word [di],R(.h)
 mov word [di+2],0
 add di,4
 loop .iv
 mov word [0x5000+0x42*4],R(.h42)
 mov si,R(.msg)
 call .puts
 ; tests: each expects fault or not, prints bx
 mov bx,0
 int 0x42
 call .hex
 mov bp,R(.t1)
 xor bx,bx
 mov ax,[0xffff]
.t1: call .hex
 mov bp,R(.t2)
 xor bx,bx
 xor dx,dx
 div dx
.t2: call .hex
 mov bp,R(.t3)
 xor bx,bx
 db 0x0f,0xff
.t3: call .hex
 mov bp,R(.t4)
 xor bx,bx
 mov eax,0x10000
 mov al,[eax]
.t4: call .hex
 mov bp,R(.t5)
 xor bx,bx
 lar ax,ax
.t5: call .hex
 mov bp,R(.t6)
 xor bx,bx
 mov ax,5
 mov word [0x6000],6
 mov word [0x6002],9
 bound ax,[0x6000]
.t6: call .hex
 mov bp,R(.t7)
 xor bx,bx
 mov al,0x15
 add al,0x27
 daa
 mov bl,al
.t7: call .hex
 mov bp,R(.t8)
 mov ax,0xffff
 mov ds,ax
 mov bx,[0x10]
 xor ax,ax
 mov ds,ax
 mov bx,sp
.t8: call .hex
 mov sp,1
 mov bp,R(.t9)
 xor bx,bx
 mov sp,0x6ff0
.t9: call .hex
 mov cx,0
 mov di,0xfff0
 mov ax,0x9000
 mov es,ax
 mov cx,0x20
 rep stosb
 mov bx,di
 call .hex
 mov bp,R(.t10)
 xor bx,bx
 mov eax,[0x4000+ebx*4]
 pushad
 popad
 push dword 0x12345678
 pop dx
 pop bx
.t10: call .hex
 mov bp,R(.t11)
 xor bx,bx
 mov di,0xfffe
 mov cx,2
 mov ax,0x9000
 mov es,ax
 rep stosd
 mov bx,di
.t11: call .hex
 mov bx,cx
 call .hex
 ; unreal mode
 cli
 push ds
 o32 lgdt [R(.rgdt)]
 mov eax,cr0
 or al,1
 mov cr0,eax
 mov bx,0x10
 mov ds,bx
 and al,0xfe
 mov cr0,eax
 pop ds
 mov eax,0x100000
 mov ebx,[eax]
 shr ebx,16
 call .hex
 mov word [0x6000],0
 smsw bx
 call .hex
 ; back to protected
 o32 lgdt [R(.rgdt)]
 mov eax,cr0
 or al,1
 mov cr0,eax
 jmp dword 0x08:back32
.h42: mov bx,0x4242
 iret
.h: add sp,6
 push 2
 popf
 mov bx,0xfa17
 xor ax,ax
 mov ds,ax
 mov es,ax
 jmp bp
.puts: lodsb
 test al,al
 jz .pe
 call .putc
 jmp .puts
.pe: ret
.putc: push ax
 mov dx,0x3fd
.pw: in al,dx
 test al,0x20
 jz .pw
 pop ax
 mov dx,0x3f8
 out dx,al
 ret
.hex: mov cx,4
.hl: rol bx,4
 mov al,bl
 and al,15
 add al,'0'
 cmp al,'9'
 jbe .hd
 add al,39
.hd: call .putc
 loop .hl
 mov al,10
 call .putc
 ret
.msg: db "real mode",10,0
.ridt: dw 0x3ff
 dd 0x5000
.rgdt: dw gdt_end-gdt-1
 dd gdt
rm_end:
BITS 32
back32: mov ax,0x10
 mov ds,ax
 mov es,ax
 mov fs,ax
 mov gs,ax
 mov ss,ax
 mov esp,stack_top
 P "protected again",10
 jmp halt_ok
%include "memory.inc"
ABSOLUTE bss_end
alignb 4096
pml4: resb 4096
pdpt: resb 4096
pd: resb 4096
idt64: resb 4096
tss64: resb 4096
istk: resb 4096
istk_top:
resb 4096
