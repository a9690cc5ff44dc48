package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/exec"
	"github.com/seed-2837c37b/holdfast/bridge/handler/webhook"
)

func TestAllOfAMatchIsMeant(t *testing.T) {
	t.Parallel()
	exit := fmt.Errorf("charge: %w", &exec.ExitError{Code: 3, Stderr: "a duplicate"})
	status := &webhook.StatusError{Code: 429}
	for name, c := range map[string]struct {
		match Match
		err   error
		want  bool
	}{
		"exit code":                {Match{ExitCode: []int{1, 3}}, exit, true},
		"another exit code":        {Match{ExitCode: []int{1}}, exit, false},
		"exit code of a webhook":   {Match{ExitCode: []int{429}}, status, false},
		"status":                   {Match{Status: []int{429}}, status, true},
		"another status":           {Match{Status: []int{503}}, status, false},
		"status of a process":      {Match{Status: []int{3}}, exit, false},
		"text":                     {Match{Text: "duplicate"}, exit, true},
		"another text":             {Match{Text: "locked"}, exit, false},
		"exit code and text":       {Match{ExitCode: []int{3}, Text: "duplicate"}, exit, true},
		"exit code, not the text":  {Match{ExitCode: []int{3}, Text: "locked"}, exit, false},
		"text, not the exit code":  {Match{ExitCode: []int{4}, Text: "duplicate"}, exit, false},
		"an error of another kind": {Match{ExitCode: []int{0}}, errors.New("x"), false},
	} {
		if got := c.match.matches(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestClassesAreOfTheLibrary(t *testing.T) {
	t.Parallel()
	for do, action := range actions {
		list := retryClasses([]*Class{{Match: Match{Text: "x"}, Do: do}})
		if len(list) != 1 || list[0].Do != action || list[0].Match == nil || list[0].Match(errors.New("y")) {
			t.Errorf("%s became %+v", do, list)
		}
	}
	if actions["bury"] != bridge.DoBury {
		t.Error("bury is another action")
	}
}

// A class that no error of the handler is of would never match.
func TestClassesAreOfTheHandler(t *testing.T) {
	t.Parallel()
	const exec, http = `exec: {command: [/bin/true]}`, `http: {url: "http://localhost/"}`
	for name, c := range map[string]struct{ match, common, own, want string }{
		"exit code under exec":             {"exit_code: 3", exec, "", ""},
		"status under http":                {"status: 429", http, "", ""},
		"text under log":                   {"text: x", "log: {}", "", ""},
		"status under exec":                {"status: 429", exec, "", "topics.orders.retry_classes: never matches: status 429 is an answer to http, and the handler here is exec"},
		"exit code under http":             {"exit_code: [3, 4]", http, "", "topics.orders.retry_classes: never matches: exit_code 3 is of a process under exec, and the handler here is http"},
		"exit code, by the topic's own":    {"exit_code: 3", http, exec, ""},
		"status, not by the topic's own":   {"status: 429", http, exec, "the handler here is exec"},
		"one of each, of which one cannot": {"{exit_code: 3, status: 429}", exec, "", "status 429"},
	} {
		text := "kafka: {brokers: [127.0.0.1:9092], group: billing}\ndata_dir: ./data\nhandler: {" + c.common + "}\n" +
			"topics: {orders: {retry_classes: [{match: {" + strings.Trim(c.match, "{}") + "}, do: skip}]"
		if c.own != "" {
			text += ", handler: {" + c.own + "}"
		}
		_, err := decode([]byte(text+"}}\n"), Input{File: "holdfast.yaml"})
		if got := fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) && c.want != "" {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
