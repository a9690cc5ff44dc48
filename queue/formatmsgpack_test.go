package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// frame checks a value that is one frame and returns its payload.
func frame(b []byte) ([]byte, error) {
	if len(b) < 9 || b[0] != 1 || int(binary.BigEndian.Uint32(b[5:])) != len(b)-9 {
		return nil, fmt.Errorf("%d bytes are no frame", len(b))
	}
	covered := append([]byte{b[0]}, b[5:]...)
	if crc32.Checksum(covered, crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(b[1:]) {
		return nil, errors.New("checksum")
	}
	return b[9:], nil
}

func framedMap(b []byte) (map[string]any, error) {
	payload, err := frame(b)
	if err != nil {
		return nil, err
	}
	v, _, err := msgpackValue(payload)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%T is no map", v)
	}
	return m, nil
}

func number(v any) int64 { n, _ := v.(int64); return n }

func raw(v any) []byte { b, _ := v.([]byte); return b }

func text(v any) string { return string(raw(v)) }

// msgpackValue reads one value as nil, bool, int64 (the bits of an unsigned
// one), []byte, []any or map[string]any, and returns the rest.
func msgpackValue(b []byte) (v any, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errors.New("msgpack ends early")
	}
	c, b := b[0], b[1:]
	switch {
	case c < 0x80:
		return int64(c), b, nil
	case c < 0x90:
		return msgpackMap(int(c&0x0f), b)
	case c < 0xa0:
		return msgpackArray(int(c&0x0f), b)
	case c < 0xc0:
		return msgpackBytes(int(c&0x1f), b)
	case c == 0xc0:
		return nil, b, nil
	case c == 0xc2 || c == 0xc3:
		return c == 0xc3, b, nil
	case c >= 0xe0:
		return int64(int8(c)), b, nil
	}
	width, ok := map[byte]int{
		0xc4: 1, 0xc5: 2, 0xc6: 4, 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8,
		0xd9: 1, 0xda: 2, 0xdb: 4, 0xdc: 2, 0xdd: 4, 0xde: 2, 0xdf: 4,
	}[c]
	if !ok || len(b) < width {
		return nil, nil, fmt.Errorf("msgpack code %x with %d bytes", c, len(b))
	}
	n := uint64(0)
	for _, x := range b[:width] {
		n = n<<8 | uint64(x)
	}
	b = b[width:]
	switch {
	case c >= 0xde:
		return msgpackMap(int(n), b)
	case c >= 0xdc:
		return msgpackArray(int(n), b)
	case c >= 0xd9 || c <= 0xc6:
		return msgpackBytes(int(n), b)
	case c >= 0xd0: // signed: the width's highest bit is the sign
		shift := 64 - 8*width
		return int64(n) << shift >> shift, b, nil
	}
	return int64(n), b, nil
}

func msgpackBytes(n int, b []byte) (any, []byte, error) {
	if n > len(b) {
		return nil, nil, fmt.Errorf("msgpack string of %d bytes with %d left", n, len(b))
	}
	return append(make([]byte, 0, n), b[:n]...), b[n:], nil
}

func msgpackArray(n int, b []byte) (any, []byte, error) {
	list := []any{}
	for range n {
		v, rest, err := msgpackValue(b)
		if err != nil {
			return nil, nil, err
		}
		list, b = append(list, v), rest
	}
	return list, b, nil
}

func msgpackMap(n int, b []byte) (any, []byte, error) {
	if n > math.MaxInt/2 {
		return nil, nil, fmt.Errorf("msgpack map of %d", n)
	}
	v, rest, err := msgpackArray(2*n, b)
	if err != nil {
		return nil, nil, err
	}
	m := map[string]any{}
	for i, list := 0, v.([]any); i < len(list); i += 2 {
		m[text(list[i])] = list[i+1]
	}
	return m, rest, nil
}
