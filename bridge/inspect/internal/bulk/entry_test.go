package bulk

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/queue"
)

// TestAnEntryKeepsItsForm: earlier and later versions read it.
func TestAnEntryKeepsItsForm(t *testing.T) {
	t.Parallel()
	const operation = `"operation":{"id":"rq-d2e5","state":"running","reason":"","actor":"uid 7 (eva)","verb":"requeue","topic":"orders",` +
		`"what":"requeue --topic orders --rate 1000/s","command":{"verb":"requeue","dead":{"topic":"orders","later":[1]},"rate":1000},` +
		`"began_at":"2026-11-22T02:07:17.531283606Z","ended_at":null,"matched":600,"taken":5,"done":1,"dead_again":1,"failed_again":0,"parked_again":0,` +
		`"forgotten":0,"waiting":3,"already_done":0,"refused":[{"reason":"damaged","count":2,"jobs":[{"topic":"orders","partition":0,"offset":9}]}]},` +
		`"plan_made":"2026-11-22T02:07:17.470568845Z"`
	for name, text := range map[string]string{
		"letters":                            `{` + operation + `,"parts":{"0":300,"1":300},"out":{"0":"AAIBAgEC"}}`,
		"jobs":                               `{` + operation + `,"parts":{},"jobs":{"0":{"at":300,"left":300,"frontier":0,"burials":4,"full":true}},"topic_id":"Zm9v","out":{"0":"AAIBAgEC"}}`,
		"jobs of a partition that was moved": `{` + operation + `,"parts":{},"jobs":{"0":{"at":300,"left":300,"frontier":0,"burials":4,"resets":0}},"topic_id":"Zm9v","out":{"0":"AAIBAgEC"}}`,
		"lanes":                              `{` + operation + `,"parts":{},"lanes":{"0":{"after":{"offset":-1,"lane":7},"through":true}},"last_parked":"2026-11-22T02:07:17Z","out":{"0":"AAIBAgEC"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := Read(queue.Operation{ID: "rq-d2e5", Data: []byte(text)})
			if err != nil {
				t.Fatal(err)
			}
			var op queue.Operation
			if err := e.Write(&op); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(members(t, []byte(text)), members(t, op.Data)); diff != "" {
				t.Error(diff)
			}
			if op.ID != "rq-d2e5" || !op.Open || !op.Began.Equal(e.Operation.Began) {
				t.Errorf("entry %+v", op)
			}
		})
	}
}

func members(t *testing.T, text []byte) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func FuzzMarks(f *testing.F) {
	f.Add([]byte{0, 2, 1, 2, 1, 2})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 14})
	f.Fuzz(func(t *testing.T, packed []byte) {
		text, err := json.Marshal(packed)
		if err != nil {
			t.Fatal(err)
		}
		var set, again markSet
		if json.Unmarshal(text, &set) != nil {
			return
		}
		if text, err = json.Marshal(set); err == nil {
			err = json.Unmarshal(text, &again)
		}
		if diff := cmp.Diff(set, again, cmp.AllowUnexported(mark{})); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}
