package partitioner

import "bytes"

const (
	separator = '/'
	escape    = '\\'
)

// appendPart adds one part of a joined value. Separators within it are escaped:
// different parts never join to the same value ("a","b/c" is a/b\/c), and what
// people read as the name of a lane is exactly what was hashed.
func appendPart(dst, part []byte) []byte {
	for {
		at := bytes.IndexAny(part, `/\`)
		if at < 0 {
			return append(dst, part...)
		}
		dst = append(dst, part[:at]...)
		dst = append(dst, escape, part[at])
		part = part[at+1:]
	}
}
