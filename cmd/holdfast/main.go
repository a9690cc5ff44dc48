package main

import (
	"context"
	"os"

	"github.com/IBM/sarama"
)

func main() {
	w := thisProcess()
	w.logKafka = func(l sarama.StdLogger) { sarama.Logger = l }
	os.Exit(w.main(context.Background(), os.Args))
}
