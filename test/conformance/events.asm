; Single steps, breakpoints, faults and their frames in protected mode: what each instruction leaves in registers, EFLAGS and the frame. DR6 and the
; place of each trap; LOCK and length limits; control registers and MSRs; SYSENTER; x87 and SSE with every EM, TS, OSFXSR; virtual-8086 mode.
%include "framework.inc"
vmfill: ; copy [esi..edi) to 0x8000
 pushad
 mov ecx,edi
 sub ecx,esi
 mov edi,0x8000
 rep movsb
 popad
 ret
%macro VM 3 ; name, eflags, label
 P %1," "
 mov esi,%3
 mov edi,%3_e
 call vmfill
 mov eax,0x11111111
 mov ebx,0x22222222
 mov ecx,0x33333333
 mov edx,0x44444444
 mov esi,0x100
 mov edi,0x200
 mov ebp,0x300
 TRY
 push dword 0x9000 ; gs
 push dword 0x9000 ; fs
 push dword 0x9000 ; ds
 push dword 0x9000 ; es
 push dword 0x9000 ; ss
 push dword 0x1000 ; esp
 push dword %2
 push dword 0x0800 ; cs
 push dword 0
 iretd
%%b:
 int 0x81
%%e:
 %define %%dummy
 mov eax,0
%endmacro
%macro EVM 0
%$end:
 pushad
 mov eax,[gotcs]
 call hex32
 P " "
 popad
 push dword 0
 call report
 %pop
%endmacro
sscount: dd 0
ssaddr: times 64 dd 0
sshandler: ; own #DB handler
 push eax
 push ebx
 mov eax,[esp+8]
 mov ebx,[sscount]
 cmp ebx,40
 jae .f
 mov [ssaddr+ebx*4],eax
 inc dword [sscount]
 mov eax,dr6
 mov [ssaddr+128+ebx*4-128+0],ebx
 mov eax,[esp+8]
 sub eax,ssbase
 mov [ssaddr+ebx*4],eax
 mov eax,dr6
 shl eax,16
 or [ssaddr+ebx*4],eax
 mov eax,0xffff0ff0
 mov dr6,eax
.f: 
 or dword [esp+16],0x10000 ; RF
 pop ebx
 pop eax
 iretd
ssbase:
setdb:
 mov eax,sshandler
 mov [idt+8],ax
 shr eax,16
 mov [idt+14],ax
 mov dword [sscount],0
 ret
%macro SS 1
 P %1," "
 call setdb
 mov eax,0
 mov ecx,3
 mov esi,area
 mov edi,area+64
 pushfd
 or dword [esp],0x100
 popfd
%endmacro
%macro ESS 0
 pushfd
 and dword [esp],~0x100
 popfd
 call dumpss
%endmacro
dumpss:
 pushad
 mov eax,[sscount]
 call hex32
 mov ecx,[sscount]
 mov esi,ssaddr
 jecxz .e
.l: P " "
 lodsd
 call hex32
 loop .l
.e: NL
 popad
 ret
fpuenv:
 pushad
 mov esi,area
 mov ecx,28
.l: lodsb
 call hex8
 loop .l
 NL
 popad
 ret
main:
 xor edx,edx
 lldt dx
 mov eax,cr4
 or eax,0x600
 mov cr4,eax
 mov eax,cr0
 or eax,0x22
 mov cr0,eax
 fninit
 SS "nops"
 nop
 nop
 ESS
 SS "movss"
 mov dx,0x10
 mov ss,dx
 nop
 nop
 ESS
 SS "popss"
 push ss
 pop ss
 nop
 nop
 ESS
 SS "rep"
 rep movsb
 nop
 ESS
 SS "popfd"
 pushfd
 popfd
 nop
 ESS
 SS "sti"
 cli
 cli
 nop
 ESS
 SS "call"
 call .ret
 nop
 ESS
 SS "loop"
.lp: loop .lp
 ESS
 SS "cpuid"
 push ebx
 cpuid
 pop ebx
 ESS
 SS "iret"
 pushfd
 push cs
 push dword .ir
 iretd
.ir: nop
 ESS
 SS "clear mid"
 pushfd
 and dword [esp],~0x100
 popfd
 nop
 nop
 call dumpss
 ; data breakpoints
%macro DB 3 ; name dr7, addr
 P %1," "
 call setdb
 mov eax,%3
 mov dr0,eax
 mov eax,%3+4
 mov dr1,eax
 mov eax,%2
 mov dr7,eax
 mov eax,0
 mov ecx,3
 mov esi,area
 mov edi,area+64
%endmacro
%macro EDB 0
 xor eax,eax
 mov dr7,eax
 call dumpss
%endmacro
 DB "wr byte", 0x00010401, area+8
 mov byte [area+7],1
 mov byte [area+8],1
 mov byte [area+9],1
 mov al,[area+8]
 EDB
 DB "wr word", 0x00050401, area+8
 mov byte [area+7],1
 mov dword [area+6],1
 mov byte [area+9],1
 mov dword [area+10],1
 EDB
 DB "rw dword", 0x000f0401, area+8
 mov al,[area+7]
 mov eax,[area+6]
 mov al,[area+11]
 mov al,[area+12]
 push dword [area+8]
 pop dword [area+8]
 EDB
 DB "rw movsd", 0x000f0401, area+8
 mov ecx,5
 rep movsd
 nop
 EDB
 DB "rw two", 0x00ff0405, area+8
 movups xmm0,[area]
 movups [area+8],xmm0
 nop
 EDB
 DB "disabled write dr0-but set b", 0x000f0404, area+8
 mov eax,[area+12]
 mov eax,[area+8]
 EDB
 DB "exec", 0x00000401, .ex
 nop
.ex: nop
 nop
 EDB
 DB "exec mid", 0x00000401, .ex2+1
 nop
.ex2: mov al,1
 nop
 EDB
 DB "exec rep", 0x00000401, .ex3
 nop
.ex3: rep movsb
 nop
 EDB
 DB "exec+movss", 0x00000401, .ex4
 mov dx,0x10
 mov ss,dx
.ex4: nop
 nop
 EDB
 DB "data+movss", 0x000f0401, area+8
 mov word [area+8],0x10
 mov ss,[area+8]
 nop
 nop
 EDB
 DB "exec fault", 0x00000401, .ex5
 P "x"
.ex5: nop
 EDB
 DB "pushad", 0x00010401, stack_top-24
 pushad
 popad
 EDB
 DB "dr0 len8 in 32", 0x000b0401, area+8
 mov eax,[area+8]
 mov dword [area+12],5
 mov dword [area+15],5
 EDB
 T "dr7 GD"
 mov eax,0x2400
 mov dr7,eax
 mov eax,dr0
 ET
 xor eax,eax
 mov dr7,eax
 mov eax,dr6
 call hex32
 NL
 T "dr4"
 mov eax,0x12
 mov dr0,eax
 xor eax,eax
 mov eax,dr4
 mov ecx,dr5
 ET
 T "dr4 de"
 mov eax,cr4
 or eax,8
 mov cr4,eax
 mov eax,dr4
 ET
 mov eax,cr4
 and eax,~8
 mov cr4,eax
 T "dr6 write"
 mov eax,-1
 mov dr6,eax
 mov eax,dr6
 xor ecx,ecx
 mov dr6,ecx
 mov ecx,dr6
 mov edx,-1
 and edx,~0x20ff
 mov dr7,edx
 mov edx,dr7
 xor ebx,ebx
 mov dr7,ebx
 mov ebx,dr7
 ET
 T "int1"
 db 0xf1
 ET
 mov eax,0xffff0ff0
 mov dr6,eax
 T "into"
 mov al,0x7f
 inc al
 into
 ET
 T "bound"
 mov dword [area],5
 mov dword [area+4],10
 mov eax,11
 bound eax,[area]
 ET
 T "ud2"
 ud2
 ET
 T "div0"
 xor ecx,ecx
 div ecx
 ET
 T "aam0"
 aam 0
 ET
 T "lock add reg"
 db 0xf0,0x01,0xc0
 ET
 T "lock mov mem"
 db 0xf0,0x89,0x05
 dd area
 ET
 T "lock add mem"
 lock add dword [area],1
 ET
 T "lock cmp"
 db 0xf0,0x39,0x05
 dd area
 ET
 T "lock cmpxchg8b"
 lock cmpxchg8b [area]
 ET
 T "lock bt"
 db 0xf0,0x0f,0xa3,0x05
 dd area
 ET
 T "lock 15 bytes"
 times 8 db 0x66
 lock add dword [area],byte 1
 ET
 T "16 bytes"
 times 13 db 0x66
 add eax,0x12345678
 ET
 T "14 prefixes nop"
 times 14 db 0x66
 nop
 ET
 T "15 prefixes nop"
 times 15 db 0x66
 nop
 ET
 T "iret nt no"
 pushfd
 or dword [esp],0x4000
 popfd
 iretd
 ET
 T "popf iopl nt"
 push dword 0x7fd7
 popfd
 pushfd
 pop eax
 push dword 2
 popfd
 ET
 T "popf ac id vif vip"
 push dword 0x3f0002
 popfd
 pushfd
 pop eax
 push dword 2
 popfd
 ET
 T "cli cpl3"
 GO3 .u1
.u1: cli
 ET
 T "hlt cpl3"
 GO3 .u2
.u2: hlt
 ET
 T "in cpl3"
 GO3 .u3
.u3: in al,0x60
 ET
 T "popf cpl3"
 GO3 .u4
.u4: push dword 0x3202
 popfd
 pushfd
 pop eax
 int 0x81
 ET
 T "int 0x90 cpl3"
 GO3 .u5
.u5: int 0x90
 ET
 T "int3 cpl3"
 GO3 .u6
.u6: int3
 ET
 T "int beyond idt"
 mov word [idtr],0x100
 lidt [idtr]
 int 0x90
 ET
 mov word [idtr],0x7ff
 lidt [idtr]
 T "lmsw"
 mov eax,cr0
 mov ebx,eax
 mov ax,0
 lmsw ax
 mov eax,cr0
 smsw ecx
 mov cr0,ebx
 ET
 T "mov cr0 pg no pe"
 mov eax,0x80000000
 mov cr0,eax
 ET
 T "cr0 nw no cd"
 mov eax,cr0
 or eax,0x20000000
 mov cr0,eax
 ET
 T "cr4 reserved"
 mov eax,cr4
 or eax,0x80000000
 mov cr4,eax
 ET
 T "mov cr1"
 db 0x0f,0x20,0xc8
 ET
 T "mov cr8 32"
 db 0xf0,0x0f,0x20,0xc0
 ET
 T "efer LME then PG no PAE"
 mov ecx,0xc0000080
 rdmsr
 or eax,0x100
 wrmsr
 mov eax,cr0
 or eax,0x80000000
 mov cr0,eax
 ET
 T "efer clr"
 mov ecx,0xc0000080
 rdmsr
 and eax,~0x100
 wrmsr
 ET
 T "efer res"
 mov ecx,0xc0000080
 mov eax,2
 xor edx,edx
 wrmsr
 ET
 T "msr bad"
 mov ecx,0x12345
 rdmsr
 ET
 T "syscall 32 no SCE"
 db 0x0f,0x05
 ET
 T "sysenter cs0"
 mov ecx,0x174
 xor eax,eax
 xor edx,edx
 wrmsr
 sysenter
 ET
 T "sysenter"
 mov ecx,0x174
 mov eax,8
 xor edx,edx
 wrmsr
 inc ecx
 mov eax,stack_top-64
 wrmsr
 inc ecx
 mov eax,.se
 wrmsr
 mov edx,0xeeee
 GO3 .u7
.u7: sysenter
.se: mov ax,cs
 mov bx,ss
 mov ecx,esp
 sub ecx,stack_top
 pushfd
 pop edx
 ET
 T "sysexit"
 mov edx,.sx
 mov ecx,stk3_top
 sysexit
.sx: mov ax,cs
 mov bx,ss
 int 0x81
 ET
 ; x87 env formats
 fninit
 fld1
 fldz
 fld1
 fdivrp
 fldpi
 P "env32 "
 fnstenv [area]
 mov dword [area+12],0
 mov dword [area+16],0
 mov dword [area+20],0
 mov dword [area+24],0
 call fpuenv
 P "env16 "
 o16 fnstenv [area]
 mov dword [area+6],0
 mov dword [area+10],0
 call fpuenv
 T "fldenv32 tags"
 fninit
 fld1
 fldz
 fnstenv [area]
 mov word [area+8],0x5555
 fldenv [area]
 fnstenv [area]
 movzx eax,word [area+8]
 fninit
 ET
 T "fnsave16"
 fldpi
 fld1
 o16 fnsave [area]
 mov eax,[area+14]
 mov ebx,[area+20]
 mov ecx,[area]
 mov edx,[area+4]
 o16 frstor [area]
 fstp dword [area]
 mov esi,[area]
 ET
 T "mf pending"
 fninit
 fldcw [.cw]
 fldz
 fld1
 fdivrp
 fwait
 ET
 fnclex
 T "mf at next"
 fninit
 fldcw [.cw]
 fldz
 fld1
 fdivrp
 fnstsw ax
 fnop
 fld1
 ET
 fninit
 T "nm ts"
 mov eax,cr0
 or eax,8
 mov cr0,eax
 fld1
 ET
 T "nm ts wait mp"
 fwait
 ET
 T "nm ts sse"
 movaps xmm0,xmm1
 ET
 T "ts fnstcw"
 fnstcw [area]
 ET
 clts
 T "em fpu"
 mov eax,cr0
 or eax,4
 mov cr0,eax
 fld1
 ET
 T "em sse"
 movaps xmm0,xmm1
 ET
 T "em wait"
 fwait
 ET
 T "em popcnt"
 popcnt eax,ebx
 ET
 T "em crc32"
 crc32 eax,ebx
 ET
 T "em movnti"
 movnti [area],eax
 ET
 T "em fxsave"
 fxsave [area]
 ET
 mov eax,cr0
 and eax,~4
 mov cr0,eax
 T "osfxsr 0 sse"
 mov eax,cr4
 and eax,~0x200
 mov cr4,eax
 movaps xmm0,xmm1
 ET
 T "osfxsr 0 movnti"
 movnti [area],eax
 sfence
 lfence
 mfence
 prefetchnta [area]
 ET
 T "osfxsr 0 paddb mmx"
 paddb mm0,mm1
 pshufw mm0,mm1,5
 pavgb mm0,mm1
 paddq mm0,mm1
 pabsb mm0,mm1
 emms
 ET
 T "osfxsr 0 fxsave"
 fxsave [area]
 ET
 mov eax,cr4
 or eax,0x600
 mov cr4,eax
 T "xm"
 mov dword [area],0x1000
 ldmxcsr [area]
 xorps xmm0,xmm0
 divps xmm0,xmm0
 ET
 T "xm off"
 mov eax,cr4
 and eax,~0x400
 mov cr4,eax
 xorps xmm0,xmm0
 divps xmm0,xmm0
 ET
 mov eax,cr4
 or eax,0x600
 mov cr4,eax
 stmxcsr [area]
 mov eax,[area]
 call hex32
 NL
 T "ldmxcsr res"
 mov dword [area],0x10000
 ldmxcsr [area]
 ET
 mov dword [area],0x1f80
 ldmxcsr [area]
 T "xsave no osxsave"
 xsave [area]
 ET
 T "xgetbv no osxsave"
 xor ecx,ecx
 xgetbv
 ET
 T "ac cpl3"
 mov eax,cr0
 or eax,0x40000
 mov cr0,eax
 push dword 0x23
 push dword stk3_top
 push dword 0x40002
 push dword 0x1b
 push dword .ac
 mov ax,0x23
 mov ds,ax
 iretd
.ac: mov eax,[area+4]
 mov ax,[area+2]
 mov al,[area+3]
 mov eax,[area+2]
 ET
 mov eax,cr0
 and eax,~0x40000
 mov cr0,eax
 ; vm86
 VM "vm int iopl3", 0x23002, vm1
 EVM
 VM "vm int iopl0", 0x20002, vm1
 EVM
 VM "vm cli iopl3", 0x23002, vm2
 EVM
 VM "vm cli iopl0", 0x20002, vm2
 EVM
 VM "vm pushf iopl0", 0x20002, vm3
 EVM
 VM "vm pushf iopl3", 0x23002, vm3
 EVM
 VM "vm lar", 0x23002, vm4
 EVM
 VM "vm mem", 0x23002, vm5
 EVM
 VM "vm limit", 0x23002, vm6
 EVM
 VM "vm far", 0x23002, vm7
 EVM
 VM "vm iret", 0x23002, vm8
 EVM
 VM "vm int3", 0x20002, vm9
 EVM
 VM "vm in", 0x23002, vm10
 EVM
 VM "vm hlt", 0x23002, vm11
 EVM
 VM "vm movcr", 0x23002, vm12
 EVM
 VM "vm lss", 0x23002, vm13
 EVM
 ret
.ret: ret
.cw: dw 0x340
BITS 16
vm1: mov ax,cs
 mov bx,ss
 mov cx,sp
 int 0x81
vm1_e:
vm2: cli
 int 0x81
vm2_e:
vm3: pushf
 pop ax
 pushfd
 pop ecx
 push word 0x7202
 popf
 pushfd
 pop edx
 int 0x81
vm3_e:
vm4: lar ax,bx
 int 0x81
vm4_e:
vm5: mov ax,0x1234
 mov [0x10],ax
 mov es,ax
 mov bx,es
 push es
 pop ds
 mov cx,ds
 mov byte [0xffff],3
 int 0x81
vm5_e:
vm6: mov ax,[0xffff]
 int 0x81
vm6_e:
vm7: call 0x0800:(.x-vm7)
 int 0x81
.x: mov bp,sp
 mov ax,[bp]
 mov bx,[bp+2]
 retf
vm7_e:
vm8: pushf
 push cs
 push word .y-vm8
 iret
.y: mov ax,0x77
 int 0x81
vm8_e:
vm9: int3
vm9_e:
vm10: in al,0x60
 int 0x81
vm10_e:
vm11: hlt
vm11_e:
vm12: mov eax,cr0
vm12_e:
vm13: lss sp,[0]
 int 0x81
vm13_e:
BITS 32
%include "memory.inc"
