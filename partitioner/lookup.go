package partitioner

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// lookup returns the text of the element that path leads to in a document, nil
// where there is none. The document must be valid JSON: the cursor relies on it.
func lookup(doc []byte, path []step) []byte {
	for _, s := range path {
		c := cursor{doc: doc}
		switch c.next() {
		case '{':
			doc = c.member(s.name)
		case '[':
			doc = c.item(s.index)
		default:
			return nil
		}
		if doc == nil {
			return nil
		}
	}
	return doc
}

// cursor walks over valid JSON without decoding what it passes.
type cursor struct {
	doc []byte
	at  int
}

// next returns the first byte of the next token and stays there.
func (c *cursor) next() byte {
	for {
		switch b := c.doc[c.at]; b {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return b
		}
	}
}

// member returns the value of that name in the object under the cursor.
func (c *cursor) member(name string) (found []byte) {
	for c.at++; c.next() != '}'; {
		key := c.element()
		c.next() // the colon
		c.at++
		if value := c.element(); isString(key, name) {
			found = value // the last of equal names counts
		}
		if c.next() == ',' {
			c.at++
		}
	}
	return found
}

// item returns the element of that index in the array under the cursor.
func (c *cursor) item(index int) []byte {
	c.at++
	for i := 0; c.next() != ']'; i++ {
		if value := c.element(); i == index {
			return value
		}
		if c.next() == ',' {
			c.at++
		}
	}
	return nil
}

// element steps over the next element and returns its text.
func (c *cursor) element() []byte {
	first := c.next()
	start := c.at
	switch first {
	case '"':
		c.skipString()
	case '{', '[':
		c.skipNested()
	default:
		if end := bytes.IndexAny(c.doc[start:], ",]} \t\r\n"); end >= 0 {
			c.at = start + end
		} else {
			c.at = len(c.doc)
		}
	}
	return c.doc[start:c.at]
}

func (c *cursor) skipString() {
	for c.at++; c.doc[c.at] != '"'; c.at++ {
		if c.doc[c.at] == '\\' {
			c.at++
		}
	}
	c.at++
}

func (c *cursor) skipNested() {
	for depth := 0; ; {
		switch c.doc[c.at] {
		case '"':
			c.skipString()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		c.at++
		if depth == 0 {
			return
		}
	}
}

// scalar is the value of a JSON string, number or boolean, nil for all else.
func scalar(text []byte) []byte {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil
	}
	switch text[0] {
	case '"':
		return unquote(text)
	case 't', 'f':
		return text
	case '{', '[', 'n':
		return nil
	default:
		return canonicalNumber(text)
	}
}

func isString(quoted []byte, want string) bool {
	return string(unquote(quoted)) == want
}

// unquote decodes a JSON string, without copying where it stands for itself.
func unquote(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return nil // cannot be: the whole document was valid
	}
	return []byte(s)
}
