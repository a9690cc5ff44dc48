package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/flat/flattest"
	"github.com/seed-2837c37b/holdfast/queue"
)

// stopped is a clock that shows one time, so that plans can be compared.
type stopped struct{ queue.SystemClock }

func (stopped) Now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func collect[T any](t *testing.T, list iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for each, err := range list {
		must(t, err)
		all = append(all, each)
	}
	return all
}

// same asks both inspectors the same, and compares what they answer.
func same[T any](t *testing.T, near, far inspect.Inspector, ask func(inspect.Inspector) (T, error)) T {
	t.Helper()
	want, wantErr := ask(near)
	got, gotErr := ask(far)
	if diff := cmp.Diff(want, got, flattest.Same()); diff != "" {
		t.Errorf("the inspector and what is dialled differ:\n%s", diff)
	}
	if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) {
		t.Errorf("the inspector says %q and what is dialled %q", wantErr, gotErr)
	}
	return got
}

func TestWhatIsDialledAnswersAsTheInspectorDoes(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore(t, 2, 700)
	near := inspect.New(s, inspect.Options{Clock: stopped{}})
	far := dial(t, serve(t, Config{Inspector: near}))
	same(t, near, far, func(i inspect.Inspector) ([]inspect.Partition, error) { return i.Partitions(ctx) })
	for _, q := range []inspect.Query{{}, {Topic: "orders", Partitions: []int32{1}, Offsets: []int64{3, 5}}, {Key: []byte("k1\xff"), Limit: 9}, {States: []inspect.State{inspect.Ready}}, {Limit: -1}, {Topic: "none"}} {
		same(t, near, far, func(i inspect.Inspector) (all []inspect.Job, err error) {
			for job, err := range i.Jobs(ctx, q) {
				if err != nil {
					return all, err
				}
				all = append(all, job)
			}
			return all, nil
		})
	}
	for _, name := range []inspect.Name{{Topic: "orders"}, {Topic: "orders", Partition: 1, Offset: 5}, {Topic: "none"}} {
		same(t, near, far, func(i inspect.Inspector) (inspect.JobDetail, error) { return i.Job(ctx, name) })
		same(t, near, far, func(i inspect.Inspector) (inspect.Explanation, error) {
			return i.Explain(ctx, name.Topic, name.Partition, &name.Offset)
		})
	}
	bury := inspect.Command{Verb: inspect.Bury, Select: inspect.Query{Topic: "orders", Offsets: []int64{4, 9999}, Partitions: []int32{1}}, Reason: "poison"}
	for _, c := range []inspect.Command{
		bury, {Verb: inspect.Retry}, {Verb: "dance"},
		{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders", Key: []byte("k2\xff")}},
		{Verb: inspect.Park, Select: inspect.Query{Topic: "orders", Lane: []byte("k0\xff")}},
	} {
		plan := same(t, near, far, func(i inspect.Inspector) (inspect.Plan, error) { return i.Plan(ctx, c) })
		if plan.Command.Verb != "" {
			if _, err := far.Execute(ctx, plan); err != nil {
				t.Errorf("%s: %v", c.Verb, err)
			}
			same(t, near, far, func(i inspect.Inspector) (inspect.Operation, error) { // both: already done
				op, err := i.Execute(ctx, plan)
				op.Took = 0
				return op, err
			})
		}
	}
	same(t, near, far, func(i inspect.Inspector) ([]inspect.PauseEntry, error) { return i.Pauses(ctx) })
	if n := len(same(t, near, far, func(i inspect.Inspector) ([]inspect.ParkedLane, error) {
		return collect(t, i.Parked(ctx, inspect.Query{})), nil
	})); n == 0 {
		t.Error("no lane was parked")
	}
	letters := same(t, near, far, func(i inspect.Inspector) ([]inspect.DeadLetter, error) {
		return collect(t, i.Dead(ctx, inspect.DeadQuery{})), nil
	})
	if len(letters) != 1 || letters[0].Offset != 4 {
		t.Errorf("dead letters: %+v", letters)
	}
}

// Whoever adds a method to the interface adds it here: to the client by force
// of the compiler, to the server by this.
func TestTheServerAnswersEveryMethod(t *testing.T) {
	t.Parallel()
	far := dial(t, serve(t, Config{Inspector: stub{}}))
	of := reflect.TypeFor[inspect.Inspector]()
	for i := range of.NumMethod() {
		method := of.Method(i)
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for n := 1; n < method.Type.NumIn(); n++ {
			args = append(args, reflect.Zero(method.Type.In(n)))
		}
		results := reflect.ValueOf(far).MethodByName(method.Name).Call(args)
		var err error
		if last := results[len(results)-1]; last.Kind() == reflect.Func {
			last.Call([]reflect.Value{reflect.MakeFunc(last.Type().In(0), func(args []reflect.Value) []reflect.Value {
				err, _ = args[1].Interface().(error)
				return []reflect.Value{reflect.ValueOf(false)}
			})})
		} else {
			err, _ = last.Interface().(error)
		}
		if err == nil || errors.Is(err, ErrUnknown) {
			t.Errorf("%s is answered with %v, want the panic of an inspector that is not there: is it among the routes?", method.Name, err)
		}
	}
}

// failing is an inspector whose calls fail.
type failing struct {
	inspect.Inspector
	err  error
	jobs int // before that
	op   inspect.Operation
}

func (f failing) Partitions(context.Context) ([]inspect.Partition, error) { return nil, f.err }

func (f failing) Execute(context.Context, inspect.Plan) (inspect.Operation, error) {
	return f.op, f.err
}

func (f failing) Jobs(context.Context, inspect.Query) iter.Seq2[inspect.Job, error] {
	return func(yield func(inspect.Job, error) bool) {
		for i := range f.jobs {
			if !yield(inspect.Job{Name: inspect.Name{Offset: int64(i)}, Error: `{"problem":`}, nil) {
				return
			}
		}
		yield(inspect.Job{}, f.err)
	}
}

func TestErrorsAreTheSameAtTheOtherEnd(t *testing.T) {
	t.Parallel()
	for _, is := range []error{inspect.ErrNotRunning, inspect.ErrNotHeld, queue.ErrStoreFailed, context.DeadlineExceeded, errors.New("other")} {
		err := fmt.Errorf("list: %w", is)
		far := dial(t, serve(t, Config{Inspector: failing{err: err, jobs: 3000}}))
		_, got := far.Partitions(t.Context())
		if got == nil || got.Error() != err.Error() || errors.Is(got, is) != (is.Error() != "other") {
			t.Errorf("%q became %q", err, got)
		}
		n := 0
		for _, got := range far.Jobs(t.Context(), inspect.Query{}) {
			if n++; n > 3000 && (got == nil || got.Error() != err.Error()) {
				t.Errorf("%q became %q", err, got)
			}
		}
		if n != 3001 {
			t.Errorf("%d jobs were listed before the error, want 3000", n-1)
		}
	}
}

func TestWhatWasDoneBeforeAnErrorIsSaid(t *testing.T) {
	t.Parallel()
	op := inspect.Operation{Command: inspect.Command{Verb: inspect.Skip}, Done: []inspect.Name{{Topic: "orders", Offset: 3}}}
	far := dial(t, serve(t, Config{Inspector: failing{err: errors.New("disk on fire"), op: op}}))
	c := inspect.Command{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders"}}
	got, err := far.Execute(t.Context(), inspect.Plan{Command: c})
	if err == nil || err.Error() != "disk on fire" || cmp.Diff(op, got, flattest.Same()) != "" {
		t.Errorf("executed %+v, %v", got, err)
	}
}

func TestDialTellsThatNobodyServes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), SocketName)
	if _, err := Dial(t.Context(), path); !errors.Is(err, inspect.ErrNotRunning) {
		t.Errorf("without a socket: %v", err)
	}
	abandon(t, path)
	if _, err := Dial(t.Context(), path); !errors.Is(err, inspect.ErrNotRunning) {
		t.Errorf("with the socket of a killed bridge: %v", err)
	}
	must(t, os.Remove(path))
	listener, err := Listen(path, ListenOptions{})
	must(t, err)
	stop := serveOn(t, Config{Inspector: stub{}}, listener)
	far := dial(t, path)
	must(t, stop())
	if _, err := far.Partitions(t.Context()); !errors.Is(err, inspect.ErrNotRunning) {
		t.Errorf("after its end: %v", err)
	}
}

func TestAnEndedContextEndsARequest(t *testing.T) {
	t.Parallel()
	far := dial(t, serve(t, Config{Inspector: waiting{}}))
	cause := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, cause)
	defer cancel()
	if _, err := far.Partitions(ctx); !errors.Is(err, cause) {
		t.Errorf("%v, want %v", err, cause)
	}
}

// waiting answers when its context ends.
type waiting struct {
	inspect.Inspector
	began chan struct{} // receives, unless nil
}

func (w waiting) Partitions(ctx context.Context) ([]inspect.Partition, error) {
	if w.began != nil {
		w.began <- struct{}{}
	}
	<-ctx.Done()
	return nil, context.Cause(ctx)
}
