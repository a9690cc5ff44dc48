package inspect

import (
	"fmt"
	"strconv"
)

// LaneID is the hash by which a store knows a lane. As text it has 16
// hexadecimal digits.
type LaneID uint64

func (id LaneID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// MarshalText returns the text.
func (id LaneID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the text.
func (id *LaneID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil {
		return fmt.Errorf("%.40q is not a lane's id of up to 16 hexadecimal digits", text)
	}
	*id = LaneID(n)
	return nil
}
