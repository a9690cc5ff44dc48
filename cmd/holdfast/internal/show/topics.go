package show

import (
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// topics is a table of what is set for each topic, and of its dead letters.
func topics(s inspect.Status, width int) []string {
	if len(s.Topics) == 0 {
		return nil
	}
	return append([]string{""}, gridOf([]field[inspect.TopicStatus]{
		{name: "TOPIC", cell: func(t inspect.TopicStatus) string { return t.Topic }, max: 30},
		{name: "PARTITIONS", cell: func(t inspect.TopicStatus) string { return listing.Count(t.Partitions) }, right: true, drop: 2},
		{name: "RUNNING", cell: topicRunning, right: true},
		{name: "RATE", cell: topicRate, right: true, drop: 1},
		{name: "ON FAILURE", cell: func(t inspect.TopicStatus) string { return orNone(t.OnFailure) }},
		{name: "GUARD", cell: topicGuard},
		{name: "DEAD", cell: func(t inspect.TopicStatus) string { return listing.Count(t.Dead) }, right: true},
		{name: "OLDEST DEAD", cell: func(t inspect.TopicStatus) string { return listing.Age(t.OldestDead, s.At) }, right: true, drop: 3},
	}, s.Topics).lines(width)...)
}

func topicRunning(t inspect.TopicStatus) string {
	switch {
	case t.Paused:
		return "paused"
	case t.Concurrency > 0:
		return fmt.Sprintf("%s of %s", listing.Count(t.Running), listing.Count(t.Concurrency))
	}
	return listing.Count(t.Running)
}

func topicRate(t inspect.TopicStatus) string {
	if t.Rate <= 0 {
		return listing.None
	}
	return rate(t.Rate)
}

func topicGuard(t inspect.TopicStatus) string {
	switch g := t.Guard; {
	case g == nil:
		return listing.None
	case g.Active:
		return fmt.Sprintf("ACTIVE, kept %s", listing.Count(g.Refused))
	default:
		return fmt.Sprintf("%d of %d left", g.Tokens, g.Bucket)
	}
}

func orNone(text string) string {
	if text == "" {
		return listing.None
	}
	return text
}
