package bridge_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// telling fills every hook: each notes its field and whose it is.
func telling(who string, to *[]string) *bridge.Hooks {
	var hooks bridge.Hooks
	v := reflect.ValueOf(&hooks).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		v.Field(i).Set(reflect.MakeFunc(v.Field(i).Type(), func([]reflect.Value) []reflect.Value {
			*to = append(*to, name+" "+who)
			return nil
		}))
	}
	return &hooks
}

func TestJoinedHooksAreAllCalledInTheirOrder(t *testing.T) {
	t.Parallel()
	var told []string
	joined := reflect.ValueOf(bridge.JoinHooks(nil, telling("a", &told), &bridge.Hooks{}, telling("b", &told), telling("c", &told))).Elem()
	for i := range joined.NumField() {
		hook, name := joined.Field(i), joined.Type().Field(i).Name
		if hook.IsNil() {
			t.Errorf("%s is not joined", name)
			continue
		}
		told = nil
		var args []reflect.Value
		for n := range hook.Type().NumIn() {
			args = append(args, reflect.Zero(hook.Type().In(n)))
		}
		hook.Call(args)
		if want := []string{name + " a", name + " b", name + " c"}; !slices.Equal(told, want) {
			t.Errorf("%s told %v, want %v", name, told, want)
		}
	}
}

func TestAHookThatNobodyWantsIsNotJoined(t *testing.T) {
	t.Parallel()
	joined := reflect.ValueOf(bridge.JoinHooks(&bridge.Hooks{}, nil)).Elem()
	for i := range joined.NumField() {
		if !joined.Field(i).IsNil() {
			t.Errorf("%s is there", joined.Type().Field(i).Name)
		}
	}
}

func TestAPanicOfAHookLeavesNoOtherOut(t *testing.T) {
	t.Parallel()
	var told []string
	first := errors.New("first")
	joined := bridge.JoinHooks(
		&bridge.Hooks{Finished: func(*bridge.Job, bridge.Result) { panic(first) }},
		telling("b", &told), telling("c", &told))
	func() {
		defer func() {
			if recover() != first {
				t.Error("the panic is lost")
			}
		}()
		joined.Finished(nil, bridge.Result{})
	}()
	if !slices.Equal(told, []string{"Finished b", "Finished c"}) {
		t.Errorf("told %v", told)
	}
}
