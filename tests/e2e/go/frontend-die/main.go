// frontend-die is the Dockerfile frontend, until a call at which it dies.
//
// Options:
//
//	die-at      the call, such as Ping, Inputs, Solve, ReadFile, ResolveSourceMeta or Return
//	die-when    "before" the call, or "after" its answer; before where it is left out
//	die-how     "exit" with status 3, "leave" with status 0, "kill" itself, "garbage" on the stream, "close" the
//	            stream and stay, or "hang"; exit where it is left out
//
// The kernel does not let the first process of a container kill itself: there, "kill" is "hang".
package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"syscall"

	"github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/util/appcontext"
	"google.golang.org/grpc"

	"refkit/e2e/internal/stdio"
)

func main() {
	if err := stdio.Run(appcontext.Context(), builder.Build, mortal); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func mortal(
	ctx context.Context, method string, request, answer any,
	connection *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	opts := stdio.Options()
	here := path.Base(method) == opts["die-at"]
	if here && opts["die-when"] != "after" {
		die(opts["die-how"])
	}
	err := call(ctx, method, request, answer, connection, options...)
	if here {
		die(opts["die-how"])
	}
	return err
}

// die does not return.
func die(how string) {
	switch cmp.Or(how, "exit") {
	case "exit":
		os.Exit(3)
	case "leave":
		os.Exit(0)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "garbage":
		_, _ = os.Stdout.Write(bytes.Repeat([]byte{0xff}, 4096))
	case "close":
		_ = os.Stdout.Close()
	}
	select {}
}
