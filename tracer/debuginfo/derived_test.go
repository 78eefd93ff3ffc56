package debuginfo

import "testing"

func TestDerived(t *testing.T) {
	i := NewBase("int", 4, encSigned)
	for _, test := range []struct {
		t    *Type
		text string
		size int64
	}{
		{i, "int", 4},
		{PointerTo(i), "int *", 8},
		{PointerTo(nil), "void *", 8},
		{PointerTo(ArrayOf(i, 3)), "int (*)[3]", 8},
		{ArrayOf(PointerTo(i), 3), "int *[3]", 24},
		{ArrayOf(ArrayOf(i, 1<<61), 2), "int [2][2305843009213693952]", -1},
	} {
		if got := test.t.String(); got != test.text || test.t.Size != test.size {
			t.Errorf("got %s of %d bytes, want %s of %d", got, test.t.Size, test.text, test.size)
		}
	}
}

func TestRow(t *testing.T) {
	d := openFile(t, build(t, "types.c"))
	vars, err := d.Globals("grid", 0)
	if err != nil {
		t.Fatal(err)
	}
	grid, err := vars[0].Type()
	if err != nil {
		t.Fatal(err)
	}
	row, err := grid.Row()
	if err != nil || row.String() != "int [3]" || row.Size != 12 {
		t.Fatalf("row of %s: %v, %v", grid, row, err)
	}
	if elem, err := row.Row(); err != nil || elem.String() != "int" {
		t.Errorf("row of %s: %v, %v", row, elem, err)
	}
	if got := PointerTo(row).Language(); got != C {
		t.Errorf("language %d", got)
	}
}
