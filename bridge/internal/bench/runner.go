package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// prepareRunner returns the class path of testdata/bench/Runner.java: its jars
// are fetched with Maven into the user's cache directory and it is compiled
// beside them, once for each version of the two files.
func prepareRunner(fixtures string) (string, error) {
	sum := sha256.New()
	for _, name := range []string{"pom.xml", "Runner.java"} {
		text, err := os.ReadFile(filepath.Join(fixtures, name))
		if err != nil {
			return "", fmt.Errorf("prepare Parallel Consumer: %w", err)
		}
		sum.Write(text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("prepare Parallel Consumer: %w", err)
	}
	dir := filepath.Join(cache, "holdfast-bench-"+hex.EncodeToString(sum.Sum(nil)[:4]))
	path := filepath.Join(dir, "classes") + string(os.PathListSeparator) + filepath.Join(dir, "libs", "*")
	if _, err := os.Stat(dir); err == nil {
		return path, nil
	}
	if err := buildRunner(fixtures, dir); err != nil {
		return "", fmt.Errorf("prepare Parallel Consumer: %w", err)
	}
	return path, nil
}

// buildRunner builds beside dir and renames at the end: dir is complete or
// absent. Of two that build at once, the later one keeps its own.
func buildRunner(fixtures, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "holdfast-bench-new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	libs := filepath.Join(temp, "libs")
	for _, cmd := range []*exec.Cmd{
		exec.Command("mvn", "-q", "-B", "-f", filepath.Join(fixtures, "pom.xml"),
			"dependency:copy-dependencies", "-DoutputDirectory="+libs, "-DincludeScope=runtime"),
		exec.Command("javac", "-cp", filepath.Join(libs, "*"), "-d", filepath.Join(temp, "classes"),
			filepath.Join(fixtures, "Runner.java")),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd.Args[0], err, out)
		}
	}
	if err := os.Rename(temp, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
