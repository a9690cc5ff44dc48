package config

import (
	"regexp"
	"strings"
	"testing"
)

func TestCommonName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		one, two string
		others   []string
		want     string
	}{
		{one: `audit\..*`, two: `.*\.eu`, want: "audit.eu"},
		{one: `audit\..*`, two: `orders\..*`},
		{one: `a+`, two: `(aa)+`, want: "aa"},
		{one: `a+`, two: `(aa)+`, others: []string{"aa", "orders"}, want: "aaaa"},
		{one: `a`, two: `.`, others: []string{"a"}},
		{one: `.*`, two: `[^a-z]*`, want: "0"},
		{one: ``, two: `.*`},
		{one: `\.*`, two: `.*`, want: "..."},
		{one: `(?i)orders`, two: `[a-z]*s`, want: "orders"},
		{one: `(?i)orders`, two: `[A-Z]*`, want: "ORDERS"},
		{one: `^orders$`, two: `ord.*`, want: "orders"},
		{one: `a$b`, two: `.*`},
		{one: `orders\b.*`, two: `orders.+`, want: "orders."},
		{one: `orders\B.*`, two: `orders.+`, want: "ordersa"},
		{one: `a|bc`, two: `d|bc?`, want: "bc"},
		{one: `[a-z]{60}x`, two: `[a-z]{60}y`},
		{one: `größe`, two: `.*`},
		{one: `(`, two: `.*`},
		{one: `([a-z]*)*([a-z]*)*([a-z]*)*x`, two: `([a-z]*)*([a-z]*)*([a-z]*)*y`},
		{one: `[a-z]{1000}x`, two: `.{900,1000}y`},
	} {
		got := commonName(tt.one, tt.two, tt.others)
		if got != tt.want {
			t.Errorf("~%s and ~%s without %q: %q, want %q", tt.one, tt.two, tt.others, got, tt.want)
		}
		if got != commonName(tt.two, tt.one, tt.others) {
			t.Errorf("~%s and ~%s: the order matters", tt.one, tt.two)
		}
		for _, pattern := range []string{tt.one, tt.two} {
			if got != "" && !regexp.MustCompile("^(?:"+pattern+")$").MatchString(got) {
				t.Errorf("~%s does not match %s", pattern, got)
			}
		}
	}
}

// What is found is right by the judge that the bridge asks, and what is not
// found was not found among short names either.
func FuzzCommonName(f *testing.F) {
	f.Add(`audit\..*`, `.*\.x`)
	f.Add(`a\b.|b`, `(?i)A-?b*`)
	f.Fuzz(func(t *testing.T, one, two string) {
		for _, pattern := range []string{one, two} {
			if _, err := regexp.Compile(pattern); err != nil || len(pattern) > 20 {
				return
			}
		}
		a, unfitA := regexp.Compile("^(?:" + one + ")$")
		b, unfitB := regexp.Compile("^(?:" + two + ")$")
		if unfitA != nil || unfitB != nil {
			return
		}
		if name := commonName(one, two, nil); name != "" {
			if !a.MatchString(name) || !b.MatchString(name) {
				t.Errorf("~%s and ~%s do not both match %q", one, two, name)
			}
			return
		}
		for _, first := range topicRunes {
			for _, rest := range []string{"", "a", "b", "0", "-", "ab"} {
				if name := string(first) + rest; a.MatchString(name) && b.MatchString(name) && strings.Trim(name, ".") != "" {
					t.Errorf("~%s and ~%s both match %q", one, two, name)
				}
			}
		}
	})
}

func TestPatternsThatOverlapAreWarnedOf(t *testing.T) {
	t.Parallel()
	const two = "kafka: {brokers: [127.0.0.1:9092], group: g}\ndata_dir: d\nhandler: {log: {}}\ntopics:\n  '~audit\\..*':\n  '~.*\\.eu':\n"
	warned := strings.Join(mustLoad(t, two, Input{}).Warnings(), "\n")
	if want := `topics.~audit\..*: a topic such as audit.eu is one of ~.*\.eu, too,`; !strings.HasPrefix(warned, want) {
		t.Errorf("warned of %q, want %q", warned, want)
	}
	for _, rest := range []string{"  orders:\n", "  '~orders.*':\n"} {
		content := strings.Replace(two, "  '~.*\\.eu':\n", rest, 1)
		if warned := mustLoad(t, content, Input{}).Warnings(); len(warned) > 0 {
			t.Errorf("warned of %q", warned)
		}
	}
}
