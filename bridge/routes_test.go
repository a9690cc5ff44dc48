package bridge

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testRoutes(t *testing.T, topics ...Topic) *routes {
	t.Helper()
	for i := range topics {
		topics[i].Handler = doNothing
	}
	c := smallest()
	c.Topics = topics
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	r, err := newRoutes(c.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOwnEntryBeatsPattern(t *testing.T) {
	t.Parallel()
	r := testRoutes(t, Topic{Match: `audit\..*`}, Topic{Name: "audit.eu"}, Topic{Match: `orders|payments`})
	for topic, want := range map[string]string{
		"audit.eu": "audit.eu",
		"audit.us": `~audit\..*`,
		"orders":   "~orders|payments",
	} {
		got, err := r.find(topic)
		if err != nil || got.selector != want {
			t.Errorf("%s: got %v, %v, want %s", topic, got, err, want)
		}
	}
}

func TestPatternsMatchWholeNames(t *testing.T) {
	t.Parallel()
	r := testRoutes(t, Topic{Match: "orders|payments"})
	for _, topic := range []string{"my-orders", "payments2"} {
		if _, err := r.find(topic); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want it refused", topic, err)
		}
	}
}

func TestTopicOfTwoPatternsIsRefused(t *testing.T) {
	t.Parallel()
	r := testRoutes(t, Topic{Match: "audit.*"}, Topic{Match: ".*eu"})
	_, err := r.find("audit.eu")
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "~audit.* and ~.*eu") {
		t.Errorf("got %v, want both patterns named", err)
	}
}

func TestSubscription(t *testing.T) {
	t.Parallel()
	topics := []Topic{{Name: "orders"}, {Name: "imports", Partitions: []int32{0, 3}}, {Match: "audit.*"}}
	sub := testRoutes(t, topics...).subscription(topics)
	if diff := cmp.Diff([]string{"orders"}, sub.Topics); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]int32{"imports": {0, 3}}, sub.Fixed); diff != "" {
		t.Error(diff)
	}
	if len(sub.Patterns) != 1 || !sub.Patterns[0].MatchString("audit.eu") {
		t.Errorf("patterns %v", sub.Patterns)
	}
}
