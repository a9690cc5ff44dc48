// Package recovery opens a store after anything that can have happened to it,
// and decides how each partition continues when Kafka assigns it.
package recovery
