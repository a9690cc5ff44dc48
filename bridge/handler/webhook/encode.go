package webhook

import (
	"encoding/base64"
	"mime"
	"strings"
	"unicode/utf8"
)

const upperHex = "0123456789ABCDEF"

// encode is the percent-encoding of the CloudEvents HTTP binding, section
// 3.1.3.2: space, double quote, percent, and every byte of a character outside
// of U+0021 to U+007E.
func encode(s string) string {
	extra := 0
	for i := range len(s) {
		if encoded(s[i]) {
			extra += 2
		}
	}
	if extra == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + extra)
	for i := range len(s) {
		if c := s[i]; encoded(c) {
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func encoded(c byte) bool { return c <= ' ' || c == '"' || c == '%' || c > '~' }

// isText tells whether s can be a CloudEvents string that is not empty: valid
// UTF-8 without control characters and noncharacters.
func isText(s string) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		control := r < 0x20 || r >= 0x7f && r < 0xa0
		noncharacter := r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe
		if control || noncharacter {
			return false
		}
	}
	return true
}

// textOr sets one of two attributes: the first where s can be its value, else
// the second to the base64 of s.
func textOr(set func(name, value string), name, inBase64, s string) {
	if isText(s) {
		set(name, encode(s))
		return
	}
	set(inBase64, base64.StdEncoding.EncodeToString([]byte(s)))
}

// isMediaType tells whether s can be a Content-Type.
func isMediaType(s string) bool {
	kind, _, err := mime.ParseMediaType(s)
	_, ok := fieldValue(s)
	return err == nil && ok && strings.Contains(kind, "/")
}
