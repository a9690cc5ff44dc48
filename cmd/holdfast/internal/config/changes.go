package config

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Changes are the keys in which two configurations differ.
type Changes struct {
	Live    []string // can be in force without a restart
	Restart []string
}

// Changes compares c with a later configuration. What is in files that it names,
// and secrets, are not looked at.
func (c *Config) Changes(later *Config) (found Changes) {
	old, new := c.values(), later.values()
	keys := maps.Clone(old)
	maps.Copy(keys, new)
	for key := range keys {
		if old[key] == new[key] {
			continue
		}
		if path := strings.Split(key, keySeparator); live(path) && c.hasTopic(path) && later.hasTopic(path) {
			found.Live = append(found.Live, strings.Join(path, "."))
		} else {
			found.Restart = append(found.Restart, strings.Join(path, "."))
		}
	}
	slices.Sort(found.Live)
	slices.Sort(found.Restart)
	return found
}

// What bridge.Apply changes, and the level of the log.
var (
	liveKeys      = []string{"workers", "rate", "stop_within"}
	liveTopicKeys = []string{
		"concurrency", "rate", "retry", "retry_classes", "on_failure", "timeout", "heartbeat", "delay", "delay_header", "expire_after",
	}
)

func live(path []string) bool {
	if path[0] == "topics" {
		return len(path) > 2 && slices.Contains(liveTopicKeys, path[2])
	}
	return slices.Contains(liveKeys, path[0]) || slices.Equal(path, []string{"log", "level"})
}

// hasTopic reports whether the topic of a path is configured, if it is about one.
func (c *Config) hasTopic(path []string) bool {
	return path[0] != "topics" || slices.ContainsFunc(c.Topics, func(t *Topic) bool { return t.Name == path[1] })
}

// keySeparator is in no key; the names of topics have dots.
const keySeparator = "\x00"

// values are those of all keys as they are printed.
func (c *Config) values() map[string]string {
	found := make(map[string]string)
	var walk func(key string, n *yaml.Node)
	walk = func(key string, n *yaml.Node) {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				name := n.Content[i].Value
				if key != "" {
					name = key + keySeparator + name
				}
				walk(name, n.Content[i+1])
			}
		case yaml.SequenceNode:
			text, _ := yaml.Marshal(n) // of nodes that were made to be printed
			found[key] = string(text)
		default:
			found[key] = n.Value
		}
	}
	walk("", encodeSection(c))
	return found
}
