package webhook_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/webhook"
)

// A receiver charges one order and refuses another.
func Example() {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value, _ := io.ReadAll(r.Body)
		if len(value) == 0 {
			http.Error(w, "not an order", http.StatusUnprocessableEntity)
			return
		}
		fmt.Println("charge", r.Header.Get("ce-subject"), string(value), "once by", r.Header.Get("ce-id"))
	}))
	defer receiver.Close()

	handler, err := webhook.New(webhook.Config{URL: receiver.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer handler.CloseIdleConnections()
	cfg := bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: handler}}}
	for _, value := range []string{"7.50", ""} {
		record := bridge.Record{Topic: "orders", Offset: 1042, Key: []byte("anna"), Value: []byte(value)}
		trial, err := bridge.Try(context.Background(), cfg, bridge.Job{Record: record})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(trial.Outcome)
	}
	// Output:
	// charge anna 7.50 once by orders/0@1042
	// done
	// halt
}
