package main

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// get STATUS URL [TEXT]: asks until the answer has the status, and the text in
// it. The answer is the standard output.
func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: get STATUS URL [TEXT]")
	}
	text := ""
	if len(args) == 3 {
		text = args[2]
	}
	last := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		status, body, err := get(args[1])
		if err == nil && strconv.Itoa(status) == args[0] && strings.Contains(body, text) {
			_, err := ts.Stdout().Write([]byte(body))
			ts.Check(err)
			return
		}
		last = strconv.Itoa(status) + " " + body
		if err != nil {
			last = err.Error()
		}
	}
	ts.Fatalf("%s does not answer %s with %q: %s", args[1], args[0], text, last)
}

func get(url string) (status int, body string, err error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(content), err
}
