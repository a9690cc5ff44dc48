package queue_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
	"go.etcd.io/bbolt"
)

// The benchmarks below are one pass of a fixed size each: run them with
// -benchtime 1x. Their metrics are ratios to a baseline of the same pass, or
// to the bound that the design states.

const (
	kib      = 1 << 10
	mib      = 1 << 20
	ingest   = 512 // records of one Append, about what a fetch brings
	handful  = 128 // jobs of one Take
	topic    = "bench"
	ageBlock = 100 // transactions that a block of the baseline lives
)

type rig struct {
	tb    testing.TB
	path  string
	store *queue.Store
	part  *queue.Partition
	next  int64
}

func newRig(tb testing.TB, opt queue.Options) *rig {
	tb.Helper()
	r := &rig{tb: tb, path: filepath.Join(tb.TempDir(), queue.FileName)}
	must(tb, queue.Create(r.path, queue.Identity{Group: "bench", StoreID: "bench"}))
	r.open(opt)
	must(tb, r.part.SetStart(0))
	return r
}

func (r *rig) open(opt queue.Options) {
	r.tb.Helper()
	var err error
	r.store, err = queue.Open(r.path, opt)
	must(r.tb, err)
	r.part, err = r.store.Attach(queue.TopicPartition{Topic: topic})
	must(r.tb, err)
	r.part.Lease(queue.Forever)
}

func (r *rig) close() { must(r.tb, r.store.Close()) }

// append adds n records whose lane is chosen by key(i).
func (r *rig) append(n int, value []byte, key func(offset int64) uint64) {
	recs := make([]queue.Record, n)
	keys := make([]byte, 8*n)
	for i := range recs {
		lane := key(r.next)
		name := binary.BigEndian.AppendUint64(keys[8*i:8*i], lane)
		recs[i] = queue.Record{Offset: r.next, Timestamp: r.next, Key: name, Value: value, Lane: queue.Lane{ID: lane, Name: name}}
		r.next++
	}
	must(r.tb, errOf(r.part.Append(recs)))
}

// finish takes and finishes n jobs; stuck jobs are taken and kept.
func (r *rig) finish(n int, stuck func(*queue.Job) bool) {
	jobs := make([]queue.Job, handful)
	done := make([]queue.Finished, 0, handful)
	for n > 0 {
		got, err := r.store.Take(context.Background(), jobs[:min(n, handful)])
		must(r.tb, err)
		done = done[:0]
		for i := range jobs[:got] {
			if jobs[i].Damaged != nil {
				r.tb.Fatal(jobs[i].Damaged)
			}
			if stuck == nil || !stuck(&jobs[i]) {
				done = append(done, queue.Finished{Job: &jobs[i], Outcome: queue.Outcome{Kind: queue.Done}})
			}
		}
		if len(done) > 0 {
			must(r.tb, r.store.Finish(done...))
		}
		n -= len(done)
	}
}

func (r *rig) sync() { must(r.tb, r.store.Sync(context.Background())) }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func payload(n int) []byte {
	b := make([]byte, n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func modulo(n uint64) func(int64) uint64 {
	return func(offset int64) uint64 { return uint64(offset) % n }
}

// bareBbolt puts the bytes as 512 KiB values, each in a bucket of its own, and
// deletes them 100 transactions later: what the file alone can do.
func bareBbolt(tb testing.TB, bytes int) time.Duration {
	db, err := bbolt.Open(filepath.Join(tb.TempDir(), "bare.db"), 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: 1 << 34})
	must(tb, err)
	defer db.Close()
	value := payload(512 * kib)
	begin := time.Now()
	blocks := bytes / len(value)
	for i := range blocks + ageBlock {
		must(tb, db.Update(func(tx *bbolt.Tx) error {
			if old := i - ageBlock; old >= 0 {
				if err := tx.DeleteBucket(binary.BigEndian.AppendUint64(nil, uint64(old))); err != nil {
					return err
				}
			}
			if i >= blocks {
				return nil
			}
			b, err := tx.CreateBucket(binary.BigEndian.AppendUint64(nil, uint64(i)))
			if err != nil {
				return err
			}
			return b.Put([]byte("b"), value)
		}))
	}
	return time.Since(begin)
}

// BenchmarkOutlive: 1 KiB jobs that live longer than a flush, against the same
// bytes in bare bbolt.
func BenchmarkOutlive(b *testing.B) {
	const jobs, backlog = 200_000, 20_000
	value := payload(kib)
	for b.Loop() {
		var written, inBlocks int64
		against(b, jobs*kib, func() time.Duration {
			r := newRig(b, queue.Options{})
			before := writtenBytes(b)
			begin := time.Now()
			for i := range jobs / ingest {
				r.append(ingest, value, modulo(10_000))
				if i%16 == 0 {
					r.sync() // 8 MiB: nothing overtakes its flush
				}
				if i*ingest >= backlog {
					r.finish(ingest, nil)
				}
			}
			r.finish(r.part.State().Open, nil)
			r.sync()
			took := time.Since(begin)
			written += writtenBytes(b) - before
			inBlocks += r.store.Usage().WrittenJobs
			r.close()
			return took
		})
		b.ReportMetric(float64(written)/(rounds*jobs*kib), "written/payload")
		b.ReportMetric(float64(inBlocks)/(rounds*jobs), "jobs-written/job")
	}
}

// BenchmarkOvertake: 1 KiB jobs that finish before the flush, against the same
// bytes in bare bbolt.
func BenchmarkOvertake(b *testing.B) {
	const jobs = 200_000
	value := payload(kib)
	for b.Loop() {
		var written int64
		against(b, jobs*kib, func() time.Duration {
			// Flushes come when asked for, so that every job ends before its own.
			r := newRig(b, queue.Options{Flush: time.Hour})
			begin := time.Now()
			for i := range jobs / ingest {
				r.append(ingest, value, modulo(10_000))
				r.finish(ingest, nil)
				if i%16 == 0 {
					r.sync()
				}
			}
			r.sync()
			took := time.Since(begin)
			written += r.store.Usage().Written
			r.close()
			return took
		})
		b.ReportMetric(float64(written), "payload-bytes-written")
	}
}

// rounds is how often a benchmark and its baseline take turns.
const rounds = 5

// against reports the median ratio of bare bbolt's time for so many bytes to
// that of run, pair by pair: the speed of a shared machine drifts.
func against(b *testing.B, bytes int, run func() time.Duration) {
	ratios := make([]float64, rounds)
	for i := range ratios {
		bare := bareBbolt(b, bytes)
		ratios[i] = bare.Seconds() / run().Seconds()
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[rounds/2], "x-bare-bbolt")
	b.ReportMetric(ratios[0], "x-bare-lowest")
}

// BenchmarkReopen: a million pending jobs of 100 bytes over 100,000 keys.
func BenchmarkReopen(b *testing.B) {
	const jobs, keys = 1_000_000, 100_000
	value := payload(100)
	for b.Loop() {
		r := newRig(b, queue.Options{})
		for r.next < jobs {
			r.append(ingest, value, modulo(keys))
		}
		r.close()
		r.store, r.part = nil, nil
		settleHeap()
		before := heap()
		debug.SetMemoryLimit(256 * mib)
		begin := time.Now()
		r.open(queue.Options{})
		r.finish(1, nil)
		b.ReportMetric(time.Since(begin).Seconds(), "s-to-first-job")
		settleHeap()
		b.ReportMetric(float64(heap()-before)/jobs, "heap-B/job")
		b.ReportMetric(float64(rssAnon(b))/mib, "RssAnon-MiB")
		begin = time.Now()
		r.finish(keys, nil)
		b.ReportMetric(keys/time.Since(begin).Seconds(), "cold-jobs/s")
		debug.SetMemoryLimit(-1)
		r.close()
	}
}

// BenchmarkStuckHead: one job that never ends at the head, two million done
// behind it.
func BenchmarkStuckHead(b *testing.B) {
	benchmarkStuck(b, func(j *queue.Job) bool { return j.Offset == 0 }, func(offset int64) bool { return offset%10_000 == 0 })
}

// BenchmarkStuckKeys: 400 keys of 10,000, evenly spread, never end.
func BenchmarkStuckKeys(b *testing.B) {
	benchmarkStuck(b, func(j *queue.Job) bool { return j.Lane.ID%25 == 0 }, func(offset int64) bool { return offset%25 == 0 })
}

// benchmarkStuck runs 10,000 keys; stuck jobs never end, and stuckJob says of
// which offsets that holds, the jobs behind stuck ones included.
func benchmarkStuck(b *testing.B, stuck func(*queue.Job) bool, stuckJob func(int64) bool) {
	const jobs, window = 2_000_000, 50_000
	value := payload(kib)
	for b.Loop() {
		r := newRig(b, queue.Options{})
		finishable, highest, largest := 0, int64(0), int64(0)
		for r.next < jobs {
			for i := range int64(ingest) {
				if !stuckJob(r.next + i) {
					finishable++
				}
			}
			r.append(ingest, value, modulo(10_000))
			// A window of other jobs stays open, so that they outlive their flush.
			if n := finishable - window; n > 0 {
				finishable -= r.finishReady(n, stuck)
			}
			highest = max(highest, r.live(value))
			largest = max(largest, fileSize(b, r.path))
		}
		r.finishReady(finishable, stuck)
		r.sync()
		open := int64(r.part.State().Open)
		r.close()
		b.ReportMetric(float64(largest)/mib, "largest-file-MiB")
		b.ReportMetric(float64(largest)/float64(64*mib+2*highest), "x-bound")

		begin := time.Now()
		r.open(queue.Options{})
		job := make([]queue.Job, 1)
		n, err := r.store.Take(context.Background(), job)
		must(b, err)
		b.ReportMetric(time.Since(begin).Seconds(), "s-to-first-job")
		if n != 1 || !stuck(&job[0]) {
			b.Fatalf("a finished job came again: %d", job[0].Offset)
		}
		b.ReportMetric(float64(int64(r.part.State().Open)-open), "jobs-again")
		b.ReportMetric(float64(open), "open-jobs")
		must(b, r.store.Finish(queue.Finished{Job: &job[0], Outcome: queue.Outcome{Kind: queue.Release}}))
		r.close()
	}
}

// finishReady finishes n jobs, or as many as can start now; stuck jobs stay
// with their worker. It returns how many it finished.
func (r *rig) finishReady(n int, stuck func(*queue.Job) bool) (finished int) {
	jobs := make([]queue.Job, handful)
	done := make([]queue.Finished, 0, handful)
	for ; finished < n; finished += len(done) {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		got, _ := r.store.Take(ctx, jobs)
		cancel()
		if got == 0 {
			return finished
		}
		done = done[:0]
		for i := range jobs[:got] {
			if stuck(&jobs[i]) {
				jobs[i] = queue.Job{} // its lane is held for good
			} else {
				done = append(done, queue.Finished{Job: &jobs[i], Outcome: queue.Outcome{Kind: queue.Done}})
			}
		}
		if len(done) > 0 {
			must(r.tb, r.store.Finish(done...))
		}
	}
	return finished
}

// live is the bytes of open payloads.
func (r *rig) live(value []byte) int64 { return int64(r.part.State().Open) * int64(len(value)) }

func settleHeap() {
	runtime.GC()
	debug.FreeOSMemory()
}

func heap() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func fileSize(tb testing.TB, path string) int64 {
	info, err := os.Stat(path)
	must(tb, err)
	return info.Size()
}

func rssAnon(tb testing.TB) int64 { return procField(tb, "/proc/self/status", "RssAnon:") * kib }

// writtenBytes counts what the process has written, to files only here.
func writtenBytes(tb testing.TB) int64 { return procField(tb, "/proc/self/io", "wchar:") }

func procField(tb testing.TB, path, name string) int64 {
	f, err := os.Open(path)
	if err != nil {
		tb.Skipf("needs Linux: %v", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == name {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			must(tb, err)
			return n
		}
	}
	tb.Fatalf("%s has no %s", path, name)
	return 0
}

// errOf is the error of an Append.
func errOf(_ int, err error) error { return err }
