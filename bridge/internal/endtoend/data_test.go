package endtoend

import "testing"

// TestData has the tests of what producers, the log and operators do to the
// data. They share a broker; each has topics and a group of its own.
func TestData(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	for name, test := range map[string]func(*testing.T, *kafka){
		"transactions":               testTransactions,
		"long aborted tail":          testLongAbortedTail,
		"record shapes":              testRecordShapes,
		"log append time":            testLogAppendTime,
		"codecs":                     testCodecs,
		"large records":              testLargeRecords,
		"interleaved aborts":         testInterleavedAborts,
		"tiny batches":               testTinyBatches,
		"offsets reset":              testResetOffsets,
		"offsets expired":            testExpiredOffsets,
		"start":                      testStart,
		"retention behind the store": testRetentionBehindTheStore,
		"retention beyond the store": testRetentionBeyondTheStore,
		"retention overtakes":        testRetentionOvertakesABridge,
		"recreated while stopped":    testRecreatedWhileStopped,
		"recreated while running":    testRecreatedWhileRunning,
		"compaction":                 testCompaction,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}
