// Package endtoend tests bridges against a real Kafka: the holdfast binary
// with a shell script as the handler, the way an operator meets it, and bridges
// of this process or of others, of which hooks tell more.
//
// It needs what package apache needs, and is skipped without. What two processes
// with one store do is tested against the embedded broker as well.
package endtoend
