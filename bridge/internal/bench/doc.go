// Package bench measures holdfast beside a bare sarama consumer group and
// Confluent Parallel Consumer, all against the same real Kafka broker in the
// same run:
//
//	make bench                              # everything, three times
//	make bench BENCH='-short -json out.json'
//
// Each measured process is a process of its own that counts on a board, a
// file it shares with the benchmark; memory, bytes written and transactions
// are read from outside. Topics are loaded once per case and each process
// reads them from the beginning as a new group. The measured systems take
// turns, and only ratios within a repetition are compared: on a machine that
// does something else at the same time, no absolute figure means much.
//
// What is not measured: replicas and networks, since there is one broker on
// the same machine, and competes for its processors.
package bench
