# A program whose debug information is one unit of more than a megabyte.

	.globl main
	.text
main:
	int3
	xor %eax, %eax
	ret
.Lend:

	.section .debug_abbrev,"",@progbits
.Labbrev:
	.uleb128 1, 0x11	# DW_TAG_compile_unit
	.byte 1
	.uleb128 0x03, 0x08	# DW_AT_name, DW_FORM_string
	.uleb128 0x11, 0x01	# DW_AT_low_pc, DW_FORM_addr
	.uleb128 0x12, 0x07	# DW_AT_high_pc, DW_FORM_data8
	.uleb128 0, 0
	.uleb128 2, 0x24	# DW_TAG_base_type
	.byte 0
	.uleb128 0x03, 0x08
	.uleb128 0x0b, 0x0b	# DW_AT_byte_size, DW_FORM_data1
	.uleb128 0x3e, 0x0b	# DW_AT_encoding
	.uleb128 0, 0
	.uleb128 3, 0x2e	# DW_TAG_subprogram
	.byte 0
	.uleb128 0x03, 0x08
	.uleb128 0x11, 0x01
	.uleb128 0x12, 0x07
	.uleb128 0, 0
	.uleb128 0

	.section .debug_info,"",@progbits
	.long .Lunit_end - .Lunit
.Lunit:
	.value 4
	.long .Labbrev
	.byte 8
	.uleb128 1
	.asciz "hugeunit"
	.quad main, .Lend - main
	.rept 200000
	.uleb128 2
	.asciz "int"
	.byte 4, 5
	.endr
	.uleb128 3
	.asciz "main"
	.quad main, .Lend - main
	.uleb128 0
.Lunit_end:

	.section .note.GNU-stack,"",@progbits
