package recovery

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// A stamp names parked lanes by the store that keeps their jobs: the store's id,
// which is empty for the stamp's own, a dot, and the ids of the lanes, 8 bytes
// each in base64url. Stores are parted by a tilde.
//
// It names pauses by the id of the lane in hexadecimal digits, or all for the
// partition, and where there is an end, a dot and that in Unix seconds; they are
// parted by a tilde, too.

// SchemeSum stands for the fingerprint of what chooses lanes; it is never zero.
func SchemeSum(fingerprint string) uint32 {
	return max(1, crc32.Checksum([]byte(fingerprint), castagnoli))
}

// parkedAt is one store that keeps jobs of a lane; the empty id is the stamp's own.
type parkedAt struct {
	store string
	lane  uint64
}

// parkedPairs lists the lanes each with one of its stores, and then other stores
// as far as these are not more than there may be lanes: who else keeps jobs of a
// lane is of less use than what is ahead.
func parkedPairs(lanes []queue.ParkedIn) (pairs []parkedAt) {
	var more []parkedAt
	for _, in := range lanes {
		stores := slices.Clone(in.Stores)
		if in.Here {
			stores = slices.Insert(stores, 0, "")
		}
		for i, store := range stores {
			if i == 0 {
				pairs = append(pairs, parkedAt{store, in.Lane})
			} else {
				more = append(more, parkedAt{store, in.Lane})
			}
		}
	}
	return append(pairs, more[:min(len(more), max(0, queue.MaxParked-len(pairs)))]...)
}

// packParked writes as many of the lanes as limit bytes hold, and returns these.
func packParked(lanes []queue.ParkedIn, limit int) (text string, carried []queue.ParkedIn) {
	pairs := parkedPairs(lanes)
	n := len(pairs)
	if text = joinParked(pairs); len(text) > limit {
		n = sort.Search(n, func(i int) bool { return len(joinParked(pairs[:i+1])) > limit })
		text = joinParked(pairs[:n])
	}
	return text, gatherParked(pairs[:n])
}

func joinParked(pairs []parkedAt) string {
	ids := map[string][]byte{}
	for _, p := range pairs {
		ids[p.store] = binary.BigEndian.AppendUint64(ids[p.store], p.lane)
	}
	var groups []string
	for _, store := range slices.Sorted(maps.Keys(ids)) {
		name := strings.ReplaceAll(url.QueryEscape(store), "~", "%7E")
		groups = append(groups, url.QueryEscape(name+"."+base64.RawURLEncoding.EncodeToString(ids[store])))
	}
	return strings.Join(groups, "~")
}

// gatherParked returns the lanes, ascending.
func gatherParked(pairs []parkedAt) []queue.ParkedIn {
	lanes := map[uint64]*queue.ParkedIn{}
	for _, p := range pairs {
		in := lanes[p.lane]
		if in == nil {
			in = &queue.ParkedIn{Lane: p.lane}
			lanes[p.lane] = in
		}
		if p.store == "" {
			in.Here = true
		} else {
			in.Stores = append(in.Stores, p.store)
		}
	}
	var list []queue.ParkedIn
	for _, id := range slices.Sorted(maps.Keys(lanes)) {
		slices.Sort(lanes[id].Stores)
		list = append(list, *lanes[id])
	}
	return list
}

var errParked = errors.New("parked lanes are malformed")

// unpackParked is the inverse of packParked.
func unpackParked(text string) ([]queue.ParkedIn, error) {
	var pairs []parkedAt
	seen := map[parkedAt]bool{}
	for group := range strings.SplitSeq(text, "~") {
		at := strings.LastIndexByte(group, '.')
		if at < 0 {
			return nil, errParked
		}
		store, err := url.QueryUnescape(group[:at])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errParked, err)
		}
		ids, err := base64.RawURLEncoding.Strict().DecodeString(group[at+1:])
		if err != nil || len(ids) == 0 || len(ids)%8 != 0 {
			return nil, errParked
		}
		for ; len(ids) > 0; ids = ids[8:] {
			p := parkedAt{store, binary.BigEndian.Uint64(ids)}
			if seen[p] {
				return nil, errParked
			}
			seen[p] = true
			pairs = append(pairs, p)
		}
	}
	return gatherParked(pairs), nil
}

// Paused is a pause of the partition, or of one of its lanes, as a stamp tells.
type Paused struct {
	All   bool // the partition
	Lane  uint64
	Until time.Time // in whole seconds; the zero time: it has no end
}

// packPaused writes as many of the pauses as limit bytes hold.
func packPaused(pauses []Paused, limit int) (text string, carried []Paused) {
	for i, p := range pauses {
		item := "all"
		if !p.All {
			item = strconv.FormatUint(p.Lane, 16)
		}
		if !p.Until.IsZero() {
			item += "." + strconv.FormatInt(max(0, p.Until.Unix()), 10)
		}
		if i > 0 {
			item = "~" + item
		}
		if len(text)+len(item) > limit {
			return text, pauses[:i:i]
		}
		text += item
	}
	return text, pauses
}

func unpackPaused(text string) (pauses []Paused, err error) {
	for item := range strings.SplitSeq(text, "~") {
		scope, until, ends := strings.Cut(item, ".")
		p := Paused{All: scope == "all"}
		if !p.All {
			p.Lane, err = strconv.ParseUint(scope, 16, 64)
		}
		if ends {
			seconds, bad := strconv.ParseUint(until, 10, 40)
			p.Until, err = time.Unix(int64(seconds), 0), cmp.Or(err, bad)
		}
		if err != nil {
			return nil, err
		}
		pauses = append(pauses, p)
	}
	return pauses, nil
}
