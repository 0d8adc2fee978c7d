//go:build tools

// Package tools pins the command that the rig builds.
package tools

import _ "github.com/minio/minio"
