// Package bridgetest helps to test what runs on a bridge without a Kafka
// cluster: it starts an embedded broker that speaks the Kafka protocol on a
// loopback port of its own, fills it with records, reads back what was
// committed, and makes it fail on demand.
//
//	func TestCharges(t *testing.T) {
//		broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 4))
//		broker.Produce(t, "orders", bridgetest.Record{Key: []byte("cust-1"), Value: []byte("42")})
//		... run a bridge on broker.Addrs() until the record is handled ...
//		broker.WaitCommitted(t, "billing", "orders")
//	}
//
// A whole bridge on such a broker needs one call. Time is told to pass, and a
// crash or a rebalance comes on demand, so that no test sleeps:
//
//	func TestBusyBankIsAskedAgain(t *testing.T) {
//		env := bridgetest.Start(t, bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: charge}}})
//		env.Produce("orders", bridgetest.Record{Key: []byte("cust-1"), Value: []byte("42")})
//		env.Await("retry", 1)
//		env.Crash()
//		env.Advance(time.Minute)
//		env.Await("done", 1)
//		env.AwaitCommitted("orders")
//	}
//
// [Env] says what each of these does and does not; the tests of this package have one for each
// feature of the bridge.
//
// For a handler alone no broker is needed:
//
//	result := bridgetest.Handle(t, charge, bridge.Job{Record: bridge.Record{Value: []byte("no amount")}})
//	if result.Outcome != "halt" {
//		t.Errorf("%+v", result)
//	}
//
// The broker ends with the test. It keeps everything in memory unless
// [Persistent] is given, and then survives [Broker.Stop] and [Broker.Start].
//
// # What it is not
//
// The embedded broker is kfake: consumer groups, transactions, compaction and
// retention behave as in Kafka as far as clients can tell, but it has no
// replicas, and it accepts commit metadata beyond Kafka's 4,096 bytes. Limits
// and timings of a real broker are tested against a real broker.
package bridgetest
