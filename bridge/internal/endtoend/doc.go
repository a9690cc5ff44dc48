// Package endtoend tests the holdfast binary against a real Kafka, with a shell
// script as the handler, the way an operator meets it.
//
// It needs what package apache needs, and is skipped without.
package endtoend
