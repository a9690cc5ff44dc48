package endtoend

import "testing"

// TestCluster has the tests that share a broker, which they leave alone. Each
// has topics and a group of its own.
func TestCluster(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	for name, test := range map[string]func(*testing.T, *kafka){
		"two groups on one topic":  testTwoGroups,
		"empty topic":              testEmptyTopic,
		"topics that do not exist": testTopicsToCome,
		"cooperative-sticky":       testCooperative,
		"range":                    testRange,
		"static members":           testStatic,
		"rolling restart":          testRolling,
		"zombie":                   testZombie,
		"more partitions":          testMorePartitions,
		"restored copy":            testRestoredCopy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}
