// Package produce reads records from a stream of text and writes them to a
// Kafka topic. It is made for development and first looks, not for production.
//
//	in, err := produce.NewReader(os.Stdin, produce.Format{JSON: true})
//	...
//	sent, err := produce.Send(ctx, produce.Target{Brokers: brokers, Topic: "orders", Hash: murmur2}, in)
//
// Records of one key arrive in the order of the stream, without duplicates.
package produce
