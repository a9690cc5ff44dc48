package partitioner

// Record is the part of a Kafka record that can decide its lane.
type Record struct {
	Offset     int64
	Key, Value []byte // nil is null; empty is a key like any other
	Headers    []Header
}

// Header is one header of a record; a nil Value is null.
type Header struct {
	Key   string
	Value []byte
}

// Lane names one ordered queue within a Kafka partition.
type Lane struct {
	// ID is equal for records of one lane. It is a 64-bit hash, so two values
	// may in principle share a lane, which costs concurrency and never order.
	ID uint64
	// Name is for people. It may share memory with the record: copy it to keep
	// it longer than that, and never write to it.
	Name []byte
	// Own marks a lane that holds this record alone; ID says nothing then.
	Own bool
}
