// Package debuginfo reads DWARF, versions 2 to 5, of one file: which function
// and which line an address belongs to, where functions and lines have their
// code, which variables there are at an address and where their values are, and
// what their types look like.
//
// Open takes the sections of an ELF file, of a file of separate debug
// information or of memory. Addresses are those the file was linked for; who
// knows a load bias adds it. Nothing here knows processes:
// expressions are evaluated over a Frame, which reads a live process or a core.
//
// # What is read when
//
// Open reads the headers of units. After that
//
//   - an address costs the table of addresses (.debug_aranges, and the first
//     entries of units that it lacks), once, and the entries and the lines of its
//     unit;
//   - a file and a line cost the file names of all line tables, once, and the
//     tables that have the file;
//   - a name costs a table of names, once, and the units that define it. An index
//     in the file (.debug_names, .gdb_index) serves as that table. Without one all
//     units are scanned, on all CPUs, past what is in functions and types.
//
// What has been read is kept for as long as the Data: of a unit the tree of
// its functions and scopes, its lines in the order of addresses, and the types
// asked for.
//
// What -gsplit-dwarf has put into other files is read when an entry of its unit is
// needed; SetSplit says who finds the files.
//
// # Bad input
//
// Files may be hostile. A lookup returns a value or an error, in time and memory
// bounded by the size of the file; what can be read in spite of an error
// elsewhere in the file is found. ErrNotFound means that the file says nothing
// of what was asked, which is usual.
package debuginfo
