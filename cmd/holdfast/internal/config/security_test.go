package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
)

func TestSecurityOfFileAndEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "password", "s3cret\n")
	write(t, dir, "token.sh", "#!/bin/sh\n")
	content := smallest[:strings.Index(smallest, "}")] + `, tls: {}, sasl: {mechanism: SCRAM-SHA-512, user: billing, password_file: password}}` +
		smallest[strings.Index(smallest, "}")+1:]

	t.Run("file", func(t *testing.T) {
		t.Parallel()
		c, err := decode([]byte(content), Input{File: filepath.Join(dir, "holdfast.yaml")})
		if err != nil {
			t.Fatal(err)
		}
		want := Kafka{Security: Security{TLS: &TLS{}, SASL: &SASL{Mechanism: "SCRAM-SHA-512", User: "billing", PasswordFile: filepath.Join(dir, "password")}}}
		if diff := cmp.Diff(want.Security, c.Kafka.Security); diff != "" {
			t.Error(diff)
		}
		conf := applied(t, &c.Kafka)
		if !conf.Net.TLS.Enable || !conf.Net.SASL.Enable || conf.Net.SASL.User != "billing" {
			t.Errorf("the client got TLS %v and SASL %v as %q", conf.Net.TLS.Enable, conf.Net.SASL.Enable, conf.Net.SASL.User)
		}
	})
	t.Run("environment over file", func(t *testing.T) {
		t.Parallel()
		c, err := decode([]byte(content), Input{File: filepath.Join(dir, "holdfast.yaml"), Dir: dir, Environ: []string{
			"HOLDFAST_KAFKA_SASL_USER=audit", "HOLDFAST_KAFKA_TLS_SERVER_NAME=kafka.example",
		}})
		if err != nil {
			t.Fatal(err)
		}
		if c.Kafka.SASL.User != "audit" || c.Kafka.TLS.ServerName != "kafka.example" {
			t.Errorf("%+v %+v", c.Kafka.SASL, c.Kafka.TLS)
		}
	})
	t.Run("environment alone", func(t *testing.T) {
		t.Parallel()
		k, err := LoadKafka(Input{Dir: dir, Environ: []string{"HOLDFAST_KAFKA_SASL_MECHANISM=OAUTHBEARER", "HOLDFAST_KAFKA_SASL_TOKEN_COMMAND=./token.sh"}})
		if err != nil {
			t.Fatal(err)
		}
		want := Security{SASL: &SASL{Mechanism: "OAUTHBEARER", TokenCommand: []string{filepath.Join(dir, "token.sh")}}}
		if diff := cmp.Diff(want, k.Security); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		k, err := LoadKafka(Input{})
		if err != nil {
			t.Fatal(err)
		}
		if hook, err := k.Sarama(); hook != nil || err != nil {
			t.Errorf("a hook where there is nothing to set, error %v", err)
		}
	})
}

func TestSecurityProblems(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "holdfast.yaml")
	write(t, dir, "password", "s3cret\n")
	write(t, dir, "empty", "\n")
	write(t, dir, "rubbish.pem", "rubbish")
	for _, tt := range []struct {
		name, kafka string
		environ     []string
		want        string
	}{
		{"misspelt key", "tls: {ca: x}", nil, file + `:1: kafka.tls: unknown key "ca"; known here: ca_file, cert_file, key_file, server_name`},
		{"missing CA", "tls: {ca_file: none.pem}", nil, file + ":1: kafka.tls.ca_file: cannot be read: open " + dir + "/none.pem: no such file or directory; correct the path or the file's permissions"},
		{"no CA", "tls: {ca_file: rubbish.pem}", nil, file + ":1: kafka.tls.ca_file: " + dir + "/rubbish.pem holds no certificate in PEM; give it the one that signed the server's certificate"},
		{"certificate without key", "tls: {cert_file: rubbish.pem}", nil, file + ":1: kafka.tls.key_file: is missing; a certificate needs its key"},
		{"unknown mechanism", "sasl: {mechanism: MD5, user: a, password_file: password}", nil, file + `:1: kafka.sasl.mechanism: "MD5" is unknown; use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER`},
		{"no mechanism", "sasl: {user: a, password_file: password}", nil, file + `:1: kafka.sasl.mechanism: is missing; use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER`},
		{"no password", "sasl: {mechanism: PLAIN, user: a}", nil, file + ":1: kafka.sasl.password_file: is missing; write the password into a file and name that here, or set HOLDFAST_KAFKA_SASL_PASSWORD"},
		{"password in the file", "sasl: {mechanism: PLAIN, user: a, password: s3cret, password_file: password}", nil, file + ":1: kafka.sasl.password: does not belong into this file; write it into one of its own and name that as password_file, or set HOLDFAST_KAFKA_SASL_PASSWORD"},
		{"two passwords", "sasl: {mechanism: PLAIN, user: a, password_file: password}", []string{"HOLDFAST_KAFKA_SASL_PASSWORD=s3cret"}, file + ":1: kafka.sasl.password_file: is set and so is HOLDFAST_KAFKA_SASL_PASSWORD; keep one"},
		{"missing password file", "sasl: {mechanism: PLAIN, user: a, password_file: none}", nil, file + ":1: kafka.sasl.password_file: read the password: open " + dir + "/none: no such file or directory; write it there, readable for this process"},
		{"empty password file", "sasl: {mechanism: PLAIN, user: a, password_file: empty}", nil, file + ":1: kafka.sasl.password_file: read the password: " + dir + "/empty is empty; write it there, readable for this process"},
		{"no user", "sasl: {mechanism: PLAIN, password_file: password}", nil, file + ":1: kafka.sasl.user: is missing; PLAIN needs one"},
		{"missing token command", "sasl: {mechanism: OAUTHBEARER, token_command: ./none.sh}", nil, file + `:1: kafka.sasl.token_command: cannot be run: "` + dir + `/none.sh": stat ` + dir + `/none.sh: no such file or directory; correct the path, or make the file executable`},
		{"environment", "isolation: read_committed", []string{"HOLDFAST_KAFKA_TLS_CA_FILE=/none.pem"}, "HOLDFAST_KAFKA_TLS_CA_FILE: kafka.tls.ca_file: cannot be read: open /none.pem: no such file or directory; correct the path or the file's permissions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			content := "kafka: {brokers: [127.0.0.1:9092], group: billing, " + tt.kafka + "}\ndata_dir: d\ntopics: {orders: }\nhandler: {log: {}}\n"
			in := Input{File: file, Environ: tt.environ}
			if _, err := decode([]byte(content), in); err == nil || err.Error() != tt.want {
				t.Errorf("error is\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestKafkaAloneNeedsNoBridge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "holdfast.yaml", "kafka: {brokers: [k1:9093], tls: {}}\n")
	k, err := LoadKafka(Input{File: filepath.Join(dir, "holdfast.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"k1:9093"}, k.Brokers); diff != "" || k.TLS == nil {
		t.Errorf("TLS %v, brokers %s", k.TLS, diff)
	}
	write(t, dir, "wrong.yaml", "kafka: {tls: {cert_file: none.pem}}\n")
	_, err = LoadKafka(Input{File: filepath.Join(dir, "wrong.yaml")})
	if want := dir + "/wrong.yaml:1: kafka.tls.key_file: is missing; a certificate needs its key"; err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
	_, err = LoadKafka(Input{Environ: []string{"HOLDFAST_KAFKA_SASL_USER=a"}})
	if want := "environment: kafka.sasl.mechanism: is missing"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

func applied(t *testing.T, k *Kafka) *sarama.Config {
	t.Helper()
	hook, err := k.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	conf := sarama.NewConfig()
	hook(conf)
	if err := conf.Validate(); err != nil {
		t.Error(err)
	}
	return conf
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}
