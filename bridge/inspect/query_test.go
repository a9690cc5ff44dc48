package inspect_test

import (
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

func TestCommandTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	err := inspect.Command{
		Verb:   "destroy",
		Select: inspect.Query{Partitions: []int32{1}, Offsets: []int64{7}, States: []inspect.State{"lost"}, Limit: -1},
	}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, problem := range []string{
		`verb "destroy"`, "no topic", "partitions without a topic",
		"offsets without a topic and one partition", `state "lost"`, "limit -1",
	} {
		if !strings.Contains(err.Error(), problem) {
			t.Errorf("does not say %s: %v", problem, err)
		}
	}
}

func TestOnlyWhatRunsAgainResetsAttempts(t *testing.T) {
	t.Parallel()
	err := inspect.Command{Verb: inspect.Skip, ResetAttempts: true, Select: inspect.Query{Topic: "orders"}}.Validate()
	if err == nil || !strings.Contains(err.Error(), "attempts are reset by retry, requeue and release only, not by skip") {
		t.Errorf("error %v", err)
	}
}

func TestCommandsThatAreFine(t *testing.T) {
	t.Parallel()
	for _, c := range []inspect.Command{
		{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders"}},
		{Verb: inspect.Retry, ResetAttempts: true, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{1, 2}}},
		{Verb: inspect.Retry, Select: inspect.Query{Topic: "orders", Partitions: []int32{0, 1}, States: []inspect.State{inspect.Halted}}},
	} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
}
