package queue

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// parkVariable names the file of a child of the test binary, which parks and
// releases lanes in it until it is killed.
const parkVariable = "HOLDFAST_QUEUETEST_PARK"

// TestAKillLeavesEachJobOpenParkedOrDone kills a process that does nothing but
// run jobs, park their lanes and release these: whenever that comes, every job
// is in one place, and runs in its turn once that is over. What was told to be
// done does not run again, and what was told to be parked not before its release.
func TestAKillLeavesEachJobOpenParkedOrDone(t *testing.T) {
	t.Parallel()
	path, lives := killedStore(t)
	w := parkWitness{T: t, parked: map[int64]bool{}, done: map[int64]bool{}}
	k := killer{variable: parkVariable, path: path}
	enough := func() bool { return w.mostParked >= 10 && w.releases >= 1 && w.ranAfter >= 1 }
	for life := 0; life < lives || !enough() && life < 10*lives; life++ { // on a slow machine a life tells little
		out := k.life(t)
		told := w.hear(out)
		w.look(path, told)
	}
	if !enough() {
		t.Errorf("the test did not test much: at most %d were parked, and %d runs came after %d releases", w.mostParked, w.ranAfter, w.releases)
	}
	w.drain(path)
}

// parkedForEver is the lane of one of six offsets, which the child never releases.
const parkedForEver = "e"

func parkLane(offset int64) string {
	return []string{"a", "b", "c", "d", parkedForEver, ""}[offset%6]
}

// parkLine tells lanes of a single record apart, too.
func parkLine(offset int64) string {
	if lane := parkLane(offset); lane != "" {
		return lane
	}
	return strconv.FormatInt(offset, 10)
}

// parkWitness compares what each life has told with what the file holds behind it.
type parkWitness struct {
	*testing.T
	next   int64          // the jobs below were in the file when the last life ended
	done   map[int64]bool // of these, those that it did not have any more
	parked map[int64]bool // told to be parked, and not released since

	mostParked, releases, ranAfter int
}

// parkTale is what one life has told.
type parkTale struct {
	ended   map[int64]bool // runs that succeeded
	durable map[int64]bool // of these, those that the file held
}

// hear goes through the tale of a life, each line of which is written before what
// it announces, and behind what it reports.
func (w *parkWitness) hear(out *bytes.Buffer) parkTale {
	w.Helper()
	told := parkTale{map[int64]bool{}, map[int64]bool{}}
	releasing, released := map[string]bool{}, map[string]bool{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		act, what, _ := strings.Cut(lines.Text(), " ")
		offset, _ := strconv.ParseInt(what, 10, 64)
		switch act {
		case "start":
			w.inTurn(offset, told.ended)
			if w.parked[offset] {
				w.Errorf("%d runs in a parked lane", offset)
			}
			if released[parkLine(offset)] {
				w.ranAfter++
			}
		case "success":
			told.ended[offset] = true
		case "done":
			told.durable[offset] = true
		case "parked":
			if !releasing[parkLine(offset)] { // else it may be of before the release
				w.parked[offset] = true
			}
		case "release":
			releasing[what] = true
			for offset := range w.parked {
				if parkLine(offset) == what {
					delete(w.parked, offset)
				}
			}
		case "released":
			w.releases++
			releasing[what], released[what] = false, true
		}
	}
	return told
}

// inTurn checks that all jobs before one in its lane are done, and it is not.
func (w *parkWitness) inTurn(offset int64, ended map[int64]bool) {
	w.Helper()
	if w.done[offset] || ended[offset] {
		w.Errorf("%d runs again", offset)
	}
	for before := offset - 6; before >= 0 && parkLane(offset) != ""; before -= 6 {
		if !w.done[before] && !ended[before] {
			w.Errorf("%d of lane %s runs before %d", offset, parkLane(offset), before)
			return
		}
	}
}

// look finds every job in one place, the one that it was told to be in.
func (w *parkWitness) look(path string, told parkTale) {
	w.Helper()
	s, p := w.reopen(path)
	defer s.Close()
	places := map[int64]string{}
	parked := map[string]int64{}
	for j, err := range p.Pending(w.Context(), 0) {
		if err != nil {
			w.Fatal(err)
		}
		if places[j.Offset] != "" {
			w.Errorf("%d is %s and %v", j.Offset, places[j.Offset], j.State)
		}
		if places[j.Offset] = "open"; j.State == Parked {
			places[j.Offset] = "parked"
			parked[parkLine(j.Offset)]++
		}
	}
	for l, err := range s.ParkedLanes(w.Context(), orders) {
		if err != nil {
			w.Fatal(err)
		}
		line := string(l.Lane.Name)
		if l.Lane.Own {
			line = strconv.FormatInt(l.Offset, 10)
		}
		if !l.Released && parked[line] != l.Jobs {
			w.Errorf("%d jobs of lane %s are parked, and it counts %d", parked[line], line, l.Jobs)
		}
		delete(parked, line)
	}
	for line, n := range parked {
		w.Errorf("%d jobs of lane %s are parked, and it is not", n, line)
	}
	w.next = p.State().Next
	n := 0
	for offset := range w.next {
		place := places[offset]
		switch {
		case place == "" && !w.done[offset] && !told.ended[offset]:
			w.Errorf("%d is gone", offset)
		case place != "" && (w.done[offset] || told.durable[offset]):
			w.Errorf("%d was told to be done and is %s", offset, place)
		case place != "parked" && w.parked[offset]:
			w.Errorf("%d was told to be parked and is %q", offset, place)
		}
		w.done[offset] = place == ""
		if place == "parked" {
			n++
		}
	}
	w.mostParked = max(w.mostParked, n)
}

// drain releases all lanes and runs what is left.
func (w *parkWitness) drain(path string) {
	w.Helper()
	s, p := w.reopen(path)
	defer s.Close()
	for l, err := range s.ParkedLanes(w.Context(), orders) {
		if err != nil {
			w.Fatal(err)
		}
		if _, err := p.Release(l, false); err != nil {
			w.Fatal(err)
		}
	}
	p.Lease(Forever)
	left := 0
	for offset := range w.next {
		if !w.done[offset] {
			left++
		}
	}
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	ended := map[int64]bool{}
	for jobs := make([]Job, 8); len(ended) < left; {
		n, err := s.Take(ctx, jobs)
		if err != nil {
			w.Fatalf("%d of %d jobs ran: %v", len(ended), left, err)
		}
		for i := range jobs[:n] {
			w.inTurn(jobs[i].Offset, ended)
			ended[jobs[i].Offset] = true
			if err := s.Finish(Finished{&jobs[i], Outcome{Kind: Done}}); err != nil {
				w.Fatal(err)
			}
		}
	}
	for j, err := range p.Pending(w.Context(), 0) {
		w.Errorf("%d is left: %v", j.Offset, err)
	}
	for l, err := range s.ParkedLanes(w.Context(), orders) {
		w.Errorf("lane %+v is left: %v", l, err)
	}
}

func (w *parkWitness) reopen(path string) (*Store, *Partition) {
	w.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		w.Fatal(err)
	}
	if err := Verify(s.db, true, func(d *DamageError) { w.Error(d) }); err != nil {
		w.Fatal(err)
	}
	p, err := s.Attach(orders)
	if err != nil {
		w.Fatal(err)
	}
	return s, p
}

// parkUntilKilled is the child.
func parkUntilKilled(path string) error {
	s, err := Open(path, Options{Flush: time.Millisecond, Durable: func(list []Durable) {
		var lines []byte
		for _, d := range list {
			switch d.Kind {
			case Done:
				lines = fmt.Appendf(lines, "done %d\n", d.Offset)
			case Park:
				lines = fmt.Appendf(lines, "parked %d\n", d.Offset)
			}
		}
		os.Stdout.Write(lines)
	}})
	if err != nil {
		return err
	}
	p, err := s.Attach(orders)
	if err != nil {
		return err
	}
	if p.State().Next < 0 {
		if err := p.SetStart(0); err != nil {
			return err
		}
	}
	p.Lease(Forever)
	failed := make(chan error, 3)
	go func() { failed <- appendForPark(s, p) }()
	go func() { failed <- runAndPark(s) }()
	go func() { failed <- operateParked(s, p) }()
	return <-failed
}

// appendForPark appends as long as few jobs wait for a worker: parked ones are
// there without end.
func appendForPark(s *Store, p *Partition) error {
	for {
		if state := p.State(); state.Open < 30 {
			recs := make([]Record, 24)
			for i := range recs {
				offset := state.Next + int64(i)
				recs[i] = record(offset, parkLane(offset))
			}
			if _, err := p.Append(recs); err != nil {
				return err
			}
		}
		if err := s.Sync(context.Background()); err != nil {
			return err
		}
	}
}

func runAndPark(s *Store) error {
	for jobs := make([]Job, 8); ; {
		n, err := s.Take(context.Background(), jobs)
		if err != nil {
			return err
		}
		for i := range jobs[:n] {
			j := &jobs[i]
			if want := fmt.Sprintf("value %d", j.Offset); string(j.Value) != want {
				return fmt.Errorf("job %d has the value %q, want %q", j.Offset, j.Value, want)
			}
			fmt.Fprintf(os.Stdout, "start %d\n", j.Offset)
			o := Outcome{Kind: []Kind{Done, Done, Done, Done, Done, Done, Park, Retry, Release}[rand.IntN(9)], Error: "not now"}
			if o.Kind == Done {
				fmt.Fprintf(os.Stdout, "success %d\n", j.Offset)
			}
			if err := s.Finish(Finished{j, o}); err != nil {
				return err
			}
		}
	}
}

// operateParked releases lanes, but for one, and parks others. It tells of a
// release before that is asked for and again behind it.
func operateParked(s *Store, p *Partition) error {
	for ctx := context.Background(); ; {
		for l, err := range s.ParkedLanes(ctx, orders) {
			if err != nil {
				return err
			}
			line := string(l.Lane.Name)
			if l.Lane.Own {
				line = strconv.FormatInt(l.Offset, 10)
			}
			if l.Released || line == parkedForEver || rand.IntN(3) > 0 {
				continue
			}
			fmt.Fprintf(os.Stdout, "release %s\n", line)
			if _, err := p.Release(l, rand.IntN(2) == 0); err != nil {
				return err
			}
			if err := s.Sync(ctx); err != nil {
				return err
			}
			fmt.Fprintf(os.Stdout, "released %s\n", line)
		}
		for j, err := range p.Pending(ctx, 0) {
			if err != nil {
				return err
			}
			if !j.Lane.Own && j.State != Parked && rand.IntN(50) == 0 {
				if _, err := p.Park(j, "an operator"); err != nil {
					return err
				}
			}
		}
	}
}
