package queue

import (
	"bytes"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
)

// The small values of a file are framed msgpack maps, so that a field can be
// added without a new format.

// stateValue is what the file knows of a partition as a whole.
type stateValue struct {
	Frontier     int64  `msgpack:"frontier"`
	Next         int64  `msgpack:"next"`
	Acknowledged int64  `msgpack:"acknowledged"`
	TopicID      string `msgpack:"topic_id"`
	Scheme       uint16 `msgpack:"scheme"`         // number of the scheme of new records
	Fingerprint  string `msgpack:"fingerprint"`    // of that scheme
	Away         int64  `msgpack:"away,omitempty"` // Unix nanoseconds of the last detaching; zero since it got a lease
	// Seek is nil where no operator wants to go on elsewhere.
	Seek     *seekValue `msgpack:"seek,omitempty"`
	Seeks    uint64     `msgpack:"seeks,omitempty"`     // that were carried out
	SoughtIn string     `msgpack:"sought_in,omitempty"` // opening that carried out the last
	Resets   uint64     `msgpack:"resets,omitempty"`    // how often the jobs were forgotten
}

// parkedValue is what is known of a parked lane.
type parkedValue struct {
	Name      []byte   `msgpack:"name"`
	Offset    int64    `msgpack:"offset"` // of the job that it was parked for; -1: by an operator, or elsewhere
	Since     int64    `msgpack:"since"`  // Unix nanoseconds
	Reason    string   `msgpack:"reason,omitempty"`
	Scheme    uint16   `msgpack:"scheme"`              // that its id is of
	Released  bool     `msgpack:"released,omitempty"`  // its jobs run
	Elsewhere []string `msgpack:"elsewhere,omitempty"` // ids of other stores that hold jobs of it
	Jobs      int64    `msgpack:"jobs"`                // of it in the bucket aside
	Bytes     int64    `msgpack:"bytes"`               // of their bodies
}

// identityValue names the store. The format version stands apart from it, so
// that a version that cannot decode the rest can still tell.
type identityValue struct {
	Cluster string `msgpack:"cluster"`
	Group   string `msgpack:"group"`
	StoreID string `msgpack:"store_id"`
	Epoch   uint64 `msgpack:"epoch"`
}

// maxValue bounds the values that are decoded by reflection.
const maxValue = 1 << 20

func encodeValue(v any) ([]byte, error) {
	payload, err := msgpack.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return appendFrame(nil, payload), nil
}

func decodeValue(b []byte, v any) error {
	payload, err := openWhole(b)
	if err != nil {
		return err
	}
	if len(payload) > maxValue {
		return fmt.Errorf("value of %d bytes is above the bound of %d", len(payload), maxValue)
	}
	// Unmarshal takes a decoder from a pool, whose buffer grows by a MiB with
	// every text that announces more bytes than there are.
	return msgpack.NewDecoder(bytes.NewReader(payload)).Decode(v)
}
