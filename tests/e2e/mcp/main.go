// A tool server for agents, by the Model Context Protocol: over stdin and stdout, or with -http ADDRESS over HTTP.
// Nothing in it knows of virtual machines.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type readArgs struct {
	Name string `json:"name" jsonschema:"a file's name"`
}

type fetchArgs struct {
	URL string `json:"url" jsonschema:"where from"`
}

func text(words string, err error) (*mcp.CallToolResult, any, error) {
	if err != nil {
		return nil, nil, err
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: words}}}, nil, nil
}

func read(_ context.Context, _ *mcp.CallToolRequest, args readArgs) (*mcp.CallToolResult, any, error) {
	bytes, err := os.ReadFile(filepath.Join("/data", args.Name))
	return text(string(bytes), err)
}

func fetch(ctx context.Context, _ *mcp.CallToolRequest, args fetchArgs) (*mcp.CallToolResult, any, error) {
	response, err := http.Get(args.URL)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	bytes, err := io.ReadAll(response.Body)
	return text(string(bytes), err)
}

func main() {
	address := flag.String("http", "", "serve HTTP at this address")
	flag.Parse()
	server := mcp.NewServer(&mcp.Implementation{Name: "files", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "read", Description: "reads a file"}, read)
	mcp.AddTool(server, &mcp.Tool{Name: "fetch", Description: "fetches a page"}, fetch)
	if *address == "" {
		if err := server.Run(context.Background(), &mcp.StdioTransport{}); err != nil {
			log.Fatal(err)
		}
		return
	}
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	log.Fatal(http.ListenAndServe(*address, handler))
}
