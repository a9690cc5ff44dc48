// Command receiver prints the jobs that the http handler of holdfast posts to it.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync"
)

func main() {
	address := flag.String("listen", "127.0.0.1:8080", "address to listen at")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening at http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, &receiver{done: make(map[string]bool)}))
}

// receiver charges each job once, although one may arrive several times.
type receiver struct {
	mu   sync.Mutex
	done map[string]bool // guarded by mu; by ce-id
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	value, err := io.ReadAll(request.Body)
	if err != nil {
		http.Error(w, "the value did not arrive whole", http.StatusBadRequest)
		return
	}
	header := request.Header
	id, key := header.Get("ce-id"), text(header.Get("ce-subject"))
	switch {
	case header.Get("Authorization") != "Bearer example":
		http.Error(w, "unknown token", http.StatusUnauthorized)
		return
	case string(value) == "nonsense":
		http.Error(w, "not an order", http.StatusUnprocessableEntity)
		return
	case key == "busy" && header.Get("ce-attempt") == "1":
		w.Header().Set("Retry-After", "1")
		http.Error(w, "come back in a second", http.StatusServiceUnavailable)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.done[id] {
		r.done[id] = true
		fmt.Printf("%s offset=%s key=%q attempt=%s tenant=%q tombstone=%t type=%s value=%q\n", header.Get("ce-type"), header.Get("ce-offset"),
			key, header.Get("ce-attempt"), header.Get("tenant"), header.Get("ce-tombstone") == "true", header.Get("Content-Type"), value)
	}
	w.WriteHeader(http.StatusNoContent)
}

// text undoes the percent-encoding of an attribute.
func text(encoded string) string {
	decoded, err := url.PathUnescape(encoded)
	if err != nil {
		return encoded
	}
	return decoded
}
