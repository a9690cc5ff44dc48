package bridge

import "time"

// unixMilli is a record's timestamp as Kafka has it, in Unix milliseconds; -1:
// it has none.
//
// sarama adds a duration to the time of the batch's first record, which is the
// zero time for -1. A duration of more than 292 years wraps, so that records of
// one batch further apart get a wrong time. It is still right modulo 2^64
// nanoseconds, and since 1e6 is 64 times an odd number, 58 bits of the
// milliseconds are left: more than Kafka's calendar needs.
func unixMilli(at time.Time) int64 {
	const inverse = 0x790f_b656_68c2_6139 // of 15625, modulo 2^64
	nanos := at.Unix()*1e9 + int64(at.Nanosecond())
	ms := nanos >> 6 * inverse << 6 >> 6
	if at.Year() < 1000 { // no wrap leads there from 1970
		ms -= 1 + time.Time{}.UnixMilli()
	}
	return max(ms, -1)
}
