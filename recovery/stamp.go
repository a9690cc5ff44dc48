package recovery

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net/url"
	"strconv"
	"strings"
)

// MaxStamp is the number of bytes that Kafka keeps with a committed offset.
const MaxStamp = 4096

// ErrNotStamp means that commit metadata was not written by holdfast, or was
// damaged since.
var ErrNotStamp = errors.New("not a holdfast stamp")

// Stamp travels with every offset that holdfast commits, as the commit's
// metadata. It says which store vouches for the offset, and of which topic it
// is, since a deleted and recreated topic keeps its name.
//
// It is text, so that Kafka's own tools show it:
//
//	hf1 c6f52df6 topic=Mi0vqYzuQ2K_x-1abcdefg store=k3v0 epoch=7
//
// The second word is the CRC-32C of all that follows it. The rest are
// sections name=value, the value escaped as in a URL's query, in any order; a
// reader skips the names that it does not know.
type Stamp struct {
	TopicID string // as Kafka prints it; empty where the broker has none
	StoreID string
	Epoch   uint64
}

const stampMagic = "hf1"

const (
	sectionTopic = "topic"
	sectionStore = "store"
	sectionEpoch = "epoch"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode returns the metadata to commit. A stamp that would exceed [MaxStamp]
// is empty: the offset is then committed without one.
func (s Stamp) Encode() string {
	body := strings.Join([]string{
		sectionTopic + "=" + url.QueryEscape(s.TopicID),
		sectionStore + "=" + url.QueryEscape(s.StoreID),
		sectionEpoch + "=" + strconv.FormatUint(s.Epoch, 10),
	}, " ")
	text := fmt.Sprintf("%s %08x %s", stampMagic, stampSum(body), body)
	if len(text) > MaxStamp {
		return ""
	}
	return text
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
	for _, name := range []string{sectionTopic, sectionStore, sectionEpoch} {
		if _, ok := sections[name]; !ok {
			return Stamp{}, fmt.Errorf("%w: no section %s", ErrNotStamp, name)
		}
	}
	epoch, err := strconv.ParseUint(sections[sectionEpoch], 10, 64)
	if err != nil {
		return Stamp{}, fmt.Errorf("%w: epoch: %w", ErrNotStamp, err)
	}
	return Stamp{TopicID: sections[sectionTopic], StoreID: sections[sectionStore], Epoch: epoch}, nil
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
