package queue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"
)

func TestTheFirstFailureAndTheLastTenAreKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	long := strings.Repeat("x", MaxError)
	began := r.clock.Now()
	for n := range 30 {
		j := r.take(1)
		r.finish(Outcome{Kind: Retry, Error: fmt.Sprint(n+1, long)}, j...)
		r.clock.advance(time.Second)
	}
	r.reopen()
	p = r.attach(orders)
	jobs, err := p.Find(t.Context(), 0)
	r.must(err)
	history := jobs[0].History
	if len(history) != 11 || len(jobs[0].Error) != MaxError {
		t.Fatalf("%d attempts and an error of %d bytes are kept", len(history), len(jobs[0].Error))
	}
	for i, number := range []int{1, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30} {
		got := history[i]
		if got.Number != number || !got.At.Equal(began.Add(time.Duration(number-1)*time.Second)) ||
			len(got.Error) != MaxHistoryError || !strings.HasPrefix(got.Error, fmt.Sprint(number, "x")) {
			t.Errorf("entry %d is attempt %d at %v with %d bytes of error, want attempt %d", i, got.Number, got.At, len(got.Error), number)
		}
	}
}

func TestWhatFailsWithoutARunIsListedOnce(t *testing.T) {
	t.Parallel()
	var n noteValue
	n.fail(1, "refused", time.Unix(1, 0))
	n.fail(2, "refused", time.Unix(2, 0))
	before := n.History
	for at := range int64(20) {
		n.fail(2, "crashed the process 3 times", time.Unix(3+at, 0))
	}
	want := failures{{1, 1e9, "refused"}, {2, 2e9, "refused"}, {2, 22e9, "crashed the process 3 times"}}
	if !slices.Equal(n.History, want) || !slices.Equal(before, want[:2]) {
		t.Errorf("history %v after %v, want %v", n.History, before, want)
	}
}

func TestASnoozeCountsNoAttempt(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "a")
	r.finish(Outcome{Kind: Retry, Error: "refused"}, r.take(1)...)
	r.finish(Outcome{Kind: Snooze, Due: r.clock.Now().Add(time.Hour)}, r.take(1)...)
	r.reopen()
	r.attach(orders)
	r.clock.advance(time.Hour - 1)
	r.nothingStarts()
	r.clock.advance(1)
	if j := r.wantTaken(0)[0]; j.Attempt != 2 || j.LastError != "refused" {
		t.Errorf("attempt %d after %q, want 2 after refused", j.Attempt, j.LastError)
	}
}

func TestASkippedRunCompletesItsJob(t *testing.T) {
	t.Parallel()
	var told []Durable
	r := newRig(t, Options{Durable: func(d []Durable) { told = append(told, d...) }})
	p := r.attach(orders)
	r.append(p, "a", "a")
	r.finish(Outcome{Kind: Skipped, Error: "duplicate"}, r.take(1)...)
	r.sync()
	if p.Frontier() != 1 || len(told) != 1 || told[0] != (Durable{orders, 0, Skipped, 1}) {
		t.Errorf("frontier %d, told %v", p.Frontier(), told)
	}
	r.wantTaken(1)
}

// An error may be part of something large; what is kept of it must not hold it.
func TestWhatIsCutOffIsLetGoOf(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 1<<20)
	kept := cut(text, MaxError)
	if len(kept) != MaxError || unsafe.StringData(kept) == unsafe.StringData(text) {
		t.Errorf("%d bytes are kept, or are part of the text", len(kept))
	}
}

func TestAHistoryThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, elements := range []int{1, 2, 4, 3 * (MaxHistory + 1)} {
		payload := append([]byte{0x81, 0xa7}, "history"...)
		payload = append(payload, 0xdc, 0, byte(elements))
		payload = append(payload, make([]byte, elements)...)
		if err := decodeValue(appendFrame(nil, payload), &noteValue{}); err == nil {
			t.Errorf("a history of %d elements was read", elements)
		}
	}
	if err := decodeValue(appendFrame(nil, append([]byte{0x81, 0xa7}, "history\xc0"...)), &noteValue{}); err != nil {
		t.Errorf("a history of nil: %v", err)
	}
}
