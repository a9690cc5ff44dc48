// Package nearest finds the name that somebody meant to type.
//
//	name, ok := nearest.Name("worker", []string{"kafka", "workers"}) // "workers", true
package nearest
