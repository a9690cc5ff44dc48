// Package apache runs a real Apache Kafka for tests: one broker in KRaft mode
// on free loopback ports, in a directory of the test, stopped when the test
// ends.
//
//	broker := apache.Start(t)
//	broker.CreateTopic(t, "orders", 4)
//	... use broker.Addr() ...
//	broker.Kill(t)
//	broker.Restart(t)
//	fmt.Println(broker.Tool(t, apache.ConsumerGroupCommand, "--describe", "--group", "billing"))
//
// It needs Java 17 and, the first time, Maven, which fetches the jars named in
// testdata/kafka/pom.xml into the user's cache directory. Where they cannot be
// had the test is skipped with a sentence that says so; with
// HOLDFAST_REQUIRE_KAFKA=1 in the environment it fails instead. Tests that run
// with -short are skipped too.
//
// A broker takes about three seconds to start and 250 MiB of memory: share one
// among the tests of a package, with a topic and a group for each.
package apache
