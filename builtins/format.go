package builtins

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"
)

// specification is the form of what format takes, as Python's builtin of that name has it.
var specification = regexp.MustCompile(`^(?s:(.)?([<>=^]))?([-+ ]?)(#?)(0?)([0-9]{0,4})([,_]?)(?:\.([0-9]{1,4}))?([bdoxXeEfFgGs%]?)$`)

// format formats a value.
func (e *Env) format(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	var spec string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "x", &x, "spec", &spec); err != nil {
		return nil, err
	}
	m := specification.FindStringSubmatch(spec)
	if m == nil {
		return nil, fmt.Errorf("%s: got %q, want [[fill]<>^=][+- ][#][0][width][,_][.precision][bdoxXeEfFgGs%%]", b.Name(), spec)
	}
	fill, side, sign, alternate, zero, grouping, kind := m[1], m[2], m[3], m[4] != "", m[5] != "", m[7], m[9]
	width, _ := strconv.Atoi(m[6])
	precision := -1
	if m[8] != "" {
		precision, _ = strconv.Atoi(m[8])
	}
	if width > maxWidth || precision > maxWidth {
		return nil, fmt.Errorf("%s: the width and the precision are %d at most", b.Name(), maxWidth)
	}
	if v := asTyped(x); v != nil && kind != "" && kind != "s" {
		if v.v.IsFloat() {
			f, err := v.v.Float()
			if err != nil {
				return nil, err
			}
			x = starlark.Float(f)
		} else {
			n, err := v.v.Int()
			if err != nil {
				return nil, err
			}
			x = starlark.MakeBigInt(n)
		}
	}
	negative, prefix, digits := false, "", ""
	switch n := x.(type) {
	case starlark.Int:
		switch kind {
		case "", "b", "d", "o", "x", "X":
			if precision >= 0 {
				return nil, fmt.Errorf("%s: an int has no precision", b.Name())
			}
			negative, prefix, digits = integerDigits(n.BigInt(), kind)
		default:
			var err error
			if negative, digits, err = floatDigits(float64(n.Float()), kind, precision); err != nil {
				return nil, fmt.Errorf("%s: an int: %w", b.Name(), err)
			}
		}
	case starlark.Float:
		var err error
		if negative, digits, err = floatDigits(float64(n), kind, precision); err != nil {
			return nil, fmt.Errorf("%s: a float: %w", b.Name(), err)
		}
	default:
		if kind != "" && kind != "s" || sign != "" || alternate || grouping != "" || side == "=" {
			return nil, fmt.Errorf("%s: %q is for numbers, got %s", b.Name(), spec, x.Type())
		}
		var s blob
		if s.Unpack(x) != nil {
			s = blob(x.String())
		}
		text := string(s)
		if precision >= 0 {
			text = string([]rune(text)[:min(precision, utf8.RuneCountInString(text))])
		}
		return starlark.String(align(text, fill, side, "<", width)), nil
	}
	if !alternate {
		prefix = ""
	}
	switch {
	case negative:
		prefix = "-" + prefix
	case sign == "+" || sign == " ":
		prefix = sign + prefix
	}
	digits = group(digits, grouping, kind)
	if zero && side == "" {
		fill, side = "0", "="
	}
	if side == "=" {
		prefix += align(digits, fill, ">", ">", width-len(prefix))
		return starlark.String(prefix), nil
	}
	return starlark.String(align(prefix+digits, fill, side, ">", width)), nil
}

// integerDigits returns the parts of an int in the base that a type of format stands for.
func integerDigits(n *big.Int, kind string) (negative bool, prefix, digits string) {
	base := 10
	switch kind {
	case "b":
		base = 2
	case "o":
		base = 8
	case "x", "X":
		base = 16
	}
	if base != 10 {
		prefix = "0" + kind
	}
	digits = strings.TrimPrefix(n.Text(base), "-")
	if kind == "X" {
		digits = strings.ToUpper(digits)
	}
	return n.Sign() < 0, prefix, digits
}

// floatDigits returns the parts of a float in the form that a type of format stands for.
func floatDigits(f float64, kind string, precision int) (negative bool, digits string, err error) {
	form, percent := byte('g'), ""
	switch kind {
	case "":
		if precision < 0 {
			digits = starlark.Float(f).String()
			digits, negative = strings.CutPrefix(digits, "-")
			return negative, digits, nil
		}
	case "%":
		form, f, percent = 'f', f*100, "%"
	case "e", "E", "f", "F", "g", "G":
		form = kind[0] | 0x20
	default:
		return false, "", fmt.Errorf("type %q is not for it", kind)
	}
	if precision < 0 {
		precision = 6
	}
	if form == 'g' {
		precision = max(precision, 1)
	}
	digits, negative = strings.CutPrefix(strconv.FormatFloat(f, form, precision, 64), "-")
	digits = strings.ToLower(strings.TrimPrefix(digits, "+")) + percent // of +Inf and NaN
	if kind != "" && strings.Contains("EFG", kind) {
		digits = strings.ToUpper(digits)
	}
	return negative, digits, nil
}

// group puts a separator between the digits in front of the point.
func group(digits, separator, kind string) string {
	if separator == "" {
		return digits
	}
	size, end := 4, len(digits)
	if kind == "" || !strings.Contains("boxX", kind) {
		size = 3
		if i := strings.IndexAny(digits, ".e%"); i >= 0 {
			end = i
		}
	}
	var b strings.Builder
	for i := range end {
		if i > 0 && (end-i)%size == 0 {
			b.WriteString(separator)
		}
		b.WriteByte(digits[i])
	}
	return b.String() + digits[end:]
}

// align fills text up to a width in columns, of which what sets colors takes none.
func align(text, fill, side, usual string, width int) string {
	columns := 0
	for i := 0; i < len(text); columns++ {
		n := graphicRendition(text[i:])
		if n > 0 {
			columns--
		} else {
			_, n = utf8.DecodeRuneInString(text[i:])
		}
		i += n
	}
	if fill == "" {
		fill = " "
	}
	if side == "" {
		side = usual
	}
	rest := max(0, width-columns)
	left := map[string]int{"<": 0, ">": rest, "^": rest / 2}[side]
	return strings.Repeat(fill, left) + text + strings.Repeat(fill, rest-left)
}
