// Package ptytest is a terminal for tests of what draws on one.
package ptytest
