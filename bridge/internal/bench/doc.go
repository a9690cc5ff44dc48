// Package bench measures holdfast beside a bare sarama consumer group and
// Confluent Parallel Consumer, all against the same Kafka broker in the same
// run: a real one, and in some cases the embedded one as a process of its own.
//
//	make bench                              # everything, three times
//	make bench BENCH='-short -json out.json'
//	make chart RESULTS=out.json             # draws out.svg
//
// Each measured process counts on a board, a file it shares with the
// benchmark; processor time, memory, bytes written and transactions are read
// from outside. Topics are loaded once, in batches of 16 KiB, and each process
// reads them from the beginning as a new group.
//
// Bare sarama is what one would write by hand: it calls the handler in its
// claim and marks each record, with holdfast's sizes of fetches and Go's
// settings as they are. Holdfast's garbage collector is set as the binary sets
// it. Parallel Consumer has the options of its documentation and Java's default
// heap, and is measured once its machine code is warm.
//
// The systems take turns, and only ratios within a repetition are compared: on
// a machine that does something else at the same time no absolute figure means
// much, and a ratio of one repetition little. fsyncs are counted as two for
// each of bbolt's transactions.
//
// What is not measured: replicas and networks, since the broker is on the same
// machine and competes for its processors.
package bench
