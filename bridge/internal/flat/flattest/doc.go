// Package flattest helps to test the JSON of types: it finds those of an
// interface and fills them with values that are hard to get right.
package flattest
