// Package http changes nothing: net/http uses Go's own net already.
package http
