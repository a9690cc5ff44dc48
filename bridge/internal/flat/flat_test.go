package flat_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/internal/flat"
	"github.com/seed-2837c37b/holdfast/bridge/internal/flat/flattest"
)

type Place struct {
	Topic string `json:"topic"`
	At    int64  `json:"at"`
}

type all struct {
	Place
	Key     []byte           `json:"key"`
	Lane    string           `json:"lane"`
	Error   string           `json:"error"`
	When    time.Time        `json:"when"`
	Took    time.Duration    `json:"took_seconds"`
	Cause   error            `json:"cause"`
	Yes     bool             `json:"yes"`
	Small   int32            `json:"small"`
	Large   uint64           `json:"large"`
	Share   float64          `json:"share"`
	Maybe   *int64           `json:"maybe"`
	Next    *Place           `json:"next"`
	Places  []Place          `json:"places"`
	Numbers []int64          `json:"numbers"`
	Words   []string         `json:"words"`
	Counts  map[string]int64 `json:"counts"`
	Left    string           `json:"left,omitzero"`
	hidden  int
}

var form = flat.Of[all]()

func TestWhatIsWrittenComesBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		var was, is all
		flattest.Fill(reflect.ValueOf(&was).Elem(), rand.New(rand.NewPCG(seed, 0)))
		text, err := form.Marshal(was)
		if err == nil {
			err = form.UnmarshalStrict(text, &is)
		}
		if diff := cmp.Diff(was, is, flattest.Same(), cmp.AllowUnexported(all{})); err != nil || diff != "" {
			t.Fatalf("%v\n%s\nwas and became:\n%s", err, text, diff)
		}
		if !json.Valid(text) {
			t.Fatalf("not JSON: %s", text)
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	seven := int64(7)
	text, err := form.Marshal(all{
		Place: Place{"orders", 1}, Key: []byte{}, Lane: "\xff", Error: "a\xffb", When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", -3600)),
		Took: -1500 * time.Millisecond, Maybe: &seven, Counts: map[string]int64{"b": 2, "a": 1}, hidden: 1,
	})
	want := `{"topic":"orders","at":1,"key":"","lane_base64":"/w==","error":"a` + "\ufffd" + `b","when":"2026-01-02T04:04:05Z","took_seconds":-1.5,` +
		`"cause":null,"yes":false,"small":0,"large":0,"share":0,"maybe":7,"next":null,"places":[],"numbers":[],"words":[],"counts":{"a":1,"b":2}}`
	if err != nil || string(text) != want {
		t.Errorf("%v\n%s, want\n%s", err, text, want)
	}
}

func TestReadersIgnoreWhatTheyDoNotKnowAndRequestsDoNot(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"at":3,"stored_before":"x"}`, `{"at":3,"next":{"at":1,"other":2}}`} {
		var v all
		if err := form.Unmarshal([]byte(text), &v); err != nil || v.At != 3 {
			t.Errorf("%s is read as %+v, %v", text, v, err)
		}
		if err := form.UnmarshalStrict([]byte(text), &v); err == nil || !strings.Contains(err.Error(), "is not known here") {
			t.Errorf("the request %s is read: %v", text, err)
		}
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                     "is not JSON",
		`{`:                                    "is not JSON",
		`[]`:                                   "is not a JSON object",
		`{"at":"3"}`:                           "at: \"\\\"3\\\"\" is not a whole number of 64 bits",
		`{"at":1e3}`:                           "at: \"1e3\" is not a whole number of 64 bits",
		`{"small":3000000000}`:                 "small: \"3000000000\" is not a whole number of 32 bits",
		`{"large":-1}`:                         "large: \"-1\" is not a whole number from 0 on, of 64 bits",
		`{"key":7}`:                            "key: is not a text",
		`{"key_base64":"?"}`:                   "key_base64: is not base64",
		`{"key_base64":"/w==","key":"x"}`:      "key and key_base64 are both given",
		`{"when":"yesterday"}`:                 "when: \"yesterday\" is not a time such as 2026-01-02T15:04:05Z",
		`{"when":"9999-12-31T23:59:59-10:00"}`: "when: the year of \"9999-12-31T23:59:59-10:00\" has not four digits",
		`{"took_seconds":1e300}`:               "took_seconds: \"1e300\" is not a number of seconds",
		`{"yes":1}`:                            "yes: \"1\" is neither true nor false",
		`{"places":{}}`:                        "places: is not a list",
		`{"places":[{"at":true}]}`:             "places: [0]: at: \"true\" is not a whole number of 64 bits",
		`{"places":[null]}`:                    "places: [0]: is null",
		`{"numbers":[1,null]}`:                 "numbers: [1]: is null",
		`{"counts":[]}`:                        "counts: is not a JSON object",
	} {
		var v all
		if err := form.UnmarshalStrict([]byte(text), &v); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	full, _ := form.Marshal(all{Key: []byte{0xff}, Places: []Place{{"a", 1}}, Numbers: []int64{1}})
	f.Add(full)
	f.Add([]byte(`{"took_seconds":0.1e1,"share":1e-7,"when":"0001-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var v, again all
		if form.Unmarshal(text, &v) != nil {
			return
		}
		written, err := form.Marshal(v)
		if err == nil {
			err = form.UnmarshalStrict(written, &again)
		}
		if diff := cmp.Diff(v, again, flattest.Same(), cmp.AllowUnexported(all{})); err != nil || diff != "" {
			t.Fatalf("%q: %v\n%s\n%s", text, err, written, diff)
		}
	})
}

type query struct {
	Topic  string    `json:"topic,omitzero"`
	Lists  []int64   `json:"offsets,omitzero"`
	States []string  `json:"states,omitzero"`
	Key    []byte    `json:"key,omitzero"`
	Before time.Time `json:"before,omitzero"`
	Limit  int       `json:"limit,omitzero"`
	Offset *int64    `json:"offset,omitzero"`
}

var queryForm = flat.Of[query]()

func TestParametersComeBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		var was, is query
		flattest.Fill(reflect.ValueOf(&was).Elem(), rand.New(rand.NewPCG(seed, 0)))
		values, err := queryForm.Values(was)
		if err == nil {
			values, err = url.ParseQuery(values.Encode())
		}
		if err == nil {
			err = queryForm.FromValues(values, &is)
		}
		if diff := cmp.Diff(was, is, flattest.Same()); err != nil || diff != "" {
			t.Fatalf("%v\n%s\nwas and became:\n%s", err, values.Encode(), diff)
		}
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"topic=orders&offsets=1,2&offsets=3&states=halted&states=ready": `{"topic":"orders","offsets":[1,2,3],"states":["halted","ready"]}`,
		"key=&limit=5":          `{"key":"","limit":5}`,
		"key_base64=%2Fw%3D%3D": `{"key_base64":"/w=="}`,
		"offset=0":              `{"offset":0}`,
		"limit=1&limit=2":       "parameter limit: is given 2 times",
		"limit=null":            "parameter limit: is null",
		"limit=many":            `parameter limit: "many" is not a whole number of 64 bits`,
		"offsets=1,x":           "parameter offsets: is not a list",
		"stored_before=x":       `parameter "stored_before" is not known here`,
		"before=now":            `parameter before: "now" is not a time such as 2026-01-02T15:04:05Z`,
	} {
		values, err := url.ParseQuery(given)
		if err != nil {
			t.Fatal(err)
		}
		var q query
		err = queryForm.FromValues(values, &q)
		got, unwritten := queryForm.Marshal(q)
		if err != nil {
			got = []byte(err.Error())
		}
		if unwritten != nil || string(got) != want {
			t.Errorf("%s: %s (%v), want %s", given, got, unwritten, want)
		}
	}
}

func TestATypeWithoutAFormIsNoticedAtTheStart(t *testing.T) {
	t.Parallel()
	refuses[struct{ A int }](t, "no name")
	refuses[struct {
		A time.Duration `json:"took"`
	}](t, "_seconds")
	refuses[struct {
		A any `json:"a"`
	}](t, "no form")
	refuses[struct {
		A [][]byte `json:"a"`
	}](t, "no form")
	refuses[struct {
		Place
		A int64 `json:"at"`
	}](t, "two members")
}

func refuses[T any](t *testing.T, why string) {
	t.Helper()
	defer func() {
		if said, _ := recover().(string); !strings.Contains(said, why) {
			t.Errorf("%T: %q, want %s", *new(T), said, why)
		}
	}()
	flat.Of[T]()
}
