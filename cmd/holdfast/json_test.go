package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// JSON.md names every field of everything that --output json writes, and no
// other: each type has a section of its name with a table.
func TestDocumentedJSON(t *testing.T) {
	t.Parallel()
	documented := documentedFields(t)
	for _, of := range answerTypes() {
		name := strings.ToUpper(of.Name()[:1]) + of.Name()[1:]
		want, ok := documented[name]
		if !ok {
			t.Errorf("JSON.md has no section %s", name)
			continue
		}
		delete(documented, name)
		if diff := cmp.Diff(want, writtenFields(t, of)); diff != "" {
			t.Errorf("%s in JSON.md and as it is written (-documented +written):\n%s", name, diff)
		}
	}
	for name := range documented {
		t.Errorf("JSON.md describes %s, which nothing is made of", name)
	}
}

// documentedFields are the kinds of the fields that JSON.md names, by section.
func documentedFields(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("JSON.md")
	if err != nil {
		t.Fatal(err)
	}
	sections, row := map[string]map[string]string{}, regexp.MustCompile("^\\| `(\\w+)`(?:, `(\\w+)`)? \\| (\\w+)")
	var fields map[string]string
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "### "); ok {
			fields = map[string]string{}
			sections[strings.TrimSpace(name)] = fields
		} else if strings.HasPrefix(line, "#") {
			fields = nil
		}
		if m := row.FindStringSubmatch(line); m != nil && fields != nil {
			for _, name := range m[1:3] {
				if name != "" {
					fields[name] = m[3]
				}
			}
		}
	}
	return sections
}

// answerTypes are the structs that commands write, all that an inspector answers
// with, and those in them.
func answerTypes() (types []reflect.Type) {
	var add func(reflect.Type)
	add = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice:
			add(of.Elem())
		case reflect.Struct:
			if of == reflect.TypeFor[time.Time]() || slices.Contains(types, of) {
				return
			}
			types = append(types, of)
			for _, f := range reflect.VisibleFields(of) {
				if !f.Anonymous && f.IsExported() {
					add(f.Type)
				}
			}
		}
	}
	add(reflect.TypeFor[outcome]())
	add(reflect.TypeFor[configCheck]())
	add(reflect.TypeFor[produced]())
	add(reflect.TypeFor[inspect.Health]())
	of := reflect.TypeFor[inspect.Inspector]()
	for i := range of.NumMethod() {
		answer := of.Method(i).Type.Out(0)
		if answer.Kind() == reflect.Func { // an iter.Seq2
			answer = answer.In(0).In(0)
		}
		add(answer)
	}
	return types
}

// writtenFields are the kinds of the fields that a value of the type has as JSON.
func writtenFields(t *testing.T, of reflect.Type) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for _, text := range []string{"text", "\xff"} {
		v := reflect.New(of).Elem()
		fill(v, text, 3)
		b, err := json.Marshal(v.Interface())
		if err != nil {
			t.Fatalf("%v: %v", of, err)
		}
		var written map[string]any
		if err := json.Unmarshal(b, &written); err != nil {
			t.Fatalf("%v is no object, but %s", of, b)
		}
		for name, value := range written {
			fields[name] = kindOf(name, value)
		}
	}
	return fields
}

// kindOf is the word that JSON.md has for a value.
func kindOf(name string, value any) string {
	switch v := value.(type) {
	case bool:
		return "boolean"
	case []any:
		return "list"
	case map[string]any:
		return "object"
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			return "time"
		}
		if strings.HasSuffix(name, "_base64") {
			return "base64"
		}
		return "string"
	case float64:
		if v != float64(int64(v)) {
			return "number"
		}
		return "integer"
	}
	return fmt.Sprintf("%T", value)
}

// fill sets all of a value, nested ones as deep as said.
func fill(v reflect.Value, text string, depth int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
		if v.Type() == reflect.TypeFor[time.Duration]() {
			v.SetInt(int64(1500 * time.Millisecond))
		}
	case reflect.Uint64, reflect.Uint32:
		v.SetUint(7)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Interface:
		v.Set(reflect.ValueOf(errors.New("broken")))
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), text, depth-1)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(text))
		} else if depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), text, depth-1)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text, depth)
			}
		}
	}
}
