package admin

import (
	"bytes"
	"encoding"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// schema is as much of JSON Schema as the interface needs.
type schema struct {
	Ref         string            `json:"$ref,omitempty"`
	Description string            `json:"description,omitempty"`
	Type        kindsOf           `json:"type,omitempty"`
	Format      string            `json:"format,omitempty"`
	Items       *schema           `json:"items,omitempty"`
	Properties  map[string]schema `json:"properties,omitempty"`
	Additional  *schema           `json:"additionalProperties,omitempty"`
	Required    []string          `json:"required,omitempty"`
	AnyOf       []schema          `json:"anyOf,omitempty"`
}

// kinds are what a value may be; one alone is written without a list.
type kindsOf []string

func (k kindsOf) MarshalJSON() ([]byte, error) {
	if len(k) == 1 {
		return json.Marshal(k[0])
	}
	return json.Marshal([]string(k))
}

func (k *kindsOf) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(k))
	}
	*k = kindsOf{""}
	return json.Unmarshal(text, &(*k)[0])
}

const schemaPrefix = "#/components/schemas/"

// describer makes schemas of types, with the comments of their sources.
type describer struct {
	comments map[string]string // by Type, Type.Field and Interface.Method
	schemas  map[string]schema
}

// object is what a schema is part of.
type object = map[string]any

// document is openapi.json as the code has it.
func document(t *testing.T) []byte {
	t.Helper()
	d := &describer{comments: make(map[string]string), schemas: make(map[string]schema)}
	for _, dir := range []string{".", "../inspect"} {
		d.readComments(t, dir)
	}
	paths := object{"/v1/openapi.json": object{"get": object{
		"summary":   "This description.",
		"responses": object{"200": contentOf("application/json", schema{Type: kindsOf{"object"}}), "default": refusal()},
	}}}
	s, err := NewServer(Config{Inspector: stub{}, Health: healthy})
	must(t, err)
	for _, r := range append(routesOf(stub{}), s.ownRoutes()...) {
		if r.question == nil {
			continue // described above
		}
		paths[r.path] = object{strings.ToLower(r.method): d.operation(r)}
	}
	d.schemas["Refusal"] = schema{Type: kindsOf{"object"}, Required: []string{"problem"}, Properties: map[string]schema{
		"problem": {Type: kindsOf{"object"}, Required: []string{"code", "message"}, Properties: map[string]schema{
			"code":    {Type: kindsOf{"string"}, Description: "One of " + codes() + ". Others may be added."},
			"message": {Type: kindsOf{"string"}, Description: "A sentence for people."},
			"result":  {Description: "What was done before a change failed, as its answer tells.", Type: kindsOf{"object"}},
		}},
	}}
	text := new(bytes.Buffer)
	out := json.NewEncoder(text)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	must(t, out.Encode(object{
		"openapi": "3.1.0",
		"info": object{
			"title":   "holdfast, the socket of a running bridge",
			"version": Version,
			"description": "HTTP on the unix socket admin.sock. Readers are to ignore members that they do not know: some are added with later versions, none removed. " +
				"A request with a parameter, or a command with a member, that is not known is refused, since it would select too much. " +
				"A body is application/json. HEAD is answered wherever GET is; any other method is refused with 405 and the header Allow. " +
				"Data that is not valid UTF-8 is base64 under its name with the ending _base64, of which one of the two is there.",
		},
		"paths":      paths,
		"components": object{"schemas": d.schemas},
	}))
	return text.Bytes()
}

func codes() string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.code)
	}
	return strings.Join(names, ", ")
}

func contentOf(kind string, s schema) object {
	return object{"description": "done", "content": object{kind: object{"schema": s}}}
}

func refusal() object {
	return object{"description": "refused, or failed", "content": object{"application/json": object{"schema": schema{Ref: schemaPrefix + "Refusal"}}}}
}

func (d *describer) operation(r route) object {
	kind, answer := "application/json", d.of(r.answer, "")
	if r.streams {
		kind, answer = "application/x-ndjson", schema{
			Description: "A line. The last one is a problem where the list could not be ended; a list that was cut off is not ended by HTTP either.",
			AnyOf:       []schema{answer, {Ref: schemaPrefix + "Refusal"}},
		}
	}
	op := object{
		"responses": object{
			"200":     contentOf(kind, answer),
			"default": refusal(),
		},
	}
	name := nameOf(r.path)
	if about := d.comments["Inspector."+name]; about != "" {
		op["operationId"], op["summary"] = name, about
	} else {
		op["operationId"], op["summary"] = r.answer.Name(), d.comments[r.answer.Name()]
	}
	if question := d.of(r.question, ""); r.method == "POST" {
		op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": question}}}
	} else if r.question.NumField() > 0 {
		op["parameters"] = d.parameters(r)
	}
	return op
}

// nameOf is the method of inspect.Inspector that a path stands for.
func nameOf(path string) string {
	name := strings.TrimPrefix(path, "/v1/")
	return strings.ToUpper(name[:1]) + name[1:]
}

func (d *describer) parameters(r route) (list []object) {
	of, s := r.question, d.structure(r.question)
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		for _, name := range []string{name, name + "_base64"} {
			if each, ok := s.Properties[name]; ok {
				p := object{"name": name, "in": "query", "schema": schema{Type: each.Type, Format: each.Format, Items: each.Items}}
				if slices.Contains(r.needs, name) {
					p["required"] = true
				}
				if each.Description != "" {
					p["description"] = each.Description
				}
				list = append(list, p)
			}
		}
	}
	return list
}

// of is the schema of what a type is written as, under a name.
func (d *describer) of(t reflect.Type, name string) schema {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return schema{Type: kindsOf{"string", "null"}, Format: "date-time"}
	case t == reflect.TypeFor[time.Duration]():
		return schema{Type: kindsOf{"number"}}
	case t == reflect.TypeFor[error]():
		return schema{Type: kindsOf{"string", "null"}}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return schema{Type: kindsOf{"string"}}
	case t == reflect.TypeFor[planned]():
		return d.of(reflect.TypeFor[planned]().Field(0).Type, name)
	}
	switch t.Kind() {
	case reflect.Struct:
		if _, known := d.schemas[t.Name()]; !known {
			d.schemas[t.Name()] = schema{} // its members may name it
			d.schemas[t.Name()] = d.structure(t)
		}
		return schema{Ref: schemaPrefix + t.Name()}
	case reflect.Pointer:
		to := d.of(t.Elem(), name)
		if to.Ref != "" {
			return schema{AnyOf: []schema{to, {Type: kindsOf{"null"}}}}
		}
		to.Type = append(to.Type, "null")
		return to
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return schema{Type: kindsOf{"string", "null"}}
		}
		items := d.of(t.Elem(), "")
		return schema{Type: kindsOf{"array"}, Items: &items}
	case reflect.Map:
		values := d.of(t.Elem(), "")
		return schema{Type: kindsOf{"object"}, Additional: &values}
	case reflect.String:
		return schema{Type: kindsOf{"string"}}
	case reflect.Bool:
		return schema{Type: kindsOf{"boolean"}}
	case reflect.Float64:
		return schema{Type: kindsOf{"number", "null"}}
	}
	return schema{Type: kindsOf{"integer"}}
}

func (d *describer) structure(t reflect.Type) schema {
	s := schema{Type: kindsOf{"object"}, Description: d.comments[t.Name()], Properties: make(map[string]schema)}
	d.members(t, &s)
	return s
}

func (d *describer) members(t reflect.Type, s *schema) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			d.members(f.Type, s)
			continue
		}
		member := d.of(f.Type, name)
		member.Description = d.comments[t.Name()+"."+f.Name]
		isData := f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Uint8 || f.Type.Kind() == reflect.String && (name == "key" || name == "lane")
		s.Properties[name] = member
		if isData {
			s.Properties[name+"_base64"] = schema{Type: kindsOf{"string"}, Description: "Instead of " + name + ", where that is not valid UTF-8.", Format: "byte"}
		} else if options == "" {
			s.Required = append(s.Required, name)
		}
	}
}

// readComments reads what the sources say of types, fields and methods.
func (d *describer) readComments(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	must(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		must(t, err)
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments)
		must(t, err)
		for _, decl := range file.Decls {
			if types, ok := decl.(*ast.GenDecl); ok && types.Tok == token.TYPE {
				for _, spec := range types.Specs {
					d.readType(types, spec.(*ast.TypeSpec))
				}
			}
		}
	}
}

func (d *describer) readType(decl *ast.GenDecl, spec *ast.TypeSpec) {
	d.comments[spec.Name.Name] = commentOf(decl.Doc, spec.Doc)
	var fields *ast.FieldList
	switch of := spec.Type.(type) {
	case *ast.StructType:
		fields = of.Fields
	case *ast.InterfaceType:
		fields = of.Methods
	default:
		return
	}
	for _, f := range fields.List {
		for _, name := range f.Names {
			d.comments[spec.Name.Name+"."+name.Name] = commentOf(f.Doc, f.Comment)
		}
	}
}

// links are those of Go's documentation.
var links = regexp.MustCompile(`\[([A-Z][\w.]*)\]`)

func commentOf(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			return links.ReplaceAllString(text, "$1")
		}
	}
	return ""
}
