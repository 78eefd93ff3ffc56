# Functions with names of C++ and Rust, each a byte long.
	.text
	.macro function name
	.globl \name
	.type \name, @function
\name:	ret
	.size \name, 1
	.endm

	function parse
	function _Z5parsei
	function _ZN2ns5parseEPKc
	function _ZNK2ns5Class6methodEv
	function _ZNK2ns5Class6methodEv.cold
	function _ZN2ns5ClassC1Ev
	function _ZN2ns5ClassD2Ev
	function _ZN2ns6sortedISt6vectorIiSaIiEEEEvRT_
	function _ZN2ns6sortedIiEEvRT_
	function _ZN2nseqERKNS_5ClassES2_
	function _ZTVN2ns5ClassE
	function _ZZ4mainENKUlvE_clEv
	function _ZN12_GLOBAL__N_16hiddenEi.isra.0
	function _ZNSs6appendEPKc
	function _RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3newCs15kBYyAo9fc_7mycrate
	function _ZN4core3fmt9Formatter3pad17h0123456789abcdefE
	function _Znot_mangled
