; Page faults: 64 combinations of the bits of a PDE and a PTE by access, level, CR0.WP, CR4.SMEP, CR4.SMAP, EFLAGS.AC and EFER.NXE, with 32-bit and with
; PAE paging. A character per combination ('.' no fault, else 'A' + error code), then a sum over CR2 and the A and D bits of the PTE. Then string
; instructions and code that run into a page that is not there.
%include "framework.inc"
%define ALIAS 0x800000
%define TESTVA 0x40000000
crit: dd 0
pde_ptr: dd 0
pte_ptr: dd 0
wide: dd 0
pfchar:
 pushad
 mov eax,[gotvec]
 mov dl,'.'
 cmp eax,-1
 je .p
 mov dl,'?'
 cmp eax,14
 jne .p
 mov dl,[goterr]
 and dl,0x1f
 add dl,'A'
 mov eax,[gotcr2]
 call mix
.p: mov al,dl
 call putc
 popad
 ret
setpages: ; ebp = combo bits: 0 PDE.W 1 PDE.U 2 PTE.P 3 PTE.W 4 PTE.U 5 NX/ (rsvd for wide)
 pushad
 mov eax,pt1
 or eax,1
 test ebp,1
 jz .a
 or eax,2
.a: test ebp,2
 jz .b
 or eax,4
.b: mov edi,[pde_ptr]
 mov [edi],eax
 mov eax,testpage
 test ebp,4
 jz .c
 or eax,1
.c: test ebp,8
 jz .d
 or eax,2
.d: test ebp,16
 jz .e
 or eax,4
.e: mov edi,[pte_ptr]
 mov [edi],eax
 cmp dword [wide],0
 je .f
 mov dword [edi+4],0
 test ebp,32
 jz .f
 mov dword [edi+4],0x80000000
.f: mov eax,cr3
 mov cr3,eax
 popad
 ret
%macro ACC 3 ; name, user?, access
 P %1," "
 xor ebp,ebp
%%l: call setpages
 push ebp
 TRY
%if %2
 push dword 0x23
 push dword stk3_top+ALIAS
 push dword [crit]
 push dword 0x1b
 push dword %%u+ALIAS
 mov ax,0x23
 mov ds,ax
 mov es,ax
 iretd
%%u:
%else
 push dword [crit]
 popfd
%endif
%ifidn %3,r
 mov eax,[TESTVA+0x123]
%elifidn %3,w
 mov byte [TESTVA+0x123],0xc3
%elifidn %3,x
 mov eax,TESTVA+0x10
 call eax
%elifidn %3,rmw
 lock or byte [TESTVA+0x123],0
%elifidn %3,push
 mov esp,TESTVA+0x800
 push eax
%elifidn %3,movs
 mov esi,TESTVA+0x200
 mov edi,TESTVA+0x300
 mov ecx,2
 rep movsb
%elifidn %3,sgdt
 sgdt [TESTVA+0x400]
%elifidn %3,xchg
 xchg [TESTVA+0x123],al
%elifidn %3,cmpxchg
 mov al,1
 mov cl,0
 mov byte [TESTVA+0x123],5
%endif
 int 0x81
 ENDTRY
 pop ebp
 call pfchar
 ; A/D bits
 mov edi,[pte_ptr]
 mov eax,[edi]
 and eax,0x60
 call mix
 inc ebp
 cmp ebp,64
 jb %%l
 call puthash
%endmacro
matrix:
 mov dword [crit],2
 ACC "k r",0,r
 ACC "k w",0,w
 ACC "k x",0,x
 ACC "k rmw",0,rmw
 ACC "k movs",0,movs
 ACC "u r",1,r
 ACC "u w",1,w
 ACC "u x",1,x
 ACC "u rmw",1,rmw
 ACC "u push",1,push
 ACC "u movs",1,movs
 ACC "u xchg",1,xchg
 mov dword [crit],0x40002
 ACC "k r ac",0,r
 ACC "k w ac",0,w
 ACC "k x ac",0,x
 ACC "u r ac",1,r
 ret
main:
 mov byte [testpage+0x10],0xc3
 ; 32-bit paging: identity 4M pages
 mov edi,pd
 xor ecx,ecx
.l: mov eax,ecx
 shl eax,22
 or eax,0x83
 cmp ecx,2
 jne .n
 mov eax,0x87   ; alias of 0
.n: mov [edi+ecx*4],eax
 inc ecx
 cmp ecx,16
 jb .l
 mov dword [pde_ptr],pd+(TESTVA>>22)*4
 mov dword [pte_ptr],pt1
 mov eax,cr4
 or eax,0x10
 mov cr4,eax
 mov eax,pd
 mov cr3,eax
 mov eax,cr0
 or eax,0x80000000
 and eax,~0x10000
 mov cr0,eax
 P "== 32bit wp0",10
 call matrix
 P "== 32bit wp1",10
 mov eax,cr0
 or eax,0x10000
 mov cr0,eax
 call matrix
 P "== 32bit smep smap",10
 mov eax,cr4
 or eax,0x300000
 mov cr4,eax
 call matrix
 mov eax,cr4
 and eax,~0x300000
 mov cr4,eax
 ; 4M page reserved bits + PSE36
 T "4M rsvd bit21"
 mov dword [pd+0x3fc],0x00200083
 mov eax,cr3
 mov cr3,eax
 mov eax,[0x3fc00000*1]
 ET
 T "pse off"
 mov eax,[pd+(0x00c00000>>22)*4]
 mov ebx,[0x00c00010]
 ET
 T "pse36 rd"
 mov dword [pd+0x400],0x00002083 | 0
 mov eax,cr3
 mov cr3,eax
 mov eax,[0x40000000]
 ET
 ; PAE
 mov eax,cr0
 and eax,~0x80000000
 mov cr0,eax
 mov dword [wide],1
 mov edi,pdpt
 mov eax,pd2
 or eax,1
 mov [edi],eax
 mov eax,pd3
 or eax,1
 mov [edi+8],eax
 mov edi,pd2
 xor ecx,ecx
.l2: mov eax,ecx
 shl eax,21
 or eax,0x83
 cmp ecx,4
 jne .n2
 mov eax,0x87
.n2: cmp ecx,5
 jne .n3
 mov eax,0x200087
.n3: mov [edi+ecx*8],eax
 mov dword [edi+ecx*8+4],0
 inc ecx
 cmp ecx,32
 jb .l2
 mov dword [pde_ptr],pd3
 mov dword [pd3+4],0
 mov eax,cr4
 or eax,0x20
 mov cr4,eax
 mov eax,pdpt
 mov cr3,eax
 mov eax,cr0
 or eax,0x80000000
 and eax,~0x10000
 mov cr0,eax
 P "== pae wp0 nx off(rsvd)",10
 call matrix
 mov ecx,0xc0000080
 rdmsr
 or eax,0x800
 wrmsr
 P "== pae wp0 nx",10
 call matrix
 mov eax,cr0
 or eax,0x10000
 mov cr0,eax
 P "== pae wp1 nx",10
 call matrix
 mov eax,cr4
 or eax,0x100000
 mov cr4,eax
 P "== pae smep",10
 call matrix
 mov eax,cr4
 xor eax,0x300000
 mov cr4,eax
 P "== pae smap",10
 call matrix
 mov eax,cr4
 and eax,~0x300000
 mov cr4,eax
 T "pcide outside long"
 mov eax,cr4
 or eax,0x20000
 mov cr4,eax
 ET
 T "pae 2M rsvd"
 mov dword [pd2+31*8],0x00002083
 mov eax,cr3
 mov cr3,eax
 mov eax,[31*0x200000+4]
 ET
 T "pdpt not present"
 mov eax,[0xc0000000]
 ET
 T "write crossing into np page"
 mov ebp,31
 call setpages
 mov dword [TESTVA+0x0ffe],0x12345678
 ET
 T "read crossing into np page"
 mov eax,[TESTVA+0xffd]
 ET
 T "rep movsb into np"
 mov esi,area
 mov edi,TESTVA+0xff0
 mov ecx,100
 rep movsb
 ET
 T "rep stosd crossing np"
 mov edi,TESTVA+0xff2
 mov ecx,100
 rep stosd
 ET
 T "rep movsd backward"
 std
 mov esi,area+0x1000
 mov edi,TESTVA+0x6
 mov ecx,100
 rep movsd
 ET
 T "repe cmpsb"
 cld
 mov esi,TESTVA+0xff8
 mov edi,TESTVA+0xff8
 mov ecx,100
 repe cmpsb
 ET
 T "exec crossing"
 mov byte [TESTVA+0xffe],0xb8
 mov eax,TESTVA+0xffe
 jmp eax
 ET
 ret
%include "memory.inc"
ABSOLUTE bss_end
alignb 4096
pd: resb 4096
pt1: resb 4096
testpage: resb 4096
pdpt: resb 4096
pd2: resb 4096
pd3: resb 4096
