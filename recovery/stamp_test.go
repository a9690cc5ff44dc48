package recovery

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestStampIsReadableText(t *testing.T) {
	t.Parallel()
	stamp := Stamp{TopicID: "Mi0vqYzuQ2K_x-1abcdefg", StoreID: "k3v0", Epoch: 7}
	full := stamp
	full.Nonce = "ab3c7pqz"
	full.Ahead, full.Left = []queue.Range{{From: 118205, To: 118212}, {From: 118213, To: 131990}}, 12
	for want, stamp := range map[string]Stamp{
		"hf1 c6f52df6 topic=Mi0vqYzuQ2K_x-1abcdefg store=k3v0 epoch=7":                                           stamp,
		"hf1 581f1c53 topic=Mi0vqYzuQ2K_x-1abcdefg store=k3v0 epoch=7 nonce=ab3c7pqz left=12 ahead=AwC9mwfoAa7A": full,
	} {
		if got := stamp.Encode(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestStampRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := Stamp{
			TopicID: rapid.StringN(0, 40, 60).Draw(t, "topic"),
			StoreID: string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "store")),
			Epoch:   rapid.Uint64().Draw(t, "epoch"),
			Nonce:   rapid.StringN(0, 8, 20).Draw(t, "nonce"),
			Seeks:   rapid.Uint64().Draw(t, "seeks"),
			Ahead:   drawRanges(t),
			Left:    rapid.Int64Range(0, 1<<40).Draw(t, "left"),
			Scheme:  rapid.Uint32().Draw(t, "scheme"),
			Parked:  drawParked(t, 20),
			Paused:  drawPaused(t),
		}
		text := want.Encode()
		if !utf8.ValidString(text) {
			t.Fatalf("not UTF-8: %q", text)
		}
		got, err := DecodeStamp(text)
		if err != nil || !cmp.Equal(got, want, cmpopts.EquateEmpty()) {
			t.Fatalf("%q became %+v, %v", text, got, err)
		}
	})
}

func TestStampSkipsUnknownSections(t *testing.T) {
	t.Parallel()
	got, err := DecodeStamp(sealStamp("later=17,23 epoch=3 more= store=s topic=t"))
	want := Stamp{TopicID: "t", StoreID: "s", Epoch: 3, Unknown: []string{"later", "more"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestStampTooLongIsLeftOut(t *testing.T) {
	t.Parallel()
	if text := (Stamp{TopicID: strings.Repeat("t", MaxStamp)}).Encode(); text != "" {
		t.Errorf("%d bytes", len(text))
	}
}

func TestStampLeavesOutTheHighestThatDoNotFit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := Stamp{TopicID: "t", StoreID: "s", Epoch: 1, Nonce: rapid.SampledFrom([]string{"", SomeNonce}).Draw(t, "nonce"), Ahead: drawRanges(t), Left: rapid.Int64Range(0, 3).Draw(t, "left")}
		fitted, text := all.Fit(rapid.IntRange(30, 1000).Draw(t, "limit"))
		if text == "" {
			return
		}
		got, err := DecodeStamp(text)
		if err != nil || !cmp.Equal(got, fitted, cmpopts.EquateEmpty()) {
			t.Fatalf("%+v became %+v, %v", fitted, got, err)
		}
		lost := got.Left - all.Left
		for _, r := range all.Ahead[len(got.Ahead):] {
			lost -= r.To - r.From
		}
		if !slices.Equal(got.Ahead, all.Ahead[:len(got.Ahead)]) || lost != 0 {
			t.Fatalf("%+v became %+v", all, got)
		}
	})
}

func TestNotStamp(t *testing.T) {
	t.Parallel()
	good := Stamp{TopicID: "t", StoreID: "s", Epoch: 1}.Encode()
	for name, metadata := range map[string]string{
		"empty":             "",
		"other program":     "consumer-1@host",
		"magic alone":       "hf1 ",
		"later magic":       "hf2" + good[3:],
		"flipped byte":      strings.Replace(good, "store=s", "store=r", 1),
		"cut short":         good[:len(good)-1],
		"no topic":          sealStamp("store=s epoch=1"),
		"no store":          sealStamp("topic=t epoch=1"),
		"no epoch":          sealStamp("topic=t store=s"),
		"section twice":     sealStamp("topic=t store=s epoch=1 epoch=2"),
		"negative epoch":    sealStamp("topic=t store=s epoch=-1"),
		"section no value":  sealStamp("topic=t store=s epoch=1 x"),
		"bad ranges":        sealStamp("topic=t store=s epoch=1 ahead=AAAA"),
		"bad scheme":        sealStamp("topic=t store=s epoch=1 scheme=x"),
		"no parked lanes":   sealStamp("topic=t store=s epoch=1 parked="),
		"bad lane ids":      sealStamp("topic=t store=s epoch=1 parked=.AAAA"),
		"lane id twice":     sealStamp("topic=t store=s epoch=1 parked=s.AAAAAAAAAAEAAAAAAAAAAQ"),
		"bad pause":         sealStamp("topic=t store=s epoch=1 paused=-3"),
		"bad count":         sealStamp("topic=t store=s epoch=1 left=-3"),
		"bad escape":        sealStamp("topic=%zz store=s epoch=1"),
		"too long":          sealStamp("topic=t store=s epoch=1 x=" + strings.Repeat("y", MaxStamp)),
		"upper-case digits": "hf1 " + strings.ToUpper(good[4:12]) + good[12:],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s, err := DecodeStamp(metadata); !errors.Is(err, ErrNotStamp) {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
}

func sealStamp(body string) string { return fmt.Sprintf("hf1 %08x %s", stampSum(body), body) }

func FuzzDecodeStamp(f *testing.F) {
	f.Add("")
	f.Add(Stamp{TopicID: "t", StoreID: "s", Epoch: 1}.Encode())
	f.Add(Stamp{TopicID: "t", StoreID: "s", Epoch: 1, Ahead: []queue.Range{{From: 3, To: 9}}, Left: 7}.Encode())
	f.Add(sealStamp("topic=t store=s epoch=18446744073709551615 later=%00"))
	f.Add(sealStamp("topic=t store=s epoch=1 scheme=0000000a parked=.AAAAAAAAAAE~s2.AAAAAAAAAAE paused=all.1700000000~ff"))
	f.Fuzz(func(t *testing.T, metadata string) {
		// A random checksum never matches, so the sections get one that does.
		for _, text := range []string{metadata, sealStamp(metadata)} {
			s, err := DecodeStamp(text)
			if err != nil {
				if !errors.Is(err, ErrNotStamp) {
					t.Fatalf("untyped error: %v", err)
				}
				continue
			}
			again := s.Encode()
			if again == "" { // escaping made it too long
				continue
			}
			s.Unknown = nil
			if got, err := DecodeStamp(again); err != nil || !cmp.Equal(got, s, cmpopts.EquateEmpty()) && got.Left == s.Left {
				t.Fatalf("%q: %+v became %+v, %v", text, s, got, err)
			}
		}
	})
}
