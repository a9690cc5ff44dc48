// Package partitioner decides which lane a Kafka record belongs to.
package partitioner
