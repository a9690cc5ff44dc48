package partitioner

import (
	"bytes"
	"slices"
	"strconv"
)

// plainDigits is how long a whole number is written out; beyond, trailing zeros
// become an exponent.
const plainDigits = 21

// canonicalNumber spells a JSON number so that equal numbers have equal text:
// 1.0, 1e0 and 1 are all 1. It is exact, unlike a way through float64, which
// would merge large ids. Exponents beyond any use are left as they were written.
func canonicalNumber(literal []byte) []byte {
	if len(literal) <= plainDigits && !bytes.ContainsAny(literal, ".eE-") {
		return literal
	}
	mantissa, exponent := literal, []byte("0")
	if at := bytes.IndexAny(literal, "eE"); at >= 0 {
		mantissa, exponent = literal[:at], literal[at+1:]
	}
	mantissa, negative := bytes.CutPrefix(mantissa, []byte("-"))
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	digits := slices.Concat(whole, fraction)
	digits = bytes.TrimLeft(digits, "0")
	significant := bytes.TrimRight(digits, "0")
	if len(significant) == 0 {
		return []byte("0")
	}
	power, err := strconv.ParseInt(string(exponent), 10, 31)
	if err != nil {
		return literal
	}
	return spell(negative, significant, int(power)-len(fraction)+len(digits)-len(significant))
}

// spell writes digits * 10^exponent; digits begin and end with no zero.
func spell(negative bool, digits []byte, exponent int) []byte {
	out := make([]byte, 0, len(digits)+16)
	if negative {
		out = append(out, '-')
	}
	point := len(digits) + exponent // digits before the decimal point
	switch {
	case exponent == 0:
		return append(out, digits...)
	case exponent > 0 && point <= plainDigits:
		out = append(out, digits...)
		return append(out, bytes.Repeat([]byte("0"), exponent)...)
	case exponent < 0 && point > 0:
		out = append(append(out, digits[:point]...), '.')
		return append(out, digits[point:]...)
	case exponent < 0 && point > -6:
		out = append(append(out, "0."...), bytes.Repeat([]byte("0"), -point)...)
		return append(out, digits...)
	default:
		out = append(append(out, digits...), 'e')
		return strconv.AppendInt(out, int64(exponent), 10)
	}
}
