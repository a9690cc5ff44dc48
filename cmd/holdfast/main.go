package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(thisProcess().main(context.Background(), os.Args))
}
