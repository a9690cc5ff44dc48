package config

import (
	"errors"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

// Produce is where the results of a topic's jobs go.
type Produce struct {
	Topic         string
	From          string // empty: what the handler has
	Key           bridge.ResultKey
	Partitioner   string
	OriginHeaders bool
	AllowLoop     bool
}

// What handlers have for a result.
const (
	fromStdout   = "stdout"
	fromResponse = "response"
)

func newProduce() *Produce { return &Produce{Partitioner: "murmur2"} }

func (p *Produce) fields() fields {
	return fields{
		{"topic", one(&p.Topic, text)},
		{"from", one(&p.From, words(fromStdout, fromResponse))},
		{"key", one(&p.Key, choice(
			word[bridge.ResultKey]{"record", bridge.KeyOfRecord}, word[bridge.ResultKey]{"lane", bridge.KeyOfLane}, word[bridge.ResultKey]{"none", bridge.NoKey},
		))},
		{"partitioner", one(&p.Partitioner, hashName)},
		{"origin_headers", one(&p.OriginHeaders, boolean)},
		{"allow_loop", one(&p.AllowLoop, unlessZero(boolean))},
	}
}

func (p *Produce) check(n node) {
	if p.Topic == "" {
		n.fail("has no topic; name the one that results go to")
	}
}

// boolean is true or false.
var boolean = choice(word[bool]{"true", true}, word[bool]{"false", false})

// hashName names how keys are placed in partitions.
var hashName = kind[string]{
	parse: func(s string) (string, error) {
		if _, ok := partitioner.HashByName(s); !ok {
			var names []string
			for _, h := range partitioner.Hashes() {
				names = append(names, h.Name)
			}
			return "", errors.New("\"" + s + "\" is unknown; use " + either(names))
		}
		return s, nil
	},
	format: func(s string) string { return s },
}

// results are what a handler has for one; of several kinds none.
func (h *Handler) results() string {
	switch {
	case h == nil:
	case h.Exec != nil:
		return fromStdout
	case h.HTTP != nil:
		return fromResponse
	}
	return ""
}

// produce is the section as the library takes it, for jobs of a handler.
func (b *builder) produce(t *Topic, by *Handler) bridge.Produce {
	p := t.Produce
	if p == nil {
		return bridge.Produce{}
	}
	has := by.results()
	switch {
	case has == "" && by != nil:
		b.fail(t.key()+".produce", "needs a handler with a result: exec has its stdout, http the response; give the topic one of them, or remove this")
	case by != nil && p.From != "" && p.From != has:
		b.fail(t.key()+".produce.from", p.From+" is not what this topic's handler has; write "+has)
	}
	return bridge.Produce{
		Topic: p.Topic, Results: true, Key: p.Key, Partitioner: p.Partitioner,
		OriginHeaders: p.OriginHeaders, AllowLoop: p.AllowLoop,
	}
}
