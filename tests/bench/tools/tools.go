//go:build tools

// Package tools names the command-line tools that are built at the exact versions of go.mod.
package tools

import (
	_ "github.com/BurntSushi/toml/cmd/tomlv"
	_ "github.com/benhoyt/goawk"
	_ "github.com/dop251/goja/goja"
	_ "github.com/google/go-jsonnet/cmd/jsonnet"
	_ "github.com/itchyny/gojq/cmd/gojq"
	_ "github.com/mikefarah/yq/v4"
	_ "github.com/tdewolff/minify/v2/cmd/minify"
	_ "github.com/traefik/yaegi/cmd/yaegi"
	_ "golang.org/x/tools/cmd/goimports"
	_ "mvdan.cc/gofumpt"
	_ "mvdan.cc/sh/v3/cmd/shfmt"
)
