package main

import (
	"os"
	"testing"
)

func TestData(t *testing.T) {
	if text, err := os.ReadFile("data/f"); err != nil || string(text) != "hello" {
		t.Fatal(string(text), err)
	}
	if err := os.WriteFile("data/made", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove("data/made"); err != nil {
		t.Fatal(err)
	}
}
