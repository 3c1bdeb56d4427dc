; Segment descriptors of all 256 access bytes: LAR, LSL, VERR and VERW; loads of DS, ES, FS and SS; JMP, CALL, RETF and IRET to them as segments and as
; gates, from level 0 and 3 and with several RPLs. A character per access byte (. no fault, o arrived, G #GP, N #NP, S #SS, t #TS), then a sum
; over error codes and selectors. 16-bit call gates and TSSs are left out: those go where this kernel has no code.
%include "framework.inc"
query: ; edx=selector
 xor ecx,ecx
.l:
 mov byte [slot+5],cl
 mov eax,0x12345678
 lar eax,edx
 call mixz
 mov eax,0x12345678
 lsl eax,edx
 call mixz
 verr dx
 call mixz
 verw dx
 call mixz
 mov eax,0x12345678
 lar ax,dx
 call mixz
 mov eax,0x12345678
 lsl ax,dx
 call mixz
 inc ecx
 test ecx,15
 jnz .n
 call puthash
.n: cmp ecx,256
 jb .l
 ret
mixz: jz .z
 call mix
 push eax
 mov eax,1
 call mix
 pop eax
 ret
.z: call mix
 push eax
 mov eax,2
 call mix
 pop eax
 ret
q3: mov edx,0x83
 call query
 mov edx,0x80
 call query
 int 0x80
chr: ; print result of TRY as char
 pushad
 mov eax,[goterr]
 call mix
 mov eax,[gotvec]
 mov dl,'.'
 cmp eax,-1
 je .p
 mov dl,'G'
 cmp eax,13
 je .p
 mov dl,'N'
 cmp eax,11
 je .p
 mov dl,'S'
 cmp eax,12
 je .p
 mov dl,'t'
 cmp eax,10
 je .p
 mov dl,'o'
 cmp eax,0x80
 je .p
 mov dl,'?'
.p: mov al,dl
 call putc
 popad
 ret
%macro LOADS 3 ; name, seg, code cpl0
 P %1,10
 xor ebp,ebp
%%l:
 mov eax,ebp
 mov byte [slot+5],al
 push ebp
 TRY
 mov edx,%3
 mov %2,dx
 mov dx,0x10
 mov ss,dx
 ENDTRY
 pop ebp
 call chr
 inc ebp
 test ebp,31
 jnz %%n
 call puthash
%%n: cmp ebp,256
 jb %%l
%endmacro
%macro LOADS3 3
 P %1,10
 xor ebp,ebp
%%l:
 mov eax,ebp
 mov byte [slot+5],al
 push ebp
 TRY
 GO3 %%u
%%u: mov edx,%3
 mov %2,dx
 mov dx,0x23
 mov ss,dx
 int 0x81
 ENDTRY
 pop ebp
 call chr
 inc ebp
 test ebp,31
 jnz %%n
 call puthash
%%n: cmp ebp,256
 jb %%l
%endmacro
%macro FAR 4 ; name, ring3?, code, selector
 P %1,10
 xor ebp,ebp
%%l:
 mov eax,ebp
 mov byte [slot+5],al
 and eax,0x1d
 cmp eax,1   ; tss types 1,3 9 b
 je %%skip
 cmp eax,9
 je %%skip
 cmp eax,4
 je %%skip
 jmp %%do
%%skip: mov eax,ebp
 and eax,0x1f
 cmp eax,1
 je %%sk
 cmp eax,9
 je %%sk
 cmp eax,4
 je %%sk
%%do:
 push ebp
 TRY
 %if %2
 GO3 %%u
%%u:
 %endif
 %ifidn %3,jmp
 jmp dword %4:tgt
 %elifidn %3,call
 call dword %4:tgt
 %elifidn %3,retf
 push dword 0x23
 push dword stk3_top-64
 push dword %4
 push dword tgt
 retf
 %elifidn %3,iret
 push dword 0x23
 push dword stk3_top-64
 push dword 0x2
 push dword %4
 push dword tgt
 iretd
 %endif
 ENDTRY
 pop ebp
 mov eax,[gotcs]
 call mix
 call chr
%%sk:
 inc ebp
 test ebp,31
 jnz %%n
 call puthash
%%n: cmp ebp,256
 jb %%l
%endmacro
tgt: int 0x80
main:
 xor edx,edx
 lldt dx
 mov dword [slot],0x0000ffff
 mov dword [slot+4],0x00cf0000
 P "A0",10
 mov edx,0x80
 call query
 mov edx,0x83
 call query
 mov dword [slot+4],0x00400000
 mov dword [slot],0x1234abcd
 call query
 mov dword [slot],0x0000ffff
 mov dword [slot+4],0x00cf0000
 P "A3",10
 TRY
 GO3 q3
 ENDTRY
 T "lar null"
 xor edx,edx
 lar eax,edx
 ET
 T "lar beyond"
 mov edx,0x1000
 lar eax,edx
 ET
 T "lar ldt"
 mov edx,0x84
 lar eax,edx
 ET
 T "lldt bad"
 mov edx,0x10
 lldt dx
 ET
 T "ltr busy"
 mov edx,0x38
 ltr dx
 ET
 LOADS "ds0", ds, 0x80
 LOADS "ds0 rpl3", ds, 0x83
 LOADS "ss0", ss, 0x80
 LOADS "ss0 rpl3", ss, 0x83
 LOADS "ss0 rpl1", ss, 0x81
 LOADS "ldt-null", ds, 0x84
 LOADS3 "ds3", ds, 0x80
 LOADS3 "ds3 rpl3", ds, 0x83
 LOADS3 "fs3 rpl2", fs, 0x82
 LOADS3 "ss3", ss, 0x80
 LOADS3 "ss3 rpl3", ss, 0x83
 FAR "jmp0",0,jmp,0x80
 FAR "jmp0 rpl3",0,jmp,0x83
 FAR "call0",0,call,0x80
 FAR "call0 rpl3",0,call,0x83
 FAR "retf0",0,retf,0x80
 FAR "retf0 rpl3",0,retf,0x83
 FAR "retf0 rpl1",0,retf,0x81
 FAR "iret0",0,iret,0x80
 FAR "iret0 rpl3",0,iret,0x83
 FAR "jmp3",1,jmp,0x80
 FAR "jmp3 rpl3",1,jmp,0x83
 FAR "call3",1,call,0x80
 FAR "call3 rpl3",1,call,0x83
 FAR "retf3",1,retf,0x80
 FAR "retf3 rpl3",1,retf,0x83
 FAR "iret3",1,iret,0x80
 FAR "iret3 rpl3",1,iret,0x83
 ; gates
 mov eax,tgt
 mov [slot],ax
 mov word [slot+2],8
 shr eax,16
 shl eax,16
 mov [slot+4],eax
 FAR "g jmp0",0,jmp,0x80
 FAR "g jmp0 rpl3",0,jmp,0x83
 FAR "g call0",0,call,0x80
 FAR "g call0 rpl3",0,call,0x83
 FAR "g jmp3",1,jmp,0x80
 FAR "g jmp3 rpl3",1,jmp,0x83
 FAR "g call3",1,call,0x80
 FAR "g call3 rpl3",1,call,0x83
 mov word [slot+2],0x18
 FAR "gu jmp0",0,jmp,0x80
 FAR "gu call0 rpl3",0,call,0x83
 FAR "gu call3 rpl3",1,call,0x83
 mov word [slot+2],0x10
 FAR "gd call3 rpl3",1,call,0x83
 FAR "gd call0 rpl3",0,call,0x83
 mov word [slot+2],0
 FAR "gn call3 rpl3",1,call,0x83
 mov word [slot+2],0x1000
 FAR "gb call3 rpl3",1,call,0x83
 ret
%include "memory.inc"
