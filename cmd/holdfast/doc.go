// Command holdfast runs Kafka records as durable jobs, many at a time per
// partition and in order per key. README.md describes its commands, its
// configuration and its exit codes.
//
// A command is a method of world, which stands for the process around it, so
// that tests can be another one. It returns an error; what that means for the
// exit code is decided in one place, exit.go.
package main
