# Call frame instructions that compilers seldom use. It need not run.
	.text
	.globl _start
_start:
	.cfi_startproc
	nop
	.cfi_def_cfa rbp, 16
	nop
	.cfi_def_cfa_register rsp
	nop
	.cfi_offset rbx, -24
	nop
	.cfi_rel_offset r12, 8
	nop
	.cfi_val_offset r13, -40
	nop
	.cfi_register r14, r15
	nop
	.cfi_same_value rbp
	nop
	.cfi_undefined r8
	nop
	.cfi_remember_state
	.cfi_adjust_cfa_offset 64
	.cfi_restore rbx
	nop
	.cfi_remember_state
	.cfi_restore r14
	.cfi_undefined rip
	nop
	.cfi_restore_state
	nop
	.cfi_restore_state
	nop
	# DW_CFA_def_cfa_expression: rsp + 8, dereferenced
	.cfi_escape 0x0f, 0x03, 0x77, 0x08, 0x06
	nop
	# DW_CFA_def_cfa_sf: rsp + -2 * -8
	.cfi_escape 0x12, 0x07, 0x7e
	nop
	# DW_CFA_def_cfa_offset_sf: -3 * -8
	.cfi_escape 0x13, 0x7d
	nop
	# DW_CFA_offset_extended and _sf, DW_CFA_val_offset_sf
	.cfi_escape 0x05, 0x03, 0x07
	.cfi_escape 0x11, 0x0c, 0x78
	.cfi_escape 0x15, 0x0d, 0x02
	nop
	# DW_CFA_GNU_negative_offset_extended, DW_CFA_GNU_args_size
	.cfi_escape 0x2f, 0x06, 0x04
	.cfi_escape 0x2e, 0x20
	nop
	# DW_CFA_expression and DW_CFA_val_expression: rbp - 8, the CFA + 16
	.cfi_escape 0x10, 0x03, 0x02, 0x76, 0x78
	.cfi_escape 0x16, 0x0c, 0x02, 0x23, 0x10
	nop
	# DW_CFA_restore_extended, DW_CFA_advance_loc2
	.cfi_escape 0x06, 0x10
	.fill 300, 1, 0x90
	.cfi_def_cfa_offset 72
	# DW_CFA_advance_loc4
	.fill 70000, 1, 0x90
	.cfi_def_cfa_offset 80
	nop
	.cfi_endproc
	.section .note.GNU-stack
