package exec

import (
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// try runs a job whose results go to a topic.
func try(t *testing.T, h bridge.Handler, value string, p bridge.Produce) bridge.Trial {
	t.Helper()
	p.Topic = "charged"
	job := bridge.Job{Record: bridge.Record{Topic: "orders", Key: []byte("anna"), Value: []byte(value)}}
	trial, err := bridge.Try(t.Context(), bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: h, Produce: p}}}, job)
	if err != nil {
		t.Fatal(err)
	}
	return trial
}

func TestStdoutIsProduced(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, script    string
		to              bridge.Produce
		outcome, want   string
		key, errorsWith string
	}{
		{"as it is", `printf 'paid\n\377'`, bridge.Produce{Results: true}, "done", "paid\n\xff", "anna", ""},
		{"by lane", `echo paid`, bridge.Produce{Results: true, Key: bridge.KeyOfLane}, "done", "paid\n", "anna", ""},
		{"without a key", `echo paid`, bridge.Produce{Results: true, Key: bridge.NoKey}, "done", "paid\n", "", ""},
		{"nothing", `echo chat >&2`, bridge.Produce{Results: true}, "done", "", "", ""},
		{"not wanted", `echo chat`, bridge.Produce{}, "done", "", "", ""},
		{"of a failure", `echo half; exit 1`, bridge.Produce{Results: true}, "retry", "", "", "exit status 1: half"},
		{"too much", `head -c 1048577 /dev/zero`, bridge.Produce{Results: true}, "retry", "", "", "stdout has more than 1048576 bytes"},
	} {
		trial := try(t, shell(t, tt.script), "", tt.to)
		if trial.Outcome != tt.outcome || tt.errorsWith != "" && !strings.Contains(trial.Err.Error(), tt.errorsWith) {
			t.Errorf("%s: %s, %v", tt.name, trial.Outcome, trial.Err)
		}
		var got bridge.Record
		if len(trial.Produced) == 1 {
			got = trial.Produced[0]
		}
		if string(got.Value) != tt.want || string(got.Key) != tt.key || len(trial.Produced) > 1 {
			t.Errorf("%s: produced %+v", tt.name, trial.Produced)
		}
	}
}

func TestResultOfAStreamIsProduced(t *testing.T) {
	t.Parallel()
	script := `while IFS= read -r line; do
		id=${line#'{"id":"'} id=${id%%'"'*}
		case $line in
		*text*) result=',"result":"paid"' ;;
		*bytes*) result=',"result_base64":"/w=="' ;;
		*) result= ;;
		esac
		printf '{"id":"%s","ok":true%s}\n' "$id" "$result"
	done`
	s, err := NewStream(StreamConfig{Config: Config{Command: []string{"sh", "-c", script}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for value, want := range map[string]string{"text": "paid", "bytes": "\xff", "": ""} {
		trial := try(t, s, value, bridge.Produce{Results: true})
		got := ""
		for _, r := range trial.Produced {
			got += string(r.Value)
		}
		if trial.Err != nil || got != want {
			t.Errorf("%q: produced %q, %v", value, got, trial.Err)
		}
	}
	for _, line := range []string{
		`{"id":"7","ok":true,"result":"a","result_base64":"YQ=="}`, `{"id":"7","error":"no","result":"a"}`,
		`{"id":"7","ok":true,"result":1}`, `{"id":"7","ok":true,"result_base64":"*"}`,
	} {
		if _, err := decodeAnswer([]byte(line), 100); err == nil {
			t.Errorf("%s was taken", line)
		}
	}
}
