// Package partitioner decides which lane a Kafka record belongs to. A lane is
// one ordered queue within a Kafka partition: records of different lanes may be
// worked on at the same time, records of one lane never are.
//
//	p, err := partitioner.New(partitioner.Scheme{
//		Sources: []partitioner.Source{partitioner.HeaderValue("tenant"), partitioner.JSON("customer.id")},
//		Missing: partitioner.One,
//	})
//	...
//	lane, err := p.Lane(record)
//
// # Guarantees
//
// The lane of a record depends on that record and the scheme alone: it is the
// same in every process, after every restart and on every delivery. Equal values
// have equal lanes. Several sources join to one value without ambiguity, written
// with slashes: acme/42; a slash within a part is written \/ and a backslash \\.
//
// A source that fails or panics for a record affects that record alone: Lane
// reports the error and gives the record a lane of its own.
//
// # Textual forms
//
//	sources    key, header:NAME, json:PATH, round_robin:N     ParseSource
//	missing    own, one, spread:N                             ParseMissing
//	lanes      per_value, N                                   ParseLanes
//	ordering   key, partition, none                           ParseOrdering
//
// # Published ids
//
// Lane ids are SipHash-2-4 of the value, with keys of their own: the first half
// of each is the text "holdfast", the second "lane    " for a lane per value and
// "slot    " for one of N lanes (the hash modulo N), both as little-endian
// numbers. No producer chooses partitions by these, so the keys of one Kafka
// partition still fill all lanes evenly. With the producer's own hash they would
// not: of 12 lanes, the keys of one partition of 12 would use a single one. Ids
// of the lanes that no value names are hashed likewise ("missing ", "whole   ").
//
// The hashes of the usual producers are here by name, see [Hashes]; a [Placement]
// places records in the partitions of a topic by one of them.
package partitioner
