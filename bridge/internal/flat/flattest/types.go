package flattest

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

// Types are the structs of module that an interface takes and returns, and
// those in them, also what it lists as an iterator.
func Types(of reflect.Type, module string) []reflect.Type {
	seen := make(map[reflect.Type]bool)
	for i := range of.NumMethod() {
		visit(of.Method(i).Type, module, seen)
	}
	var found []reflect.Type
	for each, isStruct := range seen {
		if isStruct {
			found = append(found, each)
		}
	}
	slices.SortFunc(found, func(a, b reflect.Type) int { return strings.Compare(a.String(), b.String()) })
	return found
}

func visit(t reflect.Type, module string, seen map[reflect.Type]bool) {
	if _, done := seen[t]; done {
		return
	}
	seen[t] = t.Kind() == reflect.Struct && strings.HasPrefix(t.PkgPath(), module)
	switch t.Kind() {
	case reflect.Func:
		for i := range t.NumIn() {
			visit(t.In(i), module, seen)
		}
		for i := range t.NumOut() {
			visit(t.Out(i), module, seen)
		}
	case reflect.Slice, reflect.Pointer:
		visit(t.Elem(), module, seen)
	case reflect.Map:
		visit(t.Elem(), module, seen)
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range t.NumField() {
			visit(t.Field(i).Type, module, seen)
		}
	}
}
