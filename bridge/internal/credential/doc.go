// Package credential reads what a client proves itself with from files that may
// change while the process runs: secrets, certificates and keys. Its errors
// name files, never what is in them.
package credential
