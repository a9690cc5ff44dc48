package admin

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/flat/flattest"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// openapi.json says what the types and routes of the code say.
func TestOpenAPIIsFresh(t *testing.T) {
	t.Parallel()
	want := document(t)
	if *update {
		must(t, os.WriteFile("openapi.json", want, 0o644))
		return
	}
	got, err := os.ReadFile("openapi.json")
	must(t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("openapi.json is not what the code does; run make docs\n%s", diff)
	}
}

// openAPIFile is as much of it as the tests go by.
type openAPIFile struct {
	Paths map[string]map[string]struct {
		Parameters []struct {
			Name     string
			Required bool
		}
		RequestBody struct {
			Content map[string]struct{ Schema schema }
		}
		Responses map[string]struct {
			Content map[string]struct{ Schema schema }
		}
	}
	Components struct{ Schemas map[string]schema }
}

func readOpenAPI(t *testing.T) (file openAPIFile) {
	t.Helper()
	must(t, json.Unmarshal(openAPI, &file))
	return file
}

// Whatever an answer holds, it is as openapi.json says, member for member.
func TestOpenAPIDescribesEveryAnswer(t *testing.T) {
	t.Parallel()
	file := readOpenAPI(t)
	for _, r := range routesOf(stub{}) {
		described := file.Paths[r.path][strings.ToLower(r.method)]
		if r.streams && strings.Contains(asText(t, r.answer), problemLine) {
			t.Errorf("a line of %s has a member called problem, which says that the list has failed", r.path)
		}
		for kind, content := range described.Responses["200"].Content {
			if want := map[bool]string{true: "application/x-ndjson", false: "application/json"}[r.streams]; kind != want {
				t.Errorf("%s is described as %s, and is %s", r.path, kind, want)
			}
			for seed := range uint64(20) {
				value := reflect.New(r.answer)
				flattest.Fill(value.Elem(), rand.New(rand.NewPCG(seed, 0)))
				if value.Elem().Kind() == reflect.Slice && value.Elem().IsNil() {
					value.Elem().Set(reflect.MakeSlice(r.answer, 0, 0)) // as it is sent
				}
				text, err := json.Marshal(value.Interface())
				must(t, err)
				conforms(t, file, r.path, content.Schema, text)
			}
		}
		if len(described.Responses["200"].Content) != 1 {
			t.Errorf("the answer of %s is not described", r.path)
		}
	}
}

// The requests are asked of a server, with what openapi.json calls parameters
// and bodies, and the answers compared.
func TestOpenAPIAgainstTheHandlers(t *testing.T) {
	t.Parallel()
	file := readOpenAPI(t)
	s := newStore(t, 1, 5)
	path := serve(t, Config{Inspector: inspect.New(s, inspect.Options{Clock: stopped{}}), Health: healthy})
	far := dial(t, path)
	plan, err := far.Plan(t.Context(), inspect.Command{Verb: inspect.Bury, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{1}}})
	must(t, err)
	asked, err := json.Marshal(plan)
	must(t, err)
	bodies := map[string]string{"/v1/plan": `{"verb":"skip","select":{"topic":"orders"}}`, "/v1/execute": string(asked)}
	for path, methods := range file.Paths {
		for method, described := range methods {
			request, err := http.NewRequest(strings.ToUpper(method), "http://holdfast"+path, strings.NewReader(bodies[path]))
			must(t, err)
			response, err := far.http.Do(request)
			must(t, err)
			var body bytes.Buffer
			_, err = body.ReadFrom(response.Body)
			must(t, err)
			response.Body.Close()
			content, ok := described.Responses[statusText(response.StatusCode)].Content[response.Header.Get("Content-Type")]
			if !ok {
				t.Errorf("%s %s answers %s with %s, which is not described", method, path, response.Status, response.Header.Get("Content-Type"))
				continue
			}
			if path == "/v1/openapi.json" {
				continue
			}
			for line := range bytes.Lines(body.Bytes()) {
				conforms(t, file, path, content.Schema, line)
			}
		}
	}
	for _, p := range file.Paths["/v1/jobs"]["get"].Parameters {
		if response := raw(t, path, get("/v1/jobs?"+p.Name+"=")); strings.Contains(response, "is not known here") {
			t.Errorf("the parameter %s is described, and refused", p.Name)
		}
	}
}

// A number that is left out is not taken for zero.
func TestWhatIsRequiredIsMissed(t *testing.T) {
	t.Parallel()
	file := readOpenAPI(t)
	path := serve(t, Config{Inspector: stub{}})
	required := make(map[string][]string)
	for of, methods := range file.Paths {
		for _, p := range methods["get"].Parameters {
			if p.Required {
				required[of] = append(required[of], p.Name)
			}
		}
	}
	want := map[string][]string{"/v1/explain": {"topic", "partition"}, "/v1/job": {"topic", "partition", "offset"}}
	if diff := cmp.Diff(want, required); diff != "" {
		t.Errorf("required (-want +got)\n%s", diff)
	}
	for of, names := range required {
		for _, missing := range names {
			for _, given := range []string{"", missing + "=&"} {
				question := of + "?" + given
				for _, name := range names {
					if name != missing {
						question += name + "=1&"
					}
				}
				if answer := raw(t, path, get(question)); !strings.HasPrefix(answer, "HTTP/1.1 400") || !strings.Contains(answer, "parameter "+missing+" is missing") {
					t.Errorf("%s is answered with\n%s", question, answer)
				}
			}
		}
	}
}

// asText is a value of the type as it is sent.
func asText(t *testing.T, of reflect.Type) string {
	t.Helper()
	text, err := json.Marshal(reflect.New(of).Interface())
	must(t, err)
	return string(text)
}

func statusText(code int) string {
	if code == http.StatusOK {
		return "200"
	}
	return "default"
}

func conforms(t *testing.T, file openAPIFile, what string, to schema, text []byte) {
	t.Helper()
	var value any
	must(t, json.Unmarshal(text, &value))
	for _, wrong := range to.wrong(file, what, value) {
		t.Errorf("%s\nin %.300s", wrong, text)
	}
}

// wrong tells how a value is not as the schema says. A member that is not
// described is wrong here, though clients are to ignore such.
func (s schema) wrong(file openAPIFile, at string, value any) (found []string) {
	if s.Ref != "" {
		return file.Components.Schemas[strings.TrimPrefix(s.Ref, schemaPrefix)].wrong(file, at, value)
	}
	if len(s.AnyOf) > 0 {
		for _, one := range s.AnyOf {
			if len(one.wrong(file, at, value)) == 0 {
				return nil
			}
		}
		return []string{at + ": is none of what it may be"}
	}
	if kind := kindOf(value); !slices.Contains(s.Type, kind) && !(kind == "integer" && slices.Contains(s.Type, "number")) {
		return []string{at + ": is of type " + kind + ", described as " + strings.Join(s.Type, " or ")}
	}
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			found = append(found, s.Items.wrong(file, at+"[]", item)...)
		}
	case map[string]any:
		for name, member := range value {
			described, ok := s.Properties[name]
			if !ok && s.Additional == nil {
				found = append(found, at+": "+name+" is not described")
				continue
			}
			if !ok {
				described = *s.Additional
			}
			found = append(found, described.wrong(file, at+"."+name, member)...)
		}
		for _, name := range s.Required {
			if _, ok := value[name]; !ok {
				found = append(found, at+": "+name+" is missing")
			}
		}
	}
	return found
}

func kindOf(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if value == float64(int64(value)) || value >= 1<<63 || value <= -1<<63 {
			return "integer"
		}
		return "number"
	}
	return "object"
}
