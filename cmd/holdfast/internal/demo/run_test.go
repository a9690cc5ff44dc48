package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"
)

func perform1(t *testing.T, o Options) Summary {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	if err := Run(ctx, o, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s%s", err, &stderr, &stdout)
	}
	var s Summary
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		t.Fatalf("%v in %s", err, &stdout)
	}
	return s
}

func TestDemoProvesItself(t *testing.T) {
	t.Parallel()
	s := perform1(t, small())
	if s.Records != 2000 || s.Handled != 2000 || s.Distinct != 2000 || s.Rate <= 0 || s.SerialRate <= 0 || len(s.Partitions) != 3 {
		t.Errorf("summary %+v", s)
	}
}

func TestDemoSurvivesACrash(t *testing.T) {
	t.Parallel()
	o := small()
	o.Crash, o.Self = true, []string{"/usr/bin/env", asWorker + "=1", os.Args[0]}
	s := perform1(t, o)
	if s.Crashes != 1 || s.Distinct != 2000 || s.DurableReruns != 0 || s.OrderBreaks != 0 {
		t.Errorf("summary %+v", s)
	}
}
