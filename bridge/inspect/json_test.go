package inspect_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/flat/flattest"
)

const module = "github.com/seed-2837c37b/holdfast/"

// Every type that the interface speaks in, whoever adds it, comes back from
// JSON as it was.
func TestJSONComesBackExactly(t *testing.T) {
	t.Parallel()
	for _, of := range flattest.Types(reflect.TypeFor[inspect.Inspector](), module) {
		t.Run(of.Name(), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(200) {
				comesBack(t, of, rand.New(rand.NewPCG(seed, 0)))
			}
		})
	}
}

func FuzzJSONComesBackExactly(f *testing.F) {
	types := flattest.Types(reflect.TypeFor[inspect.Inspector](), module)
	f.Add(uint64(1), uint64(0))
	f.Fuzz(func(t *testing.T, seed, more uint64) {
		r := rand.New(rand.NewPCG(seed, more))
		comesBack(t, types[r.IntN(len(types))], r)
	})
}

func comesBack(t *testing.T, of reflect.Type, r *rand.Rand) {
	t.Helper()
	was, is := reflect.New(of), reflect.New(of)
	flattest.Fill(was.Elem(), r)
	text, err := json.Marshal(was.Elem().Interface())
	must(t, err)
	must(t, json.Unmarshal(text, is.Interface()))
	if diff := cmp.Diff(was.Elem().Interface(), is.Elem().Interface(), flattest.Same()); diff != "" {
		t.Fatalf("%s\nwas and became:\n%s", text, diff)
	}
}

// A type without methods of its own is written by encoding/json, which is the
// same only for plain fields with tags.
func TestJSONHasOneForm(t *testing.T) {
	t.Parallel()
	for _, of := range flattest.Types(reflect.TypeFor[inspect.Inspector](), module) {
		if of.Implements(reflect.TypeFor[json.Marshaler]()) {
			continue
		}
		for i := range of.NumField() {
			f := of.Field(i)
			kind := f.Type.Kind()
			if kind == reflect.Pointer && f.Type.Elem() != reflect.TypeFor[time.Duration]() {
				kind = f.Type.Elem().Kind()
			}
			switch kind {
			case reflect.Float64, reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64:
				if name := f.Tag.Get("json"); name == "" || name == "key" || name == "lane" || f.Type == reflect.TypeFor[time.Duration]() {
					t.Errorf("%v has no MarshalJSON, but a field %s tagged %q", of, f.Name, name)
				}
			default:
				t.Errorf("%v has no MarshalJSON, but a field %s, which is a %v", of, f.Name, f.Type)
			}
		}
	}
}

func TestJSONOfAJob(t *testing.T) {
	t.Parallel()
	job := inspect.Job{
		Name: inspect.Name{Topic: "orders", Partition: 3, Offset: 1042}, ID: "AbC/3@1042", Key: []byte{0xff}, Lane: "cust-8812",
		State: inspect.Retrying, Attempts: 2, Due: time.Date(2026, 1, 2, 3, 4, 5, 600, time.FixedZone("", 3600)), Error: "http 503 <html>",
	}
	text, err := job.MarshalJSON()
	must(t, err)
	want := `{"topic":"orders","partition":3,"offset":1042,"id":"AbC/3@1042","key_base64":"/w==","lane":"cust-8812","own_lane":false,` +
		`"timestamp":null,"state":"retrying","attempts":2,"due":"2026-01-02T02:04:05.0000006Z","error":"http 503 <html>",` +
		`"crashes":0,"suspect":false,"guarded":false,"history":[],"rerun_at":null,"after":null,"damaged":null}`
	if string(text) != want {
		t.Errorf("a job is\n%s, want\n%s", text, want)
	}
}

// What a reader does not ask for must not be in its way: a later version says
// more, and what a later version asks for is left out where it is not set.
func TestJSONOfOtherVersions(t *testing.T) {
	t.Parallel()
	var p inspect.Partition
	must(t, json.Unmarshal([]byte(`{"topic":"orders","partition":3,"later":{"x":[1]},"frontier":7}`), &p))
	if want := (inspect.Partition{Topic: "orders", Partition: 3, Frontier: 7}); p != want {
		t.Errorf("read %+v, want %+v", p, want)
	}
	for _, c := range []struct {
		zero any
		want string
	}{{inspect.Command{}, `{"verb":""}`}, {inspect.Query{}, `{}`}, {inspect.DeadQuery{}, `{}`}} {
		if text, err := json.Marshal(c.zero); err != nil || string(text) != c.want {
			t.Errorf("%T that asks for nothing is %s (%v), want %s: tag its fields omitzero, so that an older bridge understands it", c.zero, text, err, c.want)
		}
	}
}
