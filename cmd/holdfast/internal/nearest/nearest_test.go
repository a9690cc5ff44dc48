package nearest

import "testing"

func TestName(t *testing.T) {
	t.Parallel()
	known := []string{"kafka", "data_dir", "workers", "session_timeout", "stop_within"}
	for _, tt := range []struct{ given, want string }{
		{"worker", "workers"},
		{"Workers", "workers"},
		{"wrokers", "workers"},
		{"datadir", "data_dir"},
		{"timeout", "session_timeout"},
		{"kafak", "kafka"},
		{"rate", ""},
		{"xs", ""},
		{"", ""},
		{"_", ""},
	} {
		got, ok := Name(tt.given, known)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("Name(%q) = %q, %v; want %q", tt.given, got, ok, tt.want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1},
		{"kitten", "sitting", 3}, {"größe", "grösse", 2},
	} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := distance(tt.b, tt.a); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.b, tt.a, got, tt.want)
		}
	}
}
