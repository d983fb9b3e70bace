package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

func TestPlace(t *testing.T) {
	text, err := os.ReadFile("testdata/file")
	if err != nil || string(text) != "found\n" {
		t.Fatalf("%q %v", text, err)
	}
	dir, err := os.Getwd()
	if err != nil || filepath.Base(dir) != "command" {
		t.Fatalf("%q %v", dir, err)
	}
	if err := os.WriteFile(filepath.Join(t.TempDir(), "f"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestArguments(t *testing.T) {
	t.Log(flag.Args(), os.Getenv("GOWASIRUNTIME"), os.Getenv("X"))
}

func TestFails(t *testing.T) {
	if os.Getenv("FAIL") != "" {
		t.Error("on purpose")
	}
}

func BenchmarkNothing(b *testing.B) {
	for i := 0; i < b.N; i++ {
	}
}

func TestLong(t *testing.T) {
	for os.Getenv("SPIN") != "" {
	}
}
