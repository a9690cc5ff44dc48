package recovery

import (
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-2837c37b/holdfast/queue"
)

// MaxStamp is the number of bytes that Kafka keeps with a committed offset.
const MaxStamp = 4096

// ErrNotStamp means that commit metadata was not written by holdfast, or was
// damaged since.
var ErrNotStamp = errors.New("not a holdfast stamp")

// Stamp travels with every offset that holdfast commits, as the commit's
// metadata. It says which store vouches for the offset, of which topic it is,
// since a deleted and recreated topic keeps its name, and what is complete above
// the offset.
//
// It is text, so that Kafka's own tools show it:
//
//	hf1 581f1c53 topic=Mi0vqYzuQ2K_x-1abcdefg store=k3v0 epoch=7 nonce=ab3c7pqz left=12 ahead=AwC9mwfoAa7A
//
// The second word is the CRC-32C of all that follows it. The rest are
// sections name=value, the value escaped as in a URL's query, in any order; a
// reader skips the names that it does not know. Where there is not enough room,
// ahead is cut, and before it is all gone neither parked nor paused are.
type Stamp struct {
	TopicID string // as Kafka prints it; empty where the broker has none
	StoreID string
	Epoch   uint64
	// Nonce tells openings of one number apart: two copies of a store may both
	// count to it. Empty: an older version wrote the stamp.
	Nonce string
	// Seeks counts those that were carried out before the commit: a commit that an
	// older one has overtaken on another connection is told by it.
	Seeks uint64
	// Ahead is what is complete above the committed offset, ascending and apart
	// from each other. A part below the offset is true and of no use.
	Ahead []queue.Range
	// Left counts the offsets that are complete above the committed one, too,
	// and did not fit: another owner runs them again.
	Left int64
	// Scheme is the [SchemeSum] of what chooses lanes: the ids of Parked and Paused
	// say something under the same only. Zero: an older version wrote the stamp.
	Scheme uint32
	// Parked are the lanes, ascending, whose later records no owner may run, and
	// the stores that keep the earlier ones. Here is the stamp's own store.
	Parked []queue.ParkedIn
	// Paused are pauses of the partition.
	Paused []Paused
	// Unknown are names of sections that this version does not know.
	Unknown []string
}

const stampMagic = "hf1"

// SomeNonce is as long as any: for a stamp of which only the size counts.
const SomeNonce = "nonce123"

const (
	sectionTopic  = "topic"
	sectionStore  = "store"
	sectionEpoch  = "epoch"
	sectionNonce  = "nonce"
	sectionSeeks  = "seeks"
	sectionScheme = "scheme"
	sectionParked = "parked"
	sectionPaused = "paused"
	sectionLeft   = "left"
	sectionAhead  = "ahead"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode returns the metadata to commit, of at most [MaxStamp] bytes. A stamp
// that exceeds them without what is ahead is empty: the offset is then
// committed without one.
func (s Stamp) Encode() string {
	_, metadata := s.Fit(MaxStamp)
	return metadata
}

// Fit returns the stamp as it is with at most limit bytes, and its text: the
// highest of Ahead are left out and counted in Left instead. What of Parked and
// Paused does not fit even so is left out. The text is empty where even the rest
// does not fit.
func (s Stamp) Fit(limit int) (Stamp, string) {
	body := strings.Join([]string{
		sectionTopic + "=" + url.QueryEscape(s.TopicID),
		sectionStore + "=" + url.QueryEscape(s.StoreID),
		sectionEpoch + "=" + strconv.FormatUint(s.Epoch, 10),
	}, " ")
	if s.Nonce != "" {
		body += " " + sectionNonce + "=" + url.QueryEscape(s.Nonce)
	}
	if s.Seeks != 0 {
		body += " " + sectionSeeks + "=" + strconv.FormatUint(s.Seeks, 10)
	}
	if s.Scheme != 0 {
		body += fmt.Sprintf(" %s=%08x", sectionScheme, s.Scheme)
	}
	const ahead, left = " " + sectionAhead + "=", " " + sectionLeft + "="
	const mostLeft = len(left) + 20
	add := func(section string, pack func(limit int) string) {
		if value := pack(limit - len(stampMagic) - 12 - len(body) - len(section) - mostLeft); value != "" {
			body += " " + section + "=" + value
		}
	}
	add(sectionParked, func(limit int) (text string) {
		text, s.Parked = packParked(s.Parked, limit)
		return text
	})
	add(sectionPaused, func(limit int) (text string) {
		text, s.Paused = packPaused(s.Paused, limit)
		return text
	})
	room := limit - len(stampMagic) - 10 - len(body) - mostLeft - len(ahead)
	packed, carried := packRanges(s.Ahead, room)
	for _, r := range s.Ahead[carried:] {
		s.Left += r.To - r.From
	}
	s.Ahead = s.Ahead[:carried:carried]
	if s.Left > 0 {
		body += left + strconv.FormatInt(s.Left, 10)
	}
	if carried > 0 {
		body += ahead + packed
	}
	text := fmt.Sprintf("%s %08x %s", stampMagic, stampSum(body), body)
	if len(text) > min(limit, MaxStamp) {
		return s, ""
	}
	return s, text
}

// DecodeStamp reads commit metadata. The error is [ErrNotStamp] for metadata
// that another program wrote and for a damaged stamp.
func DecodeStamp(metadata string) (Stamp, error) {
	body, err := stampBody(metadata)
	if err != nil {
		return Stamp{}, err
	}
	sections, err := stampSections(body)
	if err != nil {
		return Stamp{}, err
	}
	var s Stamp
	for _, read := range []struct {
		name     string
		required bool
		value    func(string) error
	}{
		{sectionTopic, true, func(v string) error { s.TopicID = v; return nil }},
		{sectionStore, true, func(v string) error { s.StoreID = v; return nil }},
		{sectionEpoch, true, func(v string) (err error) { s.Epoch, err = strconv.ParseUint(v, 10, 64); return err }},
		{sectionNonce, false, func(v string) error { s.Nonce = v; return nil }},
		{sectionSeeks, false, func(v string) (err error) { s.Seeks, err = strconv.ParseUint(v, 10, 64); return err }},
		{sectionScheme, false, func(v string) (err error) { s.Scheme, err = parseScheme(v); return err }},
		{sectionParked, false, func(v string) (err error) { s.Parked, err = unpackParked(v); return err }},
		{sectionPaused, false, func(v string) (err error) { s.Paused, err = unpackPaused(v); return err }},
		{sectionLeft, false, func(v string) (err error) { s.Left, err = parseCount(v); return err }},
		{sectionAhead, false, func(v string) (err error) { s.Ahead, err = unpackRanges(v); return err }},
	} {
		value, ok := sections[read.name]
		delete(sections, read.name)
		switch {
		case !ok && read.required:
			return Stamp{}, fmt.Errorf("%w: no section %s", ErrNotStamp, read.name)
		case !ok:
			continue
		}
		if err := read.value(value); err != nil {
			return Stamp{}, fmt.Errorf("%w: %s: %w", ErrNotStamp, read.name, err)
		}
	}
	s.Unknown = slices.Sorted(maps.Keys(sections))
	return s, nil
}

func parseScheme(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 16, 32)
	return uint32(n), err
}

func parseCount(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err
}

// stampBody checks length, magic and checksum, and returns the sections.
func stampBody(metadata string) (string, error) {
	if len(metadata) > MaxStamp {
		return "", fmt.Errorf("%w: %d bytes", ErrNotStamp, len(metadata))
	}
	rest, ok := strings.CutPrefix(metadata, stampMagic+" ")
	if !ok {
		return "", ErrNotStamp
	}
	sum, body, ok := strings.Cut(rest, " ")
	if !ok || sum != fmt.Sprintf("%08x", stampSum(body)) {
		return "", fmt.Errorf("%w: checksum does not match", ErrNotStamp)
	}
	return body, nil
}

func stampSections(body string) (map[string]string, error) {
	sections := map[string]string{}
	for section := range strings.SplitSeq(body, " ") {
		name, escaped, ok := strings.Cut(section, "=")
		if !ok {
			return nil, fmt.Errorf("%w: section without a value", ErrNotStamp)
		}
		value, err := url.QueryUnescape(escaped)
		if err != nil {
			return nil, fmt.Errorf("%w: section %s: %w", ErrNotStamp, name, err)
		}
		if _, twice := sections[name]; twice {
			return nil, fmt.Errorf("%w: section %s twice", ErrNotStamp, name)
		}
		sections[name] = value
	}
	return sections, nil
}

func stampSum(body string) uint32 { return crc32.Checksum([]byte(body), castagnoli) }
