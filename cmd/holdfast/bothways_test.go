package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// What an operator sees and does is the same while the bridge runs and while it
// does not: each script is run both ways. Where it says "bridge settle" the
// bridge stops in the one, and "bridge again" is where it starts once more.
func TestLiveAndOffline(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		name := map[bool]string{false: "offline", true: "live"}[live]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := scriptParams("testdata/script/both")
			setup, condition := params.Setup, params.Condition
			params.Setup = func(env *testscript.Env) error {
				err := setup(env)
				env.Values[bridgesKey{}].(*bridges).live = live
				return err
			}
			params.Condition = func(word string) (bool, error) {
				if word == "live" {
					return live, nil
				}
				return condition(word)
			}
			testscript.Run(t, params)
		})
	}
}
